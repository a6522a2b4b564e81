"""Rows on probes that wait: how well the workers are used, and what a probe that hangs costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from benchmarks import contenders, projects
from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Contender, Failed
from benchmarks.projects import Project

__all__ = ["hanging", "waiting"]

PEER_WORKERS = 16
CLASSES = 10
TIMEOUT = 0.3
GRACE = 1.0
"""Seconds that a probe which cannot be interrupted is waited for, beyond its timeout."""
HANGS = {
    "in Python": "while True:\n    time.sleep(0.01)",
    "in C": "time.sleep(3600)",
}


@dataclass(frozen=True, slots=True)
class Phases:
    """What the probes themselves have written: independent of who runs them."""

    start: float
    """Seconds from the start of the process to the first probe."""
    work: float
    """Seconds from the start of the first probe to the end of the last one."""


def waiting(lab: Lab) -> Iterator[Row]:
    """How long many probes that wait take with many workers, the start of these apart."""
    scale = lab.scale
    project = lab.project(
        projects.waiting(scale.waiting, scale.wait), of_class=scale.waiting // CLASSES
    )
    workers = str(scale.workers)
    bare = (str(CHILDREN / "bare_pool.py"), workers, *project.modules)
    pool = Contender(name="bare pool", argv=bare)
    own = [
        replace(
            contenders.ours(project, "text", "--parallel", workers, "--executor", executor),
            name=f"probe {executor}",
        )
        for executor in ("threads", "processes")
    ]
    peers = [
        contenders.floor(project),
        contenders.django(project, "--parallel", str(PEER_WORKERS)),
        contenders.pytest(project, "-p", "xdist.plugin", "-n", str(PEER_WORKERS)),
    ]
    rounds = {contender.name: min(3, scale.rounds) for contender in (pool, *own)}
    phases = {
        contender.name: [
            _phases(lab, project, contender) for _ in range(rounds.get(contender.name, 1))
        ]
        for contender in (pool, *own, *peers)
        if not lab.is_absent(contender)
    }
    least = _work(phases[pool.name])
    told: dict[str, float | str] = {
        ("unittest" if peer is peers[0] else peer.name): (
            _work(phases[peer.name]) / least if peer.name in phases else lab.why_not(peer.name)
        )
        for peer in peers
    }
    for contender in own:
        yield Row(
            what=f"{scale.waiting} probes that wait {scale.wait} s, {workers}"
            f" {contender.name.removeprefix('probe ')}, {CLASSES} classes",
            budget=1.1,
            value=_work(phases[contender.name]) / least,
            unit="x bare pool",
            peers=told if contender is own[0] else {},
            note=f"bare pool {least:.2f} s; workers' start apart: " + _starts(phases),
        )


def hanging(lab: Lab) -> Iterator[Row]:
    """What a probe that hangs costs the run, beyond its timeout."""
    for kind, body in HANGS.items():
        yield _hanging(lab, kind, body)


def _hanging(lab: Lab, kind: str, body: str) -> Row:
    count = lab.scale.hanging
    bodies = [body if n % 2 else projects.stamped(f"quick_{n}", "pass") for n in range(2 * count)]
    # The last one, which does not hang, says when all before it are done with.
    project = lab.project([*bodies, projects.stamped("last", "pass")])
    own = contenders.ours(project, "text", "--timeout", str(TIMEOUT), codes=(1,))
    sample = lab.once(f"hanging {kind}", project, own.argv, limit=60)
    each = _work([_read(project, 0.0)]) / count if sample.code == 1 else float("inf")
    floor, patience = contenders.floor(project), lab.scale.patience
    sample = lab.once(f"unittest, hanging {kind}", project, floor.argv, patience)
    unittest = f"no verdict, killed after {patience:g} s" if sample.code == -9 else "ended"
    allowed = TIMEOUT + (GRACE if kind == "in C" else 0.0)
    return Row(
        what=f"each probe that hangs {kind}, timeout {TIMEOUT:g} s",
        budget=allowed + 0.2,
        value=each,
        unit="s",
        peers={"unittest": unittest},
        note=f"{count} of {project.size} hang; exit code told, all others ran",
    )


def _phases(lab: Lab, project: Project, contender: Contender) -> Phases:
    project.stamps.unlink(missing_ok=True)
    began = time.monotonic()
    sample = lab.once(contender.name, project, contender.argv, limit=120)
    if sample.code not in contender.codes:
        output = (project.folder / "output.txt").read_text(errors="replace")
        raise Failed(f"{contender.name!r} ended with {sample.code}:\n{output[:2000]}")
    return _read(project, began)


def _read(project: Project, began: float) -> Phases:
    """Return the phases from the stamps: lines of ``name what seconds``, by one clock for all."""
    lines = [line.split() for line in project.stamps.read_text().splitlines()]
    starts = [float(at) for _, what, at in lines if what == "began"]
    ends = [float(at) for _, what, at in lines if what == "ended"]
    return Phases(start=min(starts) - began, work=max(ends) - min(starts))


def _work(phases: list[Phases]) -> float:
    return min(phase.work for phase in phases)


def _starts(phases: dict[str, list[Phases]]) -> str:
    return ", ".join(
        f"{name} {median(phase.start for phase in found):.2f} s" for name, found in phases.items()
    )
