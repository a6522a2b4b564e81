"""Marks on what is no probe: they have no effect, and their author believes that they do."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Iterator
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any

from django.db import connections

from django_probe.details import relative, source_of
from django_probe.exceptions import MarkError
from django_probe.guards import unknown_aliases
from django_probe.marks import MARK_PREFIX, MARKED_ATTRIBUTE, WRITES_ATTRIBUTE, writes_of

__all__ = ["refuse_stray_marks"]

_PREFIX = unittest.defaultTestLoader.testMethodPrefix
_FUNCTIONS = (FunctionType, classmethod, staticmethod)
_MODULE_FIXTURES = ("setUpModule", "tearDownModule")
_PROBE = "expected a test method, or a class derived from unittest.TestCase"


def refuse_stray_marks(module: ModuleType) -> None:
    """Look at what a probe module defines.

    Raises:
        MarkError: a mark stands on something that is no probe, or names no database.
    """
    name = module.__name__
    for item in vars(module).values():
        # By type: isinstance() would wake Django's lazy objects.
        kind = type(item)
        if kind is FunctionType and item.__module__ == name:
            _check_aliases(item)
            _refuse(item, f"{item.__name__}, a function outside of any class")
        elif issubclass(kind, type) and item.__module__ == name:
            _look_into(item)


def _look_into(item: type) -> None:
    holds_probes = any(issubclass(kind, unittest.TestCase) for kind in _family(item))
    if not holds_probes:
        _refuse(item, f"{item.__qualname__}, which is no test case")
    _check_aliases(item)
    for name, value in vars(item).items():
        if type(value) not in _FUNCTIONS or not hasattr(value, MARKED_ATTRIBUTE):
            continue
        _check_aliases(value)
        if not holds_probes:
            _refuse(value, f"{item.__qualname__}.{name}, whose class is no test case")
        elif not name.startswith(_PREFIX) and name != "runTest":
            _refuse(value, f"{item.__qualname__}.{name}, which is no test method")


def _family(item: type[Any]) -> Iterator[type[Any]]:
    """Yield a class and all that derive from it: a mixin may have its mark for them."""
    yield item
    kinds: list[type[Any]] = type.__subclasses__(item)
    for kind in kinds:
        yield from _family(kind)


def _check_aliases(item: Any) -> None:
    unknown = unknown_aliases(writes_of(item))
    if unknown:
        there = ", ".join(map(repr, connections))
        raise MarkError(
            f"{_place(item)}@allow_writes got {unknown[0]!r}, expected an alias of DATABASES:"
            f" there is {there}."
        )


def _refuse(item: Any, what: str) -> None:
    marks = [name for name in vars(item) if name.startswith(MARK_PREFIX)]
    if getattr(item, "__name__", "") in _MODULE_FIXTURES and marks == [WRITES_ATTRIBUTE]:
        return
    if marks:
        name = marks[0].removeprefix(MARK_PREFIX).rstrip("_")
        raise MarkError(
            f"{_place(item)}@{name} stands on {what}, {_PROBE}: move or remove the mark."
        )


def _place(item: Any) -> str:
    """Return ``file:line: ``, as far as it can be found."""
    if not isinstance(item, type):
        return f"{source_of(item)}: "
    with suppress(OSError, TypeError):
        lines = inspect.getsourcelines(item)
        return f"{relative(inspect.getfile(item))}:{lines[1]}: "
    return f"{item.__module__}: "
