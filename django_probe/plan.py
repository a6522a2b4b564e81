"""A plan: the probes that a selection picks, and how they may be handed out."""

from __future__ import annotations

import unittest
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import AppConfig

from django_probe.details import Problem, source_of, text_of
from django_probe.marks import SERIAL_ATTRIBUTE, TIMEOUT_ATTRIBUTE
from django_probe.probe_classes import ProbeClass
from django_probe.results import Probe

__all__ = ["Batch", "Plan", "Planned", "Selection", "broken", "make_batches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which probes are asked for."""

    labels: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    exclude_tags: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    """``fnmatch`` patterns on ids."""
    seed: int | None = None
    """Shuffle by it."""


class Planned:
    """One probe of a plan, before its turn."""

    __slots__ = ("_case", "_id", "app_label", "index", "method", "owner", "problem")

    def __init__(
        self, owner: ProbeClass | None, method: str, case: unittest.TestCase | None = None
    ) -> None:
        self.owner = owner
        self.method = method
        self.index = 0
        self._case = case
        self._id: str | None = None if case is None else case.id()
        self.app_label = owner.app_label if owner else ""
        self.problem: Problem | None = owner.refusal if owner else None

    @property
    def id(self) -> str:
        """Return unittest's id."""
        if self._id is None and self.owner is not None:
            return f"{self.owner.id}.{self.method}"
        return self._id or self.method

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names that a person may give it, the shortest first."""
        if self.owner is None:
            return (self.method,)
        return (f"{self.owner.label}.{self.method}", self.id)

    @property
    def tags(self) -> frozenset[str]:
        """Return its own tags and those of its class."""
        if self.owner is None:
            return frozenset()
        own = getattr(self._function, "tags", None)
        return self.owner.tags.union(own) if own else self.owner.tags

    @property
    def serial(self) -> bool:
        """Return whether it must run while nothing else does."""
        owner = self.owner
        return owner is not None and (
            owner.serial or getattr(self._function, SERIAL_ATTRIBUTE, False)
        )

    @property
    def _function(self) -> Any:
        if self.owner is None:
            return None
        return getattr(self.owner.case_class, self.method, None)

    def is_named(self, label: str) -> bool:
        """Return whether a label names this probe, or something that holds it."""
        dotted = f"{label}."
        if self.owner is None:
            return f"{self.method}.".startswith(dotted) or label == self.app_label
        if f"{self.id}.".startswith(dotted):
            return True
        return any(f"{name}.{self.method}.".startswith(dotted) for name in self.owner.names)

    def make(self) -> unittest.TestCase:
        """Return the test case: made now, unless its author made it."""
        if self._case is not None:
            return self._case
        assert self.owner is not None
        case: unittest.TestCase = self.owner.case_class(self.method)
        return case

    def describe(self, default_timeout: float | None = None) -> Probe:
        """Return the record of this probe."""
        owner, function = self.owner, self._function
        if owner is None:
            source = self.problem.source if self.problem else ""
            return Probe(id=self.id, label=self.method, index=self.index, source=source)
        timeout = getattr(function, TIMEOUT_ATTRIBUTE, None) or owner.timeout or default_timeout
        return Probe(
            id=self.id,
            label=f"{owner.label}.{self.method}",
            index=self.index,
            description=self._description(function),
            tags=tuple(sorted(self.tags)),
            timeout=timeout,
            source=source_of(function),
        )

    def _description(self, function: Any) -> str:
        owner = self.owner
        if owner is not None and owner.own_description and not owner.refusal:
            try:
                return text_of(self.make().shortDescription() or "")
            except Exception:
                return ""
        doc = getattr(function, "__doc__", None)
        return doc.strip().split("\n")[0].strip() if doc else ""


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


def broken(config: AppConfig, *, id: str, label: str, problem: Problem) -> Planned:
    """Return the entry of a module that could not be loaded: one probe with its result."""
    entry = Planned(None, label)
    entry._id, entry.problem, entry.app_label = id, problem, config.label
    return entry


def make_batches(entries: Iterable[Planned]) -> list[Batch]:
    """Group a plan's entries by class, or by module where a module fixture is shared."""
    batches: dict[object, Batch] = {}
    for entry in entries:
        owner = entry.owner
        if owner is None:
            key: object = entry
            divisible = True
        elif owner.has_module_fixture:
            key, divisible = owner.case_class.__module__, False
        else:
            divisible = not owner.has_class_fixture
            key = (owner.case_class, divisible and entry.serial)
        batch = batches.setdefault(key, Batch(divisible=divisible))
        batch.entries.append(entry)
        batch.serial = batch.serial or entry.serial
        batch.module_fixture = owner is not None and owner.has_module_fixture
    result = list(batches.values())
    for index, entry in enumerate(entry for batch in result for entry in batch.entries):
        entry.index = index
    return result
