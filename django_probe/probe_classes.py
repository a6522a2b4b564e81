"""A probe class, and whether it may run at all."""

from __future__ import annotations

import sys
import unittest
from functools import cached_property
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

from django.apps import AppConfig

from django_probe.details import Problem
from django_probe.labels import holders, roots, short_name, spellings
from django_probe.marked import UNMARKED, Marks, marks_of

__all__ = ["NEVER_AWAITED", "ProbeClass", "refusal", "unawaited"]

NEVER_AWAITED = "NeverAwaited"
_CASE = "in a class derived from unittest.IsolatedAsyncioTestCase"
_PLAIN = "make it a plain class method"
_AWAITED = {
    "setUp": f"name it asyncSetUp, {_CASE}",
    "tearDown": f"name it asyncTearDown, {_CASE}",
    "setUpClass": _PLAIN,
    "tearDownClass": _PLAIN,
}
"""Fixtures that unittest calls without awaiting them -> what to do instead."""
_ASYNC = ("asyncSetUp", "asyncTearDown")
_CALLERS = ("run", "_callSetUp")
_UNITTESTS = frozenset({"unittest.case", "unittest.async_case"})

DJANGO_TESTS = "django.test"
_OVER_HTTP = "derive the probe from unittest.TestCase, and ask over HTTP: urllib.request, requests"
_INSTEAD = {
    DJANGO_TESTS: "derive the probe from unittest.TestCase",
    "rest_framework.test": _OVER_HTTP,
    "django_webtest": _OVER_HTTP,
}
"""Modules whose classes are made for tests -> what to do instead."""

ALONE = Marks(serial=True)


class ProbeClass:
    """What the probes of one class have in common.

    Args:
        config: the app that it belongs to.
    """

    def __init__(self, case_class: type, config: AppConfig) -> None:
        self.case_class = case_class
        self.config = config
        self.app_label = config.label
        name, home = case_class.__qualname__, case_class.__module__
        self.id = f"{home}.{name}"
        # A class from elsewhere has the same label whichever module imports it.
        self.label = f"{short_name(config, home)}.{name}"
        self.names = {self.id, *(f"{root}.{name}" for root in roots(config))}
        self.held_by: frozenset[str] = frozenset()
        self.add_module(config, home)
        self.marks = marks_of(case_class, ALONE if _is_doctest(case_class) else UNMARKED)
        self.refusal = refusal(case_class) or unawaited(case_class)
        self.own_id = getattr(case_class, "id", None) is not unittest.TestCase.id
        self.own_description = (
            getattr(case_class, "shortDescription", None) is not unittest.TestCase.shortDescription
        )

    def add_module(self, config: AppConfig, module: str) -> None:
        """Take the names that the class has in a module that holds it."""
        name = self.case_class.__qualname__
        self.names |= {f"{spelling}.{name}" for spelling in spellings(config, module)}
        self.held_by |= holders(self.names, config)

    @cached_property
    def has_class_fixture(self) -> bool:
        """Return whether its probes share what setUpClass makes."""
        return any(
            getattr(getattr(self.case_class, name, None), "__func__", None)
            is not getattr(unittest.TestCase, name).__func__
            for name in ("setUpClass", "tearDownClass")
        )

    @cached_property
    def has_module_fixture(self) -> bool:
        """Return whether its module has setUpModule or tearDownModule."""
        module = sys.modules.get(self.case_class.__module__)
        return hasattr(module, "setUpModule") or hasattr(module, "tearDownModule")


def _is_doctest(case_class: type) -> bool:
    """Return whether a class swaps ``sys.stdout`` for the whole process while it runs."""
    return any(base.__module__ == "doctest" for base in case_class.__mro__)


def refusal(case_class: type) -> Problem | None:
    """Return why a class must not run: it descends from a class that is made for tests.

    By way of a mixin or another package's class, too. They are known by module name;
    ``django.test`` is not imported to find out.
    """
    for base in case_class.__mro__:
        module = base.__module__
        instead = next((_INSTEAD[home] for home in _INSTEAD if _is_in(module, home)), None)
        if instead is not None:
            return Problem.errored("RefusedTestCase", _refused(case_class, base, instead))
    return None


def unawaited(case_class: type) -> Problem | None:
    """Return why a class must not run: unittest calls a fixture of it, and runs no body."""
    if not _UNITTESTS.issuperset(getattr(case_class, name).__module__ for name in _CALLERS):
        return None  # It has a way of its own to call them.
    for name in (*_AWAITED, *_ASYNC):
        fixture = getattr(case_class, name, None)
        what = f"{case_class.__qualname__}.{name}"
        if isgeneratorfunction(fixture) or isasyncgenfunction(fixture):
            told = f"{what} yields, so that its body does not run: it must not yield."
            return Problem.errored(NEVER_AWAITED, told)
        if name in _AWAITED and iscoroutinefunction(fixture):
            told = f"{what} is async, and nobody awaits it: {_AWAITED[name]}."
            return Problem.errored(NEVER_AWAITED, told)
    return None


def _refused(case_class: type, base: type, instead: str) -> str:
    by = next((own for own in case_class.__mro__[1:] if issubclass(own, base)), base)
    way = "" if by is base else f" by way of {by.__module__}.{by.__qualname__}"
    is_case = any(_is_in(kind.__module__, DJANGO_TESTS) for kind in base.__mro__)
    why = (
        "made for a test database and can empty the live one"
        if is_case
        else "made for tests that call the site in their own process"
    )
    home = DJANGO_TESTS if _is_in(base.__module__, DJANGO_TESTS) else base.__module__
    return (
        f"{case_class.__qualname__} descends from {home}.{base.__name__}{way}, which is {why}."
        f" Refused: {instead}."
    )


def _is_in(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")
