"""Class and module fixtures around the probes of a batch, by unittest's rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any
from unittest.case import doModuleCleanups

__all__ = ["FixtureCall", "class_setup", "class_teardown", "module_setup", "module_teardown"]


class FixtureCall:
    """One fixture function, by the name that reports give it.

    ``run()`` returns what it raised, and what the cleanups after it raised.
    """

    def __init__(self, name: str, steps: Callable[[], Iterator[BaseException]]) -> None:
        self.name = name
        self._steps = steps

    def run(self) -> list[BaseException]:
        """Call the fixture; return every exception, the first one first."""
        return list(self._steps())


def class_setup(case_class: type) -> FixtureCall | None:
    """Return ``setUpClass``, None where the class is skipped as a whole."""
    if getattr(case_class, "__unittest_skip__", False):
        return None

    def steps() -> Iterator[BaseException]:
        failed = yield from _call(getattr(case_class, "setUpClass", None))
        if failed:
            yield from _class_cleanups(case_class)

    return FixtureCall(f"{_path(case_class)}.setUpClass", steps)


def class_teardown(case_class: type) -> FixtureCall | None:
    """Return ``tearDownClass`` with the class cleanups."""
    if getattr(case_class, "__unittest_skip__", False):
        return None

    def steps() -> Iterator[BaseException]:
        yield from _call(getattr(case_class, "tearDownClass", None))
        yield from _class_cleanups(case_class)

    return FixtureCall(f"{_path(case_class)}.tearDownClass", steps)


def module_setup(module: str) -> FixtureCall | None:
    """Return ``setUpModule``, None where there is none."""
    function = getattr(sys.modules.get(module), "setUpModule", None)
    if function is None:
        return None

    def steps() -> Iterator[BaseException]:
        failed = yield from _call(function)
        if failed:
            yield from _call(doModuleCleanups)

    return FixtureCall(f"{module}.setUpModule", steps)


def module_teardown(module: str) -> FixtureCall:
    """Return ``tearDownModule`` with the module cleanups."""

    def steps() -> Iterator[BaseException]:
        yield from _call(getattr(sys.modules.get(module), "tearDownModule", None))
        yield from _call(doModuleCleanups)

    return FixtureCall(f"{module}.tearDownModule", steps)


def _path(case_class: type) -> str:
    return f"{case_class.__module__}.{case_class.__qualname__}"


def _call(function: Callable[[], Any] | None) -> Generator[BaseException, None, bool]:
    """Call a function; yield what it raised and return whether it raised."""
    try:
        if function is not None:
            function()
    except BaseException as exc:
        yield exc
        return True
    return False


def _class_cleanups(case_class: Any) -> Iterator[BaseException]:
    run = getattr(case_class, "doClassCleanups", None)
    if run is None:
        return
    yield from _call(run)
    for _kind, exc, _frames in getattr(case_class, "tearDown_exceptions", ()):
        yield exc
