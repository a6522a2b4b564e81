"""The lab: what all groups of rows share, and what a row is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.environment import environment, missing
from benchmarks.measuring import Contender, Figures, Sample, measure, race
from benchmarks.projects import Project, make_project

__all__ = ["CHILDREN", "Lab", "Row", "Scale"]

CHILDREN = Path(__file__).with_name("children")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured."""

    many: int = 10_000
    """Probes in a large project."""
    most: int = 100_000
    """Probes in the largest."""
    waiting: int = 200
    """Probes that wait ``wait`` seconds each, in ten classes."""
    wait: float = 0.1
    workers: int = 32
    hanging: int = 3
    """Probes that never end."""
    patience: float = 4.0
    """Seconds after which a peer that hangs is killed."""
    slow: float = 1.5
    """Seconds of a slow probe."""
    remotes: int = 1000
    """Deployments that are asked at once."""
    rounds: int = 7
    peer_rounds: int = 2
    warm: bool = True
    """Whether each command runs once before it is measured."""


QUICK = Scale(
    many=40, most=60, waiting=20, wait=0.02, workers=4, hanging=1, patience=1.5, remotes=20,
    slow=0.4, rounds=1, peer_rounds=1, warm=False,
)  # fmt: skip
"""Enough to see that it works; its figures say nothing."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    budget: float
    value: float
    unit: str
    peers: dict[str, float | str] = field(default_factory=dict)
    """What the same costs with others, or in words why that is not known."""
    note: str = ""
    """What stands beside our figure."""

    @property
    def within(self) -> bool:
        """Return whether our figure keeps to the budget."""
        return self.value <= self.budget


class Lab:
    """A temporary folder, an interpreter and a scale; makes projects and runs races."""

    def __init__(self, folder: Path, python: str, scale: Scale) -> None:
        self.folder = folder
        self.python = python
        self.scale = scale
        self.env = environment(folder)
        self.samples: dict[str, dict[str, list[Sample]]] = {}
        """All that was measured: race -> contender -> rounds."""
        self.absent: dict[str, str] = {}
        """Contenders that could not run, and why."""
        self._number = 0

    def project(self, bodies: list[str], *, of_class: int = 100) -> Project:
        """Return a new project with a probe for each body."""
        self._number += 1
        folder = self.folder / f"project{self._number}"
        return make_project(folder, bodies, of_class=of_class)

    def race(
        self,
        name: str,
        project: Project,
        contenders: Sequence[Contender],
        *,
        rounds: int | None = None,
        peer_rounds: int | None = None,
    ) -> dict[str, Figures]:
        """Run all contenders that can run here on one project; keep the samples by a name."""
        scale = self.scale
        print(f"{name}: {project.size} probes", file=sys.stderr)
        able = [contender for contender in contenders if not self.is_absent(contender)]
        figures = race(
            able,
            python=self.python,
            folder=project.folder,
            env=self.env,
            rounds=rounds or scale.rounds,
            peer_rounds=peer_rounds or scale.peer_rounds,
            warm=scale.warm,
        )
        for contender in able:
            if contender.name not in figures:
                self.absent[contender.name] = "does not work here"
        self.samples[name] = {key: value.samples for key, value in figures.items()}
        return figures

    def once(self, name: str, project: Project, argv: Sequence[str], limit: float) -> Sample:
        """Run one command on a project, without a look at what it wrote."""
        print(f"  {name}", file=sys.stderr)
        sample = measure(
            [self.python, *argv],
            folder=project.folder,
            env=self.env,
            output=project.folder / "output.txt",
            limit=limit,
        )
        self.samples.setdefault(f"{name}, once", {}).setdefault(name, []).append(sample)
        return sample

    def is_absent(self, contender: Contender) -> bool:
        """Return whether the interpreter has not what a contender needs."""
        if contender.needs and missing(self.python, {contender.needs}):
            self.absent[contender.name] = f"needs {contender.needs}"
        return contender.name in self.absent

    def peers(
        self, figures: dict[str, Figures], names: Sequence[str], what: str, floor: float
    ) -> dict[str, float | str]:
        """Return the peers' figures as a row shows them: ``what`` in parts of the floor's."""
        return {
            name: getattr(figures[name], what) / floor if name in figures else self.why_not(name)
            for name in names
        }

    def why_not(self, name: str) -> str:
        """Return why a contender has no figure."""
        return self.absent.get(name, "not measured")


def as_json(row: Row) -> dict[str, Any]:
    """Return a row as plain values."""
    return {
        "what": row.what,
        "budget": row.budget,
        "value": round(row.value, 4),
        "unit": row.unit,
        "within": row.within,
        "peers": row.peers,
        "note": row.note,
    }
