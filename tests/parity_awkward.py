"""Test classes of the kinds that people really write, one by one: a probe module.

Knows the standard library alone: it is copied into a project.
"""

from __future__ import annotations

import doctest
import functools
import sys
import unittest
import warnings
from typing import Any


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


class Exceptions(unittest.TestCase):
    def test_cannot_be_shown(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no words")

        raise Mute

    def test_chained(self) -> None:
        try:
            raise KeyError("first")
        except KeyError as exc:
            raise ValueError("second") from exc

    def test_generator_exit(self) -> None:
        raise GeneratorExit

    def test_base_exception(self) -> None:
        raise BaseException("as deep as it goes")

    def test_recursion(self) -> None:
        self.test_recursion()

    def test_skip_with_strange_reason(self) -> None:
        raise unittest.SkipTest("\x1b[31mred\x00\ud800")

    def test_skip_without_reason(self) -> None:
        raise unittest.SkipTest

    def test_strange_message(self) -> None:
        self.fail("\x1b[31mred\x00\ud800 ]]> # TODO")


class Cleanups(unittest.TestCase):
    """Each one of several cleanups may raise; more may be added while they run."""

    def test_three_raise(self) -> None:
        for number in range(3):
            self.addCleanup(self.fail, f"cleanup {number}")

    def test_one_adds_another(self) -> None:
        self.addCleanup(lambda: self.addCleanup(self.fail, "late"))

    def test_one_skips(self) -> None:
        self.addCleanup(self.skipTest, "from a cleanup")

    def test_fails_and_one_skips(self) -> None:
        self.addCleanup(self.skipTest, "from a cleanup")
        self.fail("body")


class Subtests(unittest.TestCase):
    def test_more_than_a_report_lists(self) -> None:
        for number in range(20_000):
            with self.subTest(number=number):
                self.assertNotEqual(number % 5_000, 1)

    def test_one_goes_on_where_another_skips(self) -> None:
        for number in range(4):
            with self.subTest(number=number):
                if number % 2:
                    self.skipTest("odd")

    def test_skip_after_a_failing_one(self) -> None:
        with self.subTest("fails"):
            self.fail("first")
        self.skipTest("then")

    def test_message_that_cannot_be_shown(self) -> None:
        class Mute:
            __slots__ = ()

            def __repr__(self) -> str:
                return "\x1b[31mmute\x00"

        with self.subTest(Mute(), value=Mute()):
            self.fail("body")

    def test_in_a_cleanup(self) -> None:
        def clean() -> None:
            with self.subTest("in a cleanup"):
                self.fail("late")

        self.addCleanup(clean)


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
    done: list[int]

    def test_by_hand(self) -> None:
        self.done = []
        self.addCleanup(self.done.append, 1)
        self.doCleanups()
        self.assertEqual(self.done, [1])
        self.addCleanup(self.fail, "and once more")


class ClassCleanupFromATest(unittest.TestCase):
    def test_adds_one(self) -> None:
        self.addClassCleanup(act_up)


class Warns(unittest.TestCase):
    def test_asserts_a_warning(self) -> None:
        with self.assertWarns(DeprecationWarning):
            warnings.warn("old", DeprecationWarning, stacklevel=1)

    def test_asserts_logs(self) -> None:
        with self.assertLogs("parity", "INFO") as logs:
            __import__("logging").getLogger("parity").info("told")
        self.assertEqual(len(logs.output), 1)

    def test_no_logs_are_a_failure(self) -> None:
        with self.assertLogs("parity", "INFO"):
            pass


class Async(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.order = ["set up"]

    async def test_awaits(self) -> None:
        await __import__("asyncio").sleep(0)
        self.assertEqual(self.order, ["set up"])

    def test_sync_in_an_async_case(self) -> None:
        self.fail("sync")

    async def test_cancelled(self) -> None:
        raise __import__("asyncio").CancelledError

    async def test_subtests(self) -> None:
        for number in range(3):
            with self.subTest(number=number):
                await __import__("asyncio").sleep(0)
                self.assertNotEqual(number, 1)

    async def test_leaves_a_task_behind(self) -> None:
        asyncio = __import__("asyncio")
        self.task = asyncio.ensure_future(asyncio.sleep(3600))


class Interrupted(unittest.TestCase):
    """unittest ends the run here; in ours it is the error of the one that raised it."""

    def test_1_before(self) -> None:
        pass

    def test_2_interrupts(self) -> None:
        raise KeyboardInterrupt

    def test_3_after(self) -> None:
        self.fail("after it")


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
    return suite


def act_up() -> None:
    raise RuntimeError("a function")
