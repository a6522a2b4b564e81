"""Test classes that raise and skip in every way: a probe module of their own.

Knows the standard library alone: it is copied into a project.
"""

from __future__ import annotations

import asyncio
import contextvars
import unittest


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


IN_CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("IN_CONTEXT")


class InContext(unittest.IsolatedAsyncioTestCase):
    """What setUp puts into the context, the test and its tearDown find there (from 3.11 on)."""

    def setUp(self) -> None:
        IN_CONTEXT.set("from setUp")

    async def asyncSetUp(self) -> None:
        IN_CONTEXT.set(IN_CONTEXT.get("nothing") + ", asyncSetUp")

    async def test_1_sees_it(self) -> None:
        self.assertEqual(IN_CONTEXT.get("nothing"), "from setUp, asyncSetUp")

    def test_2_sees_it_in_sync(self) -> None:
        self.assertEqual(IN_CONTEXT.get("nothing"), "from setUp, asyncSetUp")

    async def asyncTearDown(self) -> None:
        self.assertEqual(IN_CONTEXT.get("nothing"), "from setUp, asyncSetUp")


class Async(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.order = ["set up"]

    async def test_awaits(self) -> None:
        await asyncio.sleep(0)
        self.assertEqual(self.order, ["set up"])

    def test_sync_in_an_async_case(self) -> None:
        self.fail("sync")

    async def test_cancelled(self) -> None:
        raise asyncio.CancelledError

    async def test_subtests(self) -> None:
        for number in range(3):
            with self.subTest(number=number):
                await asyncio.sleep(0)
                self.assertNotEqual(number, 1)

    async def test_leaves_a_task_behind(self) -> None:
        self.task = asyncio.ensure_future(asyncio.sleep(3600))


class Interrupted(unittest.TestCase):
    """unittest ends the run here; in ours it is the error of the one that raised it."""

    def test_1_before(self) -> None:
        pass

    def test_2_interrupts(self) -> None:
        raise KeyboardInterrupt

    def test_3_after(self) -> None:
        self.fail("after it")
