"""A probe class, and whether it may run at all."""

from __future__ import annotations

import sys
import unittest

from django.apps import AppConfig

from django_probe.details import Problem
from django_probe.marks import SERIAL_ATTRIBUTE, TIMEOUT_ATTRIBUTE
from django_probe.results import ErrorDetail, Outcome

__all__ = ["ProbeClass", "refusal"]

DJANGO_CASES = "django.test.testcases"


class ProbeClass:
    """What the probes of one class have in common."""

    def __init__(self, case_class: type, config: AppConfig, module: str) -> None:
        self.case_class = case_class
        self.app_label = config.label
        name = case_class.__qualname__
        inside = module.removeprefix(f"{config.name}.probes").lstrip(".")
        self.label = ".".join(filter(None, (config.label, inside, name)))
        self.id = f"{case_class.__module__}.{name}"
        roots = {config.label, config.name}
        self.names = {
            self.id,
            f"{module}.{name}",
            *(f"{root}.{name}" for root in roots),
            *(".".join(filter(None, (root, inside, name))) for root in roots),
        }
        self.tags = frozenset(getattr(case_class, "tags", ()))
        self.timeout: float | None = getattr(case_class, TIMEOUT_ATTRIBUTE, None)
        self.serial = bool(getattr(case_class, SERIAL_ATTRIBUTE, False))
        self.refusal = refusal(case_class)
        self.own_id = getattr(case_class, "id", None) is not unittest.TestCase.id
        self.own_description = (
            getattr(case_class, "shortDescription", None) is not unittest.TestCase.shortDescription
        )

    @property
    def has_class_fixture(self) -> bool:
        """Return whether its probes share what setUpClass makes."""
        return any(
            getattr(getattr(self.case_class, name, None), "__func__", None)
            is not getattr(unittest.TestCase, name).__func__
            for name in ("setUpClass", "tearDownClass")
        )

    @property
    def has_module_fixture(self) -> bool:
        """Return whether its module has setUpModule or tearDownModule."""
        module = sys.modules.get(self.case_class.__module__)
        return hasattr(module, "setUpModule") or hasattr(module, "tearDownModule")

    def make_early(self, method: str) -> unittest.TestCase | None:
        """Return a test case where only an instance knows its id, else None."""
        if not self.own_id or self.refusal:
            return None
        case: unittest.TestCase = self.case_class(method)
        return case


def refusal(case_class: type) -> Problem | None:
    """Return why a class must not run: it descends from Django's own test cases.

    They are known by module name; ``django.test`` is not imported to find out.
    """
    for base in case_class.__mro__:
        if base.__module__ == DJANGO_CASES:
            message = (
                f"{case_class.__qualname__} descends from django.test.{base.__name__}, which is"
                " made for a test database and can empty the live one. Refused: derive the probe"
                " from unittest.TestCase."
            )
            error = ErrorDetail(exception_class_path="RefusedTestCase", message=message)
            return Problem(outcome=Outcome.ERRORED, error=error)
    return None
