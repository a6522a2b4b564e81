"""Rows on local targets: ten of them against one run of ten times the probes, and what is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks import projects
from benchmarks.lab import Lab, Row
from benchmarks.measuring import Failed, Figures
from benchmarks.projects import Project

__all__ = ["targets"]

TARGETS = 10
STREAMING = ("text", "tap", "jsonl")
SETTING = f"""
PROBE_TARGETS = {{f"t{{n}}": {{"BACKEND": "local"}} for n in range({TARGETS})}}
"""


def targets(lab: Lab) -> Iterator[Row]:
    """Time of ten local targets, and how memory grows with their results."""
    size = lab.scale.many
    whole = lab.project(projects.trivial(size))
    tenth = lab.project(projects.trivial(size // TARGETS))
    with (tenth.folder / "settings.py").open("a") as settings:
        settings.write(SETTING)
    print(f"targets: {size} probes on one, {tenth.size} on each of {TARGETS}", file=sys.stderr)
    runs = {
        "one": (whole, ()),
        "ten": (tenth, ()),
        "single": (tenth, ("--target", "t0")),
    }
    figures = {name: {kind: Figures() for kind in STREAMING} for name in runs}
    for _ in range(lab.scale.rounds):
        for kind in STREAMING:
            for name, (project, options) in runs.items():
                sample = lab.once(name, project, _argv(kind, *options), 300)
                if sample.code:
                    raise Failed(f"{name} of targets, {kind}, ended with {sample.code}.")
                figures[name][kind].samples.append(sample)
    one, ten = figures["one"]["tap"], figures["ten"]["tap"]
    yield Row(
        what=f"{TARGETS} local targets of {tenth.size:,} trivial probes, tap",
        budget=1.05,
        value=ten.cpu / one.cpu,
        unit=f"x one run of {size:,}",
        note=f"by the clock {ten.wall / one.wall:.2f}; one run {one.cpu:.2f} s CPU",
    )
    yield _kept(figures["ten"], figures["single"], tenth)


def _argv(kind: str, *options: str) -> tuple[str, ...]:
    return ("manage.py", "probe", "--format", kind, *options)


def _kept(ten: dict[str, Figures], single: dict[str, Figures], tenth: Project) -> Row:
    """Return what a streaming format keeps of the results of nine more targets."""
    above = {kind: ten[kind].peak - single[kind].peak for kind in STREAMING}
    worst = max(above, key=above.__getitem__)
    return Row(
        what=f"what {', '.join(STREAMING)} keep of {TARGETS} targets above one of them",
        budget=4.0,
        value=above[worst],
        unit="MiB",
        note=f"{worst}; one target {single[worst].peak:.0f} MiB, {tenth.size:,} probes",
    )
