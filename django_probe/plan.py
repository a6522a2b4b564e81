"""A plan: the probes that a selection picks, and how they may be handed out."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import AppConfig

from django_probe.details import Problem, source_of, text_of
from django_probe.gate_marks import today
from django_probe.labels import holders, roots, spellings
from django_probe.marked import UNMARKED, marks_of
from django_probe.probe_classes import ProbeClass
from django_probe.results import Probe
from django_probe.sanitizing import one_line

__all__ = ["Batch", "Plan", "Planned", "broken"]


_NONE: frozenset[str] = frozenset()
"""One for all: each call of ``frozenset()`` makes another."""


class Planned:
    """One probe of a plan, before its turn.

    Args:
        owner: its class; None for what could not be loaded.
        case: the test case, where its author made it or only it knows its id.
    """

    __slots__ = (
        "_case",
        "_held_by",
        "_own_id",
        "app_label",
        "index",
        "marks",
        "method",
        "origin",
        "owner",
        "problem",
    )

    def __init__(
        self, owner: ProbeClass | None, method: str, case: unittest.TestCase | None = None
    ) -> None:
        self.owner = owner
        self.method = method
        self.marks = UNMARKED
        if owner is not None:
            self.marks = marks_of(getattr(owner.case_class, method, None), owner.marks)
        self.index = 0
        self.origin: tuple[str, int] | None = None
        """The module whose ``load_tests`` made it, and which of its test cases it is."""
        self.app_label = owner.app_label if owner else ""
        self.problem: Problem | None = owner.refusal if owner else None
        self._case = case
        self._own_id: str | None = None
        self._held_by = _NONE
        if case is not None and owner is not None and owner.own_id:
            self._take_id(one_line(text_of(case.id())), owner)

    def _take_id(self, own_id: str, owner: ProbeClass) -> None:
        if own_id != self.standard_id:
            self._own_id = own_id
            self._held_by = holders({own_id}, owner.config)

    def take_names(self, own_id: str, index: int) -> None:
        """Stand for a probe whose class is not known here."""
        self._own_id, self.index = own_id, index

    @property
    def is_made(self) -> bool:
        """Return whether its test case has been made already."""
        return self._case is not None

    @property
    def standard_id(self) -> str:
        """Return unittest's id, whatever the class says: what ``-k`` is matched with."""
        return f"{self.owner.id}.{self.method}" if self.owner else self.id

    @property
    def id(self) -> str:
        """Return unittest's id, or the class's own."""
        return self._own_id or self.standard_id

    @property
    def label(self) -> str:
        """Return how a person names it."""
        if self.owner is None:
            return self.method
        if self._own_id is None:
            return f"{self.owner.label}.{self.method}"
        is_below = self._own_id.startswith(tuple(f"{root}." for root in roots(self.owner.config)))
        return self._own_id if is_below else f"{self.app_label}.{self._own_id}"

    @property
    def held_by(self) -> frozenset[str]:
        """Return the labels of all that holds it: its class, its module, its app."""
        if self.owner is None:
            return self._held_by
        return self.owner.held_by | self._held_by if self._held_by else self.owner.held_by

    @property
    def names(self) -> Iterator[str]:
        """Yield every label that means this probe alone."""
        yield self.label
        yield self.id
        if self.owner is not None:
            yield from (f"{name}.{self.method}" for name in self.owner.names)

    def make(self) -> unittest.TestCase:
        """Return the test case: made now, unless its author made it."""
        if self._case is not None:
            return self._case
        assert self.owner is not None
        case_class: Any = self.owner.case_class
        made: unittest.TestCase = case_class(self.method)
        return made

    def describe(self, default_timeout: float | None = None) -> Probe:
        """Return the record of this probe, as its author wrote it: not yet fit to be shown.

        Args:
            default_timeout: seconds for a probe that says nothing else.
        """
        owner, marks = self.owner, self.marks
        if owner is None:
            source = self.problem.source if self.problem else ""
            return Probe(id=self.id, label=self.method, index=self.index, source=source)
        function = getattr(owner.case_class, self.method, None)
        has_own = self._own_id is not None
        return Probe(
            id=self.id if has_own else f"{owner.id}.{self.method}",
            label=self.label if has_own else f"{owner.label}.{self.method}",
            index=self.index,
            description=self._description(function),
            tags=tuple(sorted(marks.tags)) if marks.tags else (),
            timeout=marks.timeout or default_timeout,
            source=source_of(getattr(self._case, "_testFunc", function)),
            severity=marks.severity,
            quarantine=marks.quarantine.told(today()) if marks.quarantine else None,
            retry=marks.retry,
            only_on=marks.only_on,
        )

    def _description(self, function: Any) -> str:
        owner = self.owner
        if owner is not None and owner.own_description and not owner.refusal:
            try:
                return one_line(text_of(self.make().shortDescription() or ""))
            except (Exception, SystemExit):
                return ""
        doc = getattr(function, "__doc__", None)
        return text_of(doc).strip().partition("\n")[0] if doc else ""


@dataclass(slots=True)
class Batch:
    """Probes that stay together, in order, in one worker.

    A divisible batch has no fixture to share: its probes may run apart.
    """

    entries: list[Planned] = field(default_factory=list)
    divisible: bool = True
    serial: bool = False
    """It must run while nothing else does."""
    module_fixture: bool = False
    """It shares what setUpModule makes; unittest keeps one list of module cleanups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do."""

    batches: list[Batch]
    total: int

    @property
    def entries(self) -> list[Planned]:
        """Return its probes in their order."""
        return [entry for batch in self.batches for entry in batch.entries]


def broken(config: AppConfig, *, id: str, label: str, problem: Problem) -> Planned:
    """Return the entry of what could not be loaded: one probe that has its result."""
    entry = Planned(None, label)
    entry.problem, entry.app_label, entry._own_id = problem, config.label, id
    entry._held_by = holders(spellings(config, label), config)
    return entry
