"""Test classes of the kinds that people really write: a probe module of their own.

It is copied into a project.
"""

from __future__ import annotations

import functools
import logging
import sys
import unittest
import warnings
from typing import Any

from django_probe import serial


class ATestNamedTestCase(unittest.TestCase):
    """Sub-tests have an attribute ``test_case``; so has this."""

    def test_case(self) -> None:
        self.skipTest("not here")

    def test_other(self) -> None:
        self.skipTest("not here either")


class OnlyRunTest(unittest.TestCase):
    def runTest(self) -> None:
        self.fail("by runTest")


class OneIdForAll(unittest.TestCase):
    """Ids need not be unique: the occurrence tells them apart."""

    def id(self) -> str:
        return "one.id.for.all"

    def test_1_passes(self) -> None:
        pass

    def test_2_fails(self) -> None:
        self.fail("the second")

    def test_3_skips(self) -> None:
        self.skipTest("the third")


class RunsTwice(unittest.TestCase):
    """A home-made retry: two verdicts on one test, of which the worse one counts."""

    tries = 0

    def run(self, result: Any = None) -> Any:
        super().run(result)
        return super().run(result)

    def test_passes_the_second_time(self) -> None:
        type(self).tries += 1
        self.assertEqual(self.tries, 2)


class RunsNothing(unittest.TestCase):
    """Nothing is told to the result: nothing bad is recorded."""

    def run(self, result: Any = None) -> Any:
        return result

    def test_never_called(self) -> None:
        raise AssertionError


class OwnFailure(unittest.TestCase):
    failureException = LookupError

    def test_fails(self) -> None:
        self.fail("a LookupError")

    def test_raises_an_assertion_error_which_is_no_failure_here(self) -> None:
        raise AssertionError("an error")

    def test_both_in_subtests(self) -> None:
        with self.subTest(kind="failure"):
            self.fail("a LookupError")
        with self.subTest(kind="error"):
            raise AssertionError("an error")


class NotFunctions(unittest.TestCase):
    """Test methods that are no plain functions."""

    def check(self, number: int) -> None:
        self.assertNotEqual(number, 2)

    test_1 = functools.partialmethod(check, 1)
    test_2 = functools.partialmethod(check, 2)

    @staticmethod
    def test_static() -> None:
        raise AssertionError("static")

    @classmethod
    def test_class(cls) -> None:
        raise unittest.SkipTest("class")


class Mixin:
    seen: list[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.seen = []

    def test_mixed_in(self) -> None:
        self.seen.append("mixed in")


class FirstChild(Mixin, unittest.TestCase):
    def test_own_after_it(self) -> None:
        assert self.seen == ["mixed in"]


class SecondChild(FirstChild):
    test_mixed_in = unittest.skip("in this one")(Mixin.test_mixed_in)

    def test_own_after_it(self) -> None:
        assert not self.seen


@unittest.skip("the parent")
class SkippedParent(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        raise AssertionError("a skipped class is not set up")

    def test_anything(self) -> None:
        raise AssertionError


class ChildOfSkipped(SkippedParent):
    """Skipped as well: the mark is inherited."""


class LooksAtItsOutcome(unittest.TestCase):
    """As those do that take a screenshot of a page on which a test failed."""

    def tearDown(self) -> None:
        outcome: Any = getattr(self, "_outcome", None)
        if sys.version_info < (3, 11):
            seen = [err for case, err in outcome.errors if err]
        else:
            seen = [err for case, err in outcome.result.failures if case is self]
        if seen:
            raise RuntimeError("tearDown saw that it failed")

    def test_1_fails(self) -> None:
        self.fail("look at this")

    def test_2_passes_after_it(self) -> None:
        pass


@unittest.expectedFailure
class ExpectedAsAWhole(unittest.TestCase):
    def test_fails(self) -> None:
        self.fail("as expected")

    def test_passes(self) -> None:
        pass


class SubtestsInFixtures(unittest.TestCase):
    def setUp(self) -> None:
        with self.subTest("in setUp"):
            self.fail("early")

    def tearDown(self) -> None:
        with self.subTest("in tearDown"):
            self.assertTrue(self)

    def test_body(self) -> None:
        with self.subTest("in the body"):
            self.skipTest("this part")


class CallsItsCleanups(unittest.TestCase):
    def test_by_hand(self) -> None:
        done: list[int] = []
        self.addCleanup(done.append, 1)
        self.doCleanups()
        self.assertEqual(done, [1])
        self.addCleanup(self.fail, "and once more")


class ClassCleanupFromATest(unittest.TestCase):
    def test_adds_one(self) -> None:
        self.addClassCleanup(act_up)


def act_up() -> None:
    raise RuntimeError("from a class cleanup")


@serial
class Warns(unittest.TestCase):
    def test_asserts_a_warning(self) -> None:
        with self.assertWarns(DeprecationWarning):
            warnings.warn("old", DeprecationWarning, stacklevel=1)

    def test_asserts_logs(self) -> None:
        with self.assertLogs("parity", "INFO") as logs:
            logging.getLogger("parity").info("told")
        self.assertEqual(len(logs.output), 1)

    def test_no_logs_are_a_failure(self) -> None:
        with self.assertLogs("parity", "INFO"):
            pass
