"""Rows on one probe: how long until it has its result, and what is imported for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Failed
from benchmarks.projects import Project

__all__ = ["imports", "start"]

ALLOWED = {"django", "django_probe", "asgiref", "sqlparse", "typing_extensions", "tzdata"}
"""What may come from site-packages: Django and what it needs itself."""
HEAVY = ("lxml", "xmlrunner", "django.test", "asyncio", "multiprocessing")


def start(lab: Lab) -> Iterator[Row]:
    """How long one trivial probe takes, from nothing to the exit code."""
    project = lab.project(["pass"])
    figures = lab.race(
        "start",
        project,
        [
            contenders.check(),
            contenders.ours(project, "text"),
            contenders.django(project),
            contenders.pytest(project),
        ],
        rounds=2 * lab.scale.rounds,
        peer_rounds=2 * lab.scale.peer_rounds,
    )
    least, own = figures["manage.py check"], figures["probe text"]
    yield Row(
        what="start: one probe, text",
        budget=1.1,
        value=own.cpu / least.cpu,
        unit="x manage.py check",
        peers=lab.peers(figures, ("manage.py test", "pytest"), "cpu", least.cpu),
        note=f"by the clock {own.wall / least.wall:.2f}; check {least.cpu:.2f} s CPU",
    )


def imports(lab: Lab) -> Iterator[Row]:
    """What a text report imports beyond the standard library, Django and ourselves."""
    print("imports", file=sys.stderr)
    project = lab.project(["pass"])
    without = _imported(lab, project, "check")
    own = _imported(lab, project, "probe", "--format", "text")
    foreign = (own["packages"] - without["packages"]) | (own["heavy"] - without["heavy"])
    yield Row(
        what="what text imports beyond the standard library, Django and us",
        budget=0,
        value=len(foreign),
        unit="packages",
        note=", ".join(sorted(foreign)) or "nothing heavy that check does not import either",
    )


def _imported(lab: Lab, project: Project, *args: str) -> dict[str, set[str]]:
    argv = (str(CHILDREN / "imports_of.py"), *args)
    lab.once(f"imports of {args[0]}", project, argv, limit=60)
    lines = (project.folder / "output.txt").read_text(errors="replace").splitlines()
    told = [line for line in lines if line.startswith("imported: ")]
    if not told:
        raise Failed(f"manage.py {args[0]} did not end: {lines[-5:]}")
    names = dict(word.split("=") for word in told[0].split()[1:])
    foreign = {name for name, place in names.items() if place == "site"}
    return {
        "packages": {name.partition(".")[0] for name in foreign} - ALLOWED,
        "heavy": {heavy for heavy in HEAVY if heavy in names},
    }
