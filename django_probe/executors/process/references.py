"""How a worker process is told which probe it is to run: by names, never by objects."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from django.apps import AppConfig, apps

from django_probe.details import Problem
from django_probe.exceptions import ProbeError
from django_probe.loading import by_load_tests, of_method
from django_probe.plan import Planned
from django_probe.probe_classes import ProbeClass

__all__ = ["Reference", "Resolver", "name_of", "refer", "stand_in"]


class Reference(NamedTuple):
    """A probe of the parent's plan."""

    position: int
    """Its place in the plan: ids need not be unique."""
    id: str
    label: str
    app: str
    """The app's dotted name."""
    module: str
    """Where its class is, or the ``load_tests`` that makes it."""
    qualname: str
    method: str
    place: int | None
    """Which of the test cases that ``load_tests`` makes, from 0."""
    by_name: bool
    """Whether the names are enough to make it."""


def refer(planned: Planned) -> Reference:
    """Return the names of a probe."""
    owner = planned.owner
    origin = planned.origin
    case_class: Any = owner.case_class if owner else None
    return Reference(
        position=planned.index,
        id=planned.id,
        label=planned.label,
        app=owner.config.name if owner else "",
        module=origin[0] if origin else getattr(case_class, "__module__", ""),
        qualname=getattr(case_class, "__qualname__", ""),
        method=planned.method,
        place=origin[1] if origin else None,
        by_name=owner is not None and (origin is not None or not planned.is_made or owner.own_id),
    )


def name_of(fixture_of: object) -> str:
    """Return the name of a class or module whose fixture is meant."""
    if isinstance(fixture_of, type):
        return f"{fixture_of.__module__}.{fixture_of.__qualname__}"
    return str(fixture_of or "")


class Resolver:
    """Find the probes that references mean, in this process.

    Args:
        plan: the parent's own, where a fork has inherited it.
    """

    def __init__(self, plan: Mapping[int, Planned] | None = None) -> None:
        self._plan = plan
        self._owners: dict[type, ProbeClass] = {}
        self._loaded: dict[str, Sequence[Planned]] = {}

    def find(self, reference: Reference) -> Planned:
        """Return the plan's entry; one that cannot be made here has a problem that says so."""
        if self._plan is not None:
            return self._plan[reference.position]
        try:
            planned = self._found(reference)
        except Exception as exc:
            return stand_in(reference, Problem.raised(exc, skip_importers=True))
        except (SystemExit, KeyboardInterrupt) as exc:
            return stand_in(reference, Problem.raised(exc, at=reference.module))
        planned.index = reference.position
        return planned

    def _found(self, reference: Reference) -> Planned:
        if not reference.by_name:
            raise _Unreachable(reference, "it is an object, which has no name")
        config = _config(reference.app)
        if reference.place is not None:
            return self._among_loaded(reference, config)
        case_class = _class(reference)
        if case_class not in self._owners:
            self._owners[case_class] = ProbeClass(case_class, config)
        return of_method(self._owners[case_class], reference.method)

    def _among_loaded(self, reference: Reference, config: AppConfig) -> Planned:
        module = reference.module
        if module not in self._loaded:
            self._loaded[module] = list(by_load_tests(config, module, import_module(module)))
        made = self._loaded[module]
        place = reference.place or 0
        if place < len(made) and made[place].id == reference.id:
            return made[place]
        for planned in made:
            if planned.id == reference.id:
                return planned
        raise _Unreachable(reference, f"load_tests of {module} has not made it there")


class _Unreachable(ProbeError):
    """Report a probe that another process cannot make."""

    def __init__(self, reference: Reference, why: str) -> None:
        super().__init__(
            f"{reference.label} cannot be made in a worker process: {why}. Run it with"
            " --executor threads, or give the executor start_method 'fork'."
        )


def stand_in(reference: Reference, problem: Problem | None = None) -> Planned:
    """Return an entry that has the names of a probe, and no class."""
    planned = Planned(None, reference.label)
    planned.take_names(reference.id, reference.position)
    planned.problem = problem
    return planned


def _config(name: str) -> AppConfig:
    for config in apps.get_app_configs():
        if config.name == name:
            return config
    return AppConfig(name, import_module(name))


def _class(reference: Reference) -> type[unittest.TestCase]:
    import_module(reference.module)
    found: Any = sys.modules[reference.module]
    for part in reference.qualname.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, unittest.TestCase):
        return found
    where = f"{reference.module} has no class {reference.qualname}"
    raise _Unreachable(reference, where)
