"""Installed apps and labels to a plan: which probes there are, in a stable order.

A plan is cheap: it names classes and methods. Test cases are made when their
turn comes, except where an author makes them (``load_tests``) or names them
(a class with its own ``id``).
"""

from __future__ import annotations

import hashlib
import unittest
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import import_module
from types import ModuleType

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from django_probe.labels import apps_of, select, unknown_label
from django_probe.modules import submodules
from django_probe.details import Problem
from django_probe.plan import Plan, Planned, Selection, broken, make_batches
from django_probe.probe_classes import ProbeClass

__all__ = ["discover", "probe_modules"]

PROBES = "probes"
PATTERN = "[!_]*.py"
"""What a package's ``load_tests`` gets as its pattern: every module."""


def discover(selection: Selection) -> Plan:
    """Return what a selection picks from all installed apps, in order.

    Raises:
        UnknownLabel: a label names nothing that there is.
    """
    configs = list(apps.get_app_configs())
    chosen = configs if not selection.labels else _apps_named(selection.labels, configs)
    entries = [entry for config in chosen for entry in _of_app(config)]
    if selection.labels:
        entries = select(entries, selection.labels, chosen)
    entries = [entry for entry in entries if _wanted(entry, selection)]
    if selection.seed is not None:
        entries = _shuffled(entries, selection.seed)
    return Plan(batches=make_batches(entries), total=len(entries))


def probe_modules(config: AppConfig) -> Iterator[tuple[str, ModuleType | BaseException]]:
    """Yield (dotted name, module or what its import raised) for each probe module of an app."""
    if config.module is None or not module_has_submodule(config.module, PROBES):
        return
    yield from _import_tree(f"{config.name}.{PROBES}")


def _apps_named(labels: Sequence[str], configs: Sequence[AppConfig]) -> list[AppConfig]:
    for label in labels:
        if not apps_of(label, configs):
            raise unknown_label(label, [config.label for config in configs], "apps")
    return [config for config in configs if any(apps_of(label, [config]) for label in labels)]


def _import_tree(name: str) -> Iterator[tuple[str, ModuleType | BaseException]]:
    try:
        module = import_module(name)
    except BaseException as exc:  # SystemExit too: a module must not end the run
        yield name, exc
        return
    yield name, module
    if not hasattr(module, "load_tests"):
        for child in submodules(module):
            yield from _import_tree(f"{name}.{child}")


def _of_app(config: AppConfig) -> Iterator[Planned]:
    for name, module in probe_modules(config):
        if isinstance(module, BaseException):
            yield _unimportable(config, name, module)
        elif hasattr(module, "load_tests"):
            yield from _by_load_tests(config, name, module)
        else:
            yield from _by_class(config, name, module)


def _unimportable(config: AppConfig, name: str, exc: BaseException) -> Planned:
    if isinstance(exc, unittest.SkipTest):
        problem = Problem.skipped(str(exc))
    else:
        problem = Problem.raised(exc, at=name, skip_importers=True)
    return broken(config, id=f"{name}.import", label=name, problem=problem)


def _by_class(config: AppConfig, name: str, module: ModuleType) -> Iterator[Planned]:
    loader = unittest.TestLoader()
    for attribute in dir(module):
        item = getattr(module, attribute)
        if not isinstance(item, type) or not issubclass(item, unittest.TestCase):
            continue
        if item in (unittest.TestCase, unittest.FunctionTestCase):
            continue
        methods: Sequence[str] = loader.getTestCaseNames(item)
        if not methods and hasattr(item, "runTest"):
            methods = ["runTest"]
        if methods:
            owner = ProbeClass(item, config, name)
            for method in methods:
                yield Planned(owner, method, owner.make_early(method))


def _by_load_tests(config: AppConfig, name: str, module: ModuleType) -> Iterator[Planned]:
    loader = unittest.TestLoader()
    standard = unittest.TestSuite(
        case
        for entry in _by_class(config, name, module)
        for case in [entry.make()]
        if entry.problem is None
    )
    try:
        suite = module.load_tests(loader, standard, PATTERN)
        cases = list(_flatten(suite))
    except BaseException as exc:
        problem = Problem.raised(exc, at=name, skip_importers=True)
        yield broken(config, id=f"{name}.load_tests", label=name, problem=problem)
        return
    owners: dict[type, ProbeClass] = {}
    for case in cases:
        yield _of_case(config, name, case, owners)


def _of_case(
    config: AppConfig, name: str, case: unittest.TestCase, owners: dict[type, ProbeClass]
) -> Planned:
    kind = type(case)
    if kind.__module__ == "unittest.loader" and kind.__name__ == "_FailedTest":
        # What TestLoader.discover() makes of a module that it could not import.
        where = case._testMethodName
        exc = getattr(case, "_exception", None) or ImportError(where)
        return broken(config, id=f"{where}.import", label=where, problem=Problem.raised(exc))
    if kind not in owners:
        owners[kind] = ProbeClass(kind, config, name)
    return Planned(owners[kind], getattr(case, "_testMethodName", "run"), case)


def _flatten(suite: object) -> Iterator[unittest.TestCase]:
    if isinstance(suite, Iterable):
        for item in suite:
            yield from _flatten(item)
    elif isinstance(suite, unittest.TestCase):
        yield suite
    else:
        raise TypeError(f"load_tests returned {suite!r}, expected a TestSuite of TestCases.")


def _wanted(entry: Planned, selection: Selection) -> bool:
    if entry.owner is None:
        return True  # What could not be loaded must not be filtered away: it would look green.
    tags = entry.tags
    if selection.tags and not tags & selection.tags:
        return False
    if tags & selection.exclude_tags:
        return False
    patterns = selection.patterns
    return not patterns or any(fnmatchcase(entry.id, pattern) for pattern in patterns)


def _shuffled(entries: list[Planned], seed: int) -> list[Planned]:
    """Order classes, and methods within each, by a hash: adding one moves no other."""

    def key(name: str) -> str:
        return hashlib.sha256(f"{seed}{name}".encode("utf-8", "replace")).hexdigest()

    return sorted(entries, key=lambda entry: (key(entry.id.rpartition(".")[0]), key(entry.id)))


