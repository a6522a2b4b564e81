"""Probe modules to the entries of a plan: by class, or as ``load_tests`` says."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from django.apps import AppConfig, apps

from django_probe.details import Problem, class_path, text_of
from django_probe.exceptions import MarkError
from django_probe.labels import apps_of, is_probe_module
from django_probe.modules import authors_code, load_problem, probe_modules
from django_probe.plan import Planned, broken
from django_probe.probe_classes import ProbeClass
from django_probe.results import ErrorDetail, Outcome
from django_probe.stray_marks import refuse_stray_marks

__all__ = ["by_load_tests", "entries_of", "of_method"]

PATTERN = "[!_]*.py"
"""What ``load_tests`` gets as its pattern: every module."""

Known = dict[type, ProbeClass]
"""The classes that have their entries: one that is imported twice runs once."""


def entries_of(config: AppConfig, known: Known) -> Iterator[Planned]:
    """Yield an entry for each probe of an app, and one for each thing that cannot be loaded.

    Args:
        known: what the apps before had; this app's classes are added to it.

    Raises:
        MarkError: a mark stands on something that is no probe.
    """
    for name, module in probe_modules(config):
        if isinstance(module, Problem):
            yield broken(config, id=f"{name}.import", label=name, problem=module)
            continue
        refuse_stray_marks(module)
        if hasattr(module, "load_tests"):
            yield from by_load_tests(config, name, module)
        else:
            yield from _by_class(config, name, module, known)


def _by_class(config: AppConfig, name: str, module: ModuleType, known: Known) -> Iterator[Planned]:
    for attribute, item in sorted(vars(module).items()):
        if not _is_case_class(item) or _runs_at_home(item, name):
            continue
        if item in known:
            known[item].add_module(config, name)
            continue
        try:
            owner = _owner(item, config, name)
            entries = [of_method(owner, method) for method in _methods(item)]
        except BaseException as exc:
            label = f"{name}.{attribute}"
            yield broken(config, id=label, label=label, problem=load_problem(exc, label))
            continue
        known[item] = owner
        yield from entries


def _owner(case_class: type, config: AppConfig, name: str) -> ProbeClass:
    """Return a class with the names of its home, wherever it was found."""
    home = next(
        (app for app in apps.get_app_configs() if is_probe_module(app, case_class.__module__)),
        config,
    )
    owner = ProbeClass(case_class, home)
    owner.add_module(config, name)
    return owner


def _is_case_class(item: Any) -> bool:
    # By its type: isinstance() would wake Django's lazy objects.
    return (
        issubclass(type(item), type)
        and issubclass(item, unittest.TestCase)
        and item is not unittest.FunctionTestCase
    )


def _runs_at_home(case_class: type, name: str) -> bool:
    """Return whether another probe module defines a class, and runs it.

    unittest would run an imported class again, in every module that imports it.
    """
    home = case_class.__module__
    if home == name or not any(is_probe_module(config, home) for config in apps.get_app_configs()):
        return False
    parts = home.split(".")
    above = [sys.modules.get(".".join(parts[:end])) for end in range(1, len(parts) + 1)]
    if above[-1] is None or any(hasattr(module, "load_tests") for module in above):
        return False
    return any(item is case_class for item in vars(above[-1]).values())


def _methods(case_class: type[unittest.TestCase]) -> Sequence[str]:
    loader = unittest.TestLoader()
    loader.sortTestMethodsUsing = None  # type: ignore[assignment]  # It compares in Python.
    methods: Sequence[str] = sorted(loader.getTestCaseNames(case_class))
    return methods or (["runTest"] if hasattr(case_class, "runTest") else [])


def of_method(owner: ProbeClass, method: str) -> Planned:
    """Return the entry of a method; only an instance knows the id of a class with its own."""
    entry = Planned(owner, method)
    if not owner.own_id or owner.refusal:
        return entry
    try:
        with authors_code():
            return Planned(owner, method, entry.make())
    except BaseException as exc:
        entry.problem = load_problem(exc, entry.id)
        return entry


def by_load_tests(config: AppConfig, name: str, module: Any) -> Iterator[Planned]:
    """Yield an entry for each test case that a module's ``load_tests`` makes."""
    try:
        with authors_code():
            standard = unittest.TestSuite(_standard_cases(config, name, module))
            suite = module.load_tests(_loader(module), standard, PATTERN)
            cases = list(_flatten(suite))
    except BaseException as exc:
        problem = load_problem(exc, f"{name}.load_tests")
        yield broken(config, id=f"{name}.load_tests", label=name, problem=problem)
        return
    owners: Known = {}
    for place, case in enumerate(cases):
        entry = _of_case(config, name, case, owners)
        entry.origin = name, place
        yield entry


def _standard_cases(
    config: AppConfig, name: str, module: ModuleType
) -> Iterator[unittest.TestCase]:
    for _, item in sorted(vars(module).items()):
        if _is_case_class(item) and not _runs_at_home(item, name):
            yield from map(item, _methods(item))


def _loader(module: ModuleType) -> unittest.TestLoader:
    """Return a loader whose ``discover()`` works in ``load_tests``, as in unittest's own run."""
    loader: Any = unittest.TestLoader()
    # Private, and the same from Python 3.10 to 3.14: where imports begin, and
    # which packages wait for their load_tests and must not be entered again.
    places = list(getattr(module, "__path__", ())) or [module.__file__ or ""]
    loader._top_level_dir = str(Path(places[0]).parents[module.__name__.count(".")])
    loader._loading_packages.add(module.__name__)
    return cast("unittest.TestLoader", loader)


def _of_case(config: AppConfig, name: str, case: unittest.TestCase, owners: Known) -> Planned:
    kind: Any = type(case)
    if kind.__module__ == "unittest.loader":
        return _not_loaded(config, name, case)
    if kind not in owners:
        owners[kind] = _owner(kind, config, name)
    method = getattr(case, "_testMethodName", "run")
    try:
        return Planned(owners[kind], method, case)
    except Exception as exc:
        label = f"{owners[kind].label}.{method}"
        return broken(config, id=label, label=label, problem=load_problem(exc, label))


def _not_loaded(config: AppConfig, name: str, case: Any) -> Planned:
    """Return the entry of what a TestLoader could not load: it makes a test case that says so."""
    what = case._testMethodName
    label = what if apps_of(what, [config]) else f"{name}.{what}"
    skipped = getattr(getattr(case, what, None), "__unittest_skip_why__", None)
    if skipped is not None:
        problem = Problem.skipped(skipped)
    else:
        exc = getattr(case, "_exception", None) or ImportError(f"{label} cannot be loaded")
        told = text_of(exc).strip()  # Of a failed import: the whole traceback, as text.
        kind, message = class_path(type(exc)), told.rpartition("\n")[2]
        mark = message.removeprefix(f"{class_path(MarkError)}: ")
        if mark != message:
            raise MarkError(mark)
        error = ErrorDetail(exception_class_path=kind, message=message, traceback=told)
        problem = Problem(outcome=Outcome.ERRORED, error=error)
    return broken(config, id=f"{label}.import", label=label, problem=problem)


def _flatten(suite: object) -> Iterator[unittest.TestCase]:
    if isinstance(suite, Iterable):
        for item in suite:
            yield from _flatten(item)
    elif isinstance(suite, unittest.TestCase):
        yield suite
    else:
        raise TypeError(f"load_tests returned {suite!r}, expected a TestSuite of TestCases.")
