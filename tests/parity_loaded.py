"""A probe module with a ``load_tests``: what only that can bring in.

Knows the standard library alone: it is copied into a project.
"""

from __future__ import annotations

import doctest
import unittest
from pathlib import Path
from typing import Any

FOUND = Path(__file__).resolve().parent.parent / "found"
"""A folder of modules: one passes, one raises a SkipTest, one cannot be imported."""


def doubled(number: int) -> int:
    """Return twice the number.

    >>> doubled(2)
    4
    """
    return 2 * number


def halved(number: int) -> float:
    """Return half the number, and an example that is wrong.

    >>> halved(2)
    2
    """
    return number / 2


class Ordered(unittest.TestCase):
    def test_a(self) -> None:
        pass

    def test_b(self) -> None:
        self.fail("b")


class AlsoOrdered(Ordered):
    made = False

    @classmethod
    def setUpClass(cls) -> None:
        cls.made = True

    def test_a(self) -> None:
        self.assertTrue(self.made)


def load_tests(loader: Any, standard: Any, pattern: Any) -> unittest.TestSuite:
    """Add what only a ``load_tests`` can: doctests, functions, repeats, another order."""
    suite = unittest.TestSuite([standard])
    suite.addTests([Ordered("test_b"), AlsoOrdered("test_a"), Ordered("test_a")])
    suite.addTests([Ordered("test_b"), AlsoOrdered("test_b")])
    suite.addTest(unittest.FunctionTestCase(lambda: None, description="a function"))
    suite.addTest(unittest.FunctionTestCase(act_up, tearDown=act_up))
    suite.addTest(unittest.TestSuite([unittest.TestSuite([doctest.DocTestSuite(__name__)])]))
    suite.addTests(loader.loadTestsFromNames(["no_such_module", f"{__name__}.NoSuchClass"]))
    suite.addTest(unittest.TestLoader().discover(str(FOUND), "found_*.py"))
    return suite


def act_up() -> None:
    raise RuntimeError("a function")
