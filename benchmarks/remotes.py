"""Rows on remote targets: a thousand asked in one run, and what that needs."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Failed, Sample
from benchmarks.projects import Project
from django_probe.results import Outcome
from django_probe.sample import sample_result, sample_run
from django_probe.wire import encode

__all__ = ["remotes"]

SERVERS = 4
AT_ONCE = 16
PROBES = 10
PACE = 0.1
"""Seconds that a deployment takes to tell its wire: ten probes of 10 ms each."""
MEMORY = 150.0
MODULE = ("-m", "django_probe.client")


def remotes(lab: Lab) -> Iterator[Row]:
    """How long many deployments take, beside a bare pool that makes the same requests."""
    count = lab.scale.remotes
    print(f"remotes: {count} of {PROBES} probes", file=sys.stderr)
    project = lab.project(["pass"])
    wire = project.folder / "recorded.jsonl"
    wire.write_text(_recorded(), encoding="utf-8")
    samples: dict[str, list[Sample]] = {"bare": [], "text": [], "jsonl": []}
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_serving(lab, wire)) for _ in range(SERVERS)]
        urls = [f"t{n}=http://127.0.0.1:{ports[n % SERVERS]}/" for n in range(count)]
        for _ in range(min(3, lab.scale.rounds)):
            bare = (str(CHILDREN / "bare_requests.py"), str(AT_ONCE), *urls)
            samples["bare"].append(_once(lab, project, "bare pool", bare))
            for name in ("text", "jsonl"):
                own = (*MODULE, "--no-token", "--format", name, *urls)
                samples[name].append(_once(lab, project, f"client {name}", own))
    best = {name: min(sample.wall for sample in found) for name, found in samples.items()}
    for name in ("text", "jsonl"):
        yield Row(
            what=f"{count:,} remote targets of {PROBES} probes, {AT_ONCE} at once, {name}",
            budget=1.3,
            value=best[name] / best["bare"],
            unit="x bare pool",
            note=f"bare pool {best['bare']:.2f} s by the clock; each takes {PACE:g} s to tell",
        )
    yield Row(
        what=f"memory for {count:,} remote targets, text or jsonl",
        budget=MEMORY,
        value=max(median(s.peak for s in samples[name]) for name in ("text", "jsonl")),
        unit="MiB",
        note=f"bare pool {median(s.peak for s in samples['bare']):.0f} MiB",
    )


def _recorded() -> str:
    found = [sample_result(n, f"test_{n}", Outcome.PASSED) for n in range(PROBES)]
    return "".join(f"{encode(event)}\n" for event in sample_run(found=found))


@contextlib.contextmanager
def _serving(lab: Lab, wire: Path) -> Iterator[int]:
    """Answer with a wire until the end; yield the port."""
    process = subprocess.Popen(
        [lab.python, str(CHILDREN / "wire_server.py"), str(wire), str(PACE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=lab.env,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()


def _once(lab: Lab, project: Project, name: str, argv: tuple[str, ...]) -> Sample:
    sample = lab.once(name, project, argv, limit=300)
    if sample.code:
        output = (project.folder / "output.txt").read_text(errors="replace")
        raise Failed(f"{name!r} ended with {sample.code}:\n{output[:2000]}")
    return sample
