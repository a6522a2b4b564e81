"""Rows on writing many results, without running anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Contender, Failed
from benchmarks.projects import Project

__all__ = ["writing"]

OURS = "writing.py"
THEIRS = "xmlrunner_writing.py"
FORMATS = ("ctrf", "github", "html", "markdown", "nagios", "openmetrics")
LEFT = 14.0
"""Microseconds that a format may take for a result, whatever the machine does beside it.

Of the floor's 40 each 1.5 x leave 20; running the probes takes 0.15 of the floor.
"""
PEER = Contender(name="xmlrunner", argv=(THEIRS,), needs="xmlrunner", peer=True)


def writing(lab: Lab) -> Iterator[Row]:
    """Time of each result, and memory that grows with their number."""
    print("writing", file=sys.stderr)
    project = lab.project(["pass"])
    yield from _junit(lab, project)
    for name in FORMATS:
        yield from _format(lab, project, name)


def _junit(lab: Lab, project: Project) -> Iterator[Row]:
    """Time and memory of junit, beside those of its peer."""
    few, number = lab.scale.most // 100 + 1, lab.scale.most
    rounds = range(min(3, lab.scale.rounds))
    _, little = _write(lab, project, OURS, "junit", few)
    times, peaks = zip(*(_write(lab, project, OURS, "junit", number) for _ in rounds), strict=True)
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


def _format(lab: Lab, project: Project, name: str) -> Iterator[Row]:
    """Time and memory of one of the other formats."""
    few, number = lab.scale.most // 100 + 1, lab.scale.most
    _, little = _write(lab, project, OURS, name, few)
    rounds = range(min(3, lab.scale.rounds))
    times, peaks = zip(*(_write(lab, project, OURS, name, number) for _ in rounds), strict=True)
    yield Row(
        what=f"{number:,} results to {name}, the writing alone",
        budget=LEFT,
        value=min(times) / number * 1e6,
        unit="us each",
        note=f"keeps {max(0.0, min(peaks) - little) * 1024 * 1024 / number:.0f} bytes of each",
    )


def _write(lab: Lab, project: Project, script: str, *args: object) -> tuple[float, float]:
    """Return (seconds, MiB at the peak) of a script that writes a number of results."""
    told = [str(arg) for arg in args]
    sample = lab.once(" ".join([script, *told]), project, (str(CHILDREN / script), *told), 600)
    told = (project.folder / "output.txt").read_text(errors="replace")
    if sample.code:
        raise Failed(f"{script} ended with {sample.code}:\n{told[:2000]}")
    return float(json.loads(told)["seconds"]), sample.peak
