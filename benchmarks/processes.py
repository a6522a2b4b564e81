"""Rows on worker processes: how quickly their events come, and what hanging probes cost a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from benchmarks import contenders, projects
from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Failed

__all__ = ["crossing", "profile"]

CROSSING = "crossing.py"
PROFILE = 40
PROFILE_HANGS = 2
PROFILE_TIMEOUT = 1.0
PROFILE_WORKERS = 4


def crossing(lab: Lab) -> Iterator[Row]:
    """Time of each event of trivial probes, from a worker process to the loop that reads them."""
    print("crossing", file=sys.stderr)
    project = lab.project(["pass"] * lab.scale.many)
    rounds = min(3, lab.scale.rounds)
    best = {
        workers: min(_cross(lab, project, workers) for _ in range(rounds)) for workers in (1, 4)
    }
    yield Row(
        what=f"each of {2 * lab.scale.many:,} events from a worker process",
        budget=50.0,
        value=best[1] * 1e6,
        unit="us",
        note=f"{1 / best[1]:,.0f} a second; from four workers {1 / best[4]:,.0f}",
    )


def profile(lab: Lab) -> Iterator[Row]:
    """The whole run of forty probes of which two hang for a minute."""
    bodies = ["pass"] * PROFILE
    for place in (PROFILE // 4, PROFILE // 2):
        bodies[place] = "time.sleep(60)"
    project = lab.project(bodies, of_class=PROFILE // 4)
    options = ("--timeout", f"{PROFILE_TIMEOUT:g}", "--parallel", str(PROFILE_WORKERS))
    own = contenders.ours(project, "json", *options, codes=(1,))
    walls = []
    for _ in range(min(3, lab.scale.rounds)):
        sample = lab.once("hang profile", project, own.argv, limit=30)
        told = json.loads((project.folder / "output.txt").read_text(errors="replace"))
        if sample.code != 1 or told["summary"]["timed_out"] != PROFILE_HANGS:
            raise Failed(f"The hang profile ended with {sample.code}: {told['summary']}")
        if told["summary"]["passed"] != PROFILE - PROFILE_HANGS:
            raise Failed(f"Not all others passed: {told['summary']}")
        walls.append(sample.wall)
    yield Row(
        what=f"{PROFILE} probes of which {PROFILE_HANGS} hang, timeout {PROFILE_TIMEOUT:g} s,"
        f" {PROFILE_WORKERS} workers",
        budget=2.0,
        value=min(walls),
        unit="s",
        note="the whole process; all are told, exit code 1",
    )


def _cross(lab: Lab, project: projects.Project, workers: int) -> float:
    """Return seconds for each event."""
    argv = (str(CHILDREN / CROSSING), str(workers))
    sample = lab.once(f"{CROSSING} {workers}", project, argv, 120)
    told = (project.folder / "output.txt").read_text(errors="replace")
    if sample.code:
        raise Failed(f"{CROSSING} ended with {sample.code}:\n{told[:2000]}")
    found = json.loads(told)
    if found["events"] != 2 * project.size - 1:
        raise Failed(f"{CROSSING} saw {found['events']} events of {project.size} probes.")
    return float(found["seconds"]) / int(found["events"])
