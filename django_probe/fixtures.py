"""Class and module fixtures around the probes of a batch, by unittest's rules."""

from __future__ import annotations

import sys
import unittest.case
from collections.abc import Callable, Iterator
from typing import Any
from unittest.case import doModuleCleanups

from django_probe.marks import writes_of

__all__ = [
    "FixtureCall",
    "class_setup",
    "class_teardown",
    "forget_module_cleanups",
    "has_class_cleanups",
    "module_setup",
    "module_teardown",
]


class FixtureCall:
    """One fixture function, by the name that reports give it.

    ``run()`` yields what it raised, and what the cleanups after it raised.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], Iterator[BaseException]],
        writes: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.run = run
        self.writes = writes
        """The aliases of the databases that it may write to."""


def class_setup(case_class: type) -> FixtureCall | None:
    """Return ``setUpClass``, None where the class is skipped as a whole."""
    if getattr(case_class, "__unittest_skip__", False):
        return None

    def run() -> Iterator[BaseException]:
        failed = False
        for exc in _call(getattr(case_class, "setUpClass", None)):
            failed = True
            yield exc
        if failed:
            yield from _class_cleanups(case_class)

    return FixtureCall(f"{_path(case_class)}.setUpClass", run, writes_of(case_class))


def class_teardown(case_class: type) -> FixtureCall | None:
    """Return ``tearDownClass`` with the class cleanups."""
    if getattr(case_class, "__unittest_skip__", False):
        return None

    def run() -> Iterator[BaseException]:
        yield from _call(getattr(case_class, "tearDownClass", None))
        yield from _class_cleanups(case_class)

    return FixtureCall(f"{_path(case_class)}.tearDownClass", run, writes_of(case_class))


def has_class_cleanups(case_class: Any) -> bool:
    """Return whether class cleanups wait to be called."""
    return bool(getattr(case_class, "_class_cleanups", ()))


def module_setup(module: str) -> FixtureCall | None:
    """Return ``setUpModule``, None where there is none."""
    function = getattr(sys.modules.get(module), "setUpModule", None)
    if function is None:
        return None

    def run() -> Iterator[BaseException]:
        failed = False
        for exc in _call(function):
            failed = True
            yield exc
        if failed:
            yield from _module_cleanups()

    return FixtureCall(f"{module}.setUpModule", run, _writes_of_module(module))


def module_teardown(module: str) -> FixtureCall:
    """Return ``tearDownModule`` with the module cleanups."""

    def run() -> Iterator[BaseException]:
        yield from _call(getattr(sys.modules.get(module), "tearDownModule", None))
        yield from _module_cleanups()

    return FixtureCall(f"{module}.tearDownModule", run, _writes_of_module(module))


def forget_module_cleanups() -> None:
    """Drop the cleanups of a module that was given up: unittest has one list for all modules."""
    _pending_of_modules().clear()


def _writes_of_module(module: str) -> frozenset[str]:
    """Return what the fixtures of a module may write to: the mark of either holds for both."""
    found = sys.modules.get(module)
    names = ("setUpModule", "tearDownModule")
    return frozenset().union(*(writes_of(getattr(found, name, None)) for name in names))


def _path(case_class: type) -> str:
    return f"{case_class.__module__}.{case_class.__qualname__}"


def _call(function: Callable[[], Any] | None) -> Iterator[BaseException]:
    """Call a function; yield what it raised."""
    try:
        if function is not None:
            function()
    except BaseException as exc:
        yield exc


def _class_cleanups(case_class: Any) -> Iterator[BaseException]:
    """Call all class cleanups; unittest stops at one that raises no ``Exception``."""
    run = getattr(case_class, "doClassCleanups", None)
    if run is None:
        return
    while True:
        pending = len(getattr(case_class, "_class_cleanups", ()))
        stopped_at = list(_call(run))
        yield from (raised for _, raised, _ in getattr(case_class, "tearDown_exceptions", ()))
        yield from stopped_at
        if not 0 < len(getattr(case_class, "_class_cleanups", ())) < pending:
            return


def _module_cleanups() -> Iterator[BaseException]:
    """Call all module cleanups; unittest tells only the first exception of them."""
    pending = _pending_of_modules()
    while pending:
        function, args, kwargs = pending.pop()
        yield from _call(lambda: function(*args, **kwargs))  # noqa: B023 - called at once
    yield from _call(doModuleCleanups)


def _pending_of_modules() -> list[Any]:
    pending: list[Any] = getattr(unittest.case, "_module_cleanups", [])
    return pending
