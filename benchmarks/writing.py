"""Rows on writing many results to JUnit, without running anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Contender, Failed
from benchmarks.projects import Project

__all__ = ["writing"]

OURS = "junit_writing.py"
THEIRS = "xmlrunner_writing.py"
PEER = Contender(name="xmlrunner", argv=(THEIRS,), needs="xmlrunner", peer=True)


def writing(lab: Lab) -> Iterator[Row]:
    """Time of each result, and memory that grows with their number."""
    print("writing", file=sys.stderr)
    project = lab.project(["pass"])
    few, number = lab.scale.most // 100 + 1, lab.scale.most
    rounds = range(min(3, lab.scale.rounds))
    _, little = _write(lab, project, OURS, few)
    times, peaks = zip(*(_write(lab, project, OURS, number) for _ in rounds), strict=True)
    told: dict[str, dict[str, float | str]] = {"time": {}, "peak": {}}
    if lab.is_absent(PEER):
        told = {key: {PEER.name: lab.why_not(PEER.name)} for key in told}
    else:
        _, peer_little = _write(lab, project, THEIRS, few)
        seconds, peak = _write(lab, project, THEIRS, number)
        told["time"][PEER.name] = seconds / number * 1e6
        told["peak"][PEER.name] = peak - peer_little
    yield Row(
        what=f"{number:,} results to junit, the writing alone",
        budget=20.0,
        value=min(times) / number * 1e6,
        unit="us each",
        peers=told["time"],
    )
    yield Row(
        what=f"what junit needs for {number:,} results above {few:,}",
        budget=8.0,
        value=min(peaks) - little,
        unit="MiB",
        peers=told["peak"],
        note=f"{few:,} results: {little:.0f} MiB",
    )


def _write(lab: Lab, project: Project, script: str, number: int) -> tuple[float, float]:
    """Return (seconds, MiB at the peak) of a script that writes a number of results."""
    sample = lab.once(f"{script} {number}", project, (str(CHILDREN / script), str(number)), 600)
    told = (project.folder / "output.txt").read_text(errors="replace")
    if sample.code:
        raise Failed(f"{script} ended with {sample.code}:\n{told[:2000]}")
    return float(json.loads(told)["seconds"]), sample.peak
