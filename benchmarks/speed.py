"""Rows on many probes: how long they take, and how much memory."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import contenders, projects
from benchmarks.contenders import FLOOR
from benchmarks.lab import Lab, Row
from benchmarks.measuring import Figures

__all__ = ["large", "mixed", "trivial"]

BUDGETS = {
    "text": 1.15,
    "tap": 1.15,
    "jsonl": 1.15,
    "junit": 1.3,
    "json": 1.3,
    "ctrf": 1.5,
    "github": 1.5,
    "html": 1.5,
    "markdown": 1.5,
    "nagios": 1.5,
    "openmetrics": 1.5,
}
FORMATS = tuple(BUDGETS)
TIME_PEERS = {
    "text": ("manage.py test", "pytest"),
    "tap": ("tap.py",),
    "junit": ("xmlrunner", "pytest --junitxml"),
}
STREAMING = ("text", "tap", "jsonl")
JUNITXML = "--junitxml=pytest.xml"


def trivial(lab: Lab) -> Iterator[Row]:
    """Time and memory of many probes that do nothing."""
    project = lab.project(projects.trivial(lab.scale.many))
    figures = lab.race(
        "trivial",
        project,
        [
            contenders.floor(project),
            *(contenders.ours(project, name) for name in FORMATS),
            contenders.django(project),
            contenders.tap_runner(project),
            contenders.xmlrunner(project),
            contenders.pytest(project),
            contenders.pytest(project, JUNITXML),
        ],
    )
    for name, budget in BUDGETS.items():
        what = f"{project.size:,} trivial probes, {name}"
        yield ratio(lab, what, budget, figures, name, TIME_PEERS.get(name, ()))
    yield _memory(lab, project.size, figures)


def mixed(lab: Lab) -> Iterator[Row]:
    """Time of many probes of every outcome."""
    project = lab.project(projects.mixed(lab.scale.many))
    codes = (1,)
    figures = lab.race(
        "mixed",
        project,
        [
            contenders.floor(project, codes),
            contenders.ours(project, "tap", codes=codes),
            contenders.ours(project, "junit", codes=codes),
            contenders.tap_runner(project, codes),
            contenders.xmlrunner(project, codes),
            contenders.pytest(project, JUNITXML, codes=codes),
        ],
    )
    what = f"{project.size:,} probes of mixed outcomes"
    yield ratio(lab, f"{what}, tap", 1.25, figures, "tap", ("tap.py",))
    yield ratio(lab, f"{what}, junit", 1.5, figures, "junit", TIME_PEERS["junit"])


def large(lab: Lab) -> Iterator[Row]:
    """Time and memory of very many probes."""
    project = lab.project(projects.trivial(lab.scale.most))
    figures = lab.race(
        "large",
        project,
        [
            contenders.floor(project),
            *(contenders.ours(project, name) for name in ("silent", *STREAMING, "junit")),
            contenders.xmlrunner(project),
            contenders.pytest(project, JUNITXML),
        ],
        rounds=min(3, lab.scale.rounds),
        peer_rounds=1,
    )
    what = f"{project.size:,} trivial probes, junit"
    yield ratio(lab, what, 1.3, figures, "junit", TIME_PEERS["junit"])
    yield ratio(lab, f"{what}, peak memory", 0.8, figures, "junit", TIME_PEERS["junit"], "peak")
    yield _growth(lab, project.size, figures)


def ratio(
    lab: Lab,
    what: str,
    budget: float,
    figures: dict[str, Figures],
    name: str,
    peers: tuple[str, ...],
    figure: str = "cpu",
) -> Row:
    """Return what a format takes in parts of what the floor takes."""
    floor, ours = figures[FLOOR], figures[f"probe {name}"]
    least = getattr(floor, figure)
    note = f"floor {least:.0f} MiB"
    if figure == "cpu":
        note = f"by the clock {ours.wall / floor.wall:.2f}; floor {least:.2f} s CPU"
    return Row(
        what=what,
        budget=budget,
        value=getattr(ours, figure) / least,
        unit="x floor",
        peers=lab.peers(figures, peers, figure, least),
        note=note,
    )


def _memory(lab: Lab, size: int, figures: dict[str, Figures]) -> Row:
    """Return how far the peak of the hungriest format lies above the floor's."""
    floor = figures[FLOOR].peak
    above = {name: figures[f"probe {name}"].peak - floor for name in FORMATS}
    worst = max(above, key=above.__getitem__)
    names = ("manage.py test", "tap.py", "xmlrunner", "pytest", "pytest --junitxml")
    peers: dict[str, float | str] = {
        name: figures[name].peak - floor if name in figures else lab.why_not(name) for name in names
    }
    return Row(
        what=f"peak memory at {size:,} probes, any format",
        budget=8.0,
        value=above[worst],
        unit="MiB above floor",
        peers=peers,
        note=f"{worst}; floor {floor:.0f} MiB",
    )


def _growth(lab: Lab, size: int, figures: dict[str, Figures]) -> Row:
    """Return what a streaming format keeps of very many results: more than ``silent`` does."""
    least = figures["probe silent"].peak
    above = {name: figures[f"probe {name}"].peak - least for name in STREAMING}
    worst = max(above, key=above.__getitem__)
    return Row(
        what=f"what {', '.join(STREAMING)} keep of {size:,} results",
        budget=2.0,
        value=above[worst],
        unit="MiB above silent",
        note=f"{worst}; silent {least:.0f} MiB",
    )
