"""Every reporter that comes with the package keeps the contract of reporters."""

from __future__ import annotations

import unittest

from django_probe.formats import BUILT_IN, find_format
from django_probe.reporter_contract import ReporterContract


def _contract(name: str) -> type[unittest.TestCase]:
    body = {"reporter_class": find_format(name, {}).reporter_class, "__doc__": name}
    return type(f"{name.title()}Contract", (ReporterContract, unittest.TestCase), body)


for _name in BUILT_IN:
    globals()[f"{_name.title()}Contract"] = _contract(_name)
