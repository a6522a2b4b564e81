"""What unittest says of a probe, as one result: every rule of "what counts, exactly"."""

from __future__ import annotations

import asyncio
import gc
import sys
import unittest
import warnings

import pytest
from in_process import run

from django_probe import timeout


def only(told):
    """Return the one result."""
    (result,) = told.results.values()
    return result


def cleanup_messages(result):
    return [error.message for error in result.cleanup_errors]


# One probe, one outcome.


def test_each_way_to_end_a_test_has_its_outcome():
    class Probe(unittest.TestCase):
        def test_passes(self):
            pass

        def test_fails(self):
            self.assertEqual(1, 2, "the till")

        def test_raises(self):
            raise LookupError("no order")

        def test_raises_own_assertion(self):
            raise AssertionError

        @unittest.expectedFailure
        def test_expected(self):
            self.fail("known")

        @unittest.expectedFailure
        def test_unexpected(self):
            pass

        def helper(self):
            raise AssertionError("never called")

    told = run(Probe)
    assert told.outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_raises": "errored",
        "test_raises_own_assertion": "failed",
        "test_expected": "expected_failure",
        "test_unexpected": "unexpected_success",
    }
    results = told.results
    blocking = {name for name, result in results.items() if result.blocking}
    assert blocking == {
        "test_fails",
        "test_raises",
        "test_raises_own_assertion",
        "test_unexpected",
    }
    assert results["test_passes"].error is None
    assert results["test_fails"].error.message == "1 != 2 : the till"
    assert results["test_fails"].error.exception_class_path == "AssertionError"
    assert results["test_raises"].error.exception_class_path == "LookupError"
    assert results["test_expected"].error.message == "known"
    assert "marked as an expected failure" in results["test_unexpected"].error.message


def test_a_method_whose_body_does_not_run_has_not_passed():
    class Probe(unittest.TestCase):
        async def test_async(self):
            self.fail("never called")

        def test_generator(self):
            yield self.fail("never called")

        async def test_async_generator(self):
            yield self.fail("never called")

        def test_value(self):
            return 3

        async def do(self):
            self.fail("never called")

        test_wrapped = staticmethod(lambda: Probe("do").do())

    with warnings.catch_warnings(record=True) as told_of:
        warnings.simplefilter("always")
        told = run(Probe)
        gc.collect()
    words = {name: result.error for name, result in told.results.items()}
    assert words.pop("test_value") is None
    unittests = "It is deprecated to return a value that is not None"
    assert all(str(one.message).startswith(unittests) for one in told_of)
    for name, error in words.items():
        async_ = name in ("test_async", "test_wrapped")
        assert "so that its body did not run" in error.message
        assert ("IsolatedAsyncioTestCase" in error.message) is async_
        assert error.traceback == f"TypeError: {error.message}\n"


def test_a_method_whose_body_no_event_loop_runs_has_not_passed():
    class Probe(unittest.IsolatedAsyncioTestCase):
        def test_generator(self):
            yield self.fail("never called")

        async def test_async_generator(self):
            yield self.fail("never called")

        async def test_forgets_to_await(self):
            return self.do()

        async def do(self):
            self.fail("called where it is awaited")

        async def test_value(self):
            return 3

        def test_plain(self):
            asyncio.get_event_loop()

        def test_wrapped(self):
            return self.do()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # unittest's, of a value.
        told = run(Probe)
        gc.collect()
    words = {name: result.error and result.error.message for name, result in told.results.items()}
    assert words.pop("test_value") is words.pop("test_plain") is None
    wrapped = words.pop("test_wrapped")  # Python 3.10 awaits what a plain method returns.
    assert ("called where" if sys.version_info < (3, 11) else "await it, in a class") in wrapped
    for name, message in words.items():
        assert "so that its body did not run" in message
        assert ("await it" in message) is (name == "test_forgets_to_await")


def test_a_traceback_has_the_frames_of_the_probe_and_none_of_unittest():
    class Probe(unittest.TestCase):
        def test_sync(self):
            self.check()

        def check(self):
            self.assertTrue(0)

    class AsyncProbe(unittest.IsolatedAsyncioTestCase):
        async def test_async(self):
            await self.check()

        async def check(self):
            await asyncio.sleep(0)
            self.assertTrue(0)

    for name, result in run(Probe, AsyncProbe).results.items():
        traceback = result.error.traceback
        assert f"in {name}" in traceback
        assert "in check" in traceback
        assert "self.assertTrue(0)" in traceback
        assert "unittest" not in traceback
        assert "asyncio/" not in traceback


# Skips.


def test_every_kind_of_skip_is_a_skip_with_its_reason():
    class Probe(unittest.TestCase):
        @unittest.skip("by mark")
        def test_mark(self):
            raise AssertionError

        @unittest.skipIf(True, "by condition")
        def test_condition(self):
            raise AssertionError

        @unittest.skip
        def test_bare_mark(self):
            raise AssertionError

        def test_body(self):
            self.skipTest("in the body")

        def test_raised(self):
            raise unittest.SkipTest("raised")

        def test_reason_that_is_no_text(self):
            raise unittest.SkipTest(503)

    class InSetUp(unittest.TestCase):
        torn_down = False

        def setUp(self):
            self.skipTest("in setUp")

        def tearDown(self):
            InSetUp.torn_down = True

        def test_set_up(self):
            raise AssertionError

    @unittest.skip("the class")
    class Skipped(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise AssertionError

        def test_class(self):
            raise AssertionError

    told = run(Probe, InSetUp, Skipped)
    assert {name: result.reason for name, result in told.results.items()} == {
        "test_mark": "by mark",
        "test_condition": "by condition",
        "test_bare_mark": "",
        "test_body": "in the body",
        "test_raised": "raised",
        "test_reason_that_is_no_text": "503",
        "test_set_up": "in setUp",
        "test_class": "the class",
    }
    assert set(told.outcomes.values()) == {"skipped"}
    assert not any(result.error or result.blocking for result in told.results.values())
    assert not InSetUp.torn_down
    assert not told.fixtures


def test_a_skip_does_not_hide_what_went_wrong_before_or_after_it():
    class Probe(unittest.TestCase):
        def tearDown(self):
            raise OSError("left behind")

        def test_skip(self):
            self.skipTest("not today")

    class AfterSubTest(unittest.TestCase):
        def test_sub(self):
            with self.subTest(i=1):
                self.fail("first")
            self.skipTest("the rest")

    told = run(Probe, AfterSubTest)
    assert told.outcomes == {"test_skip": "errored", "test_sub": "failed"}


# Sub-tests.


def test_sub_tests_are_one_result_that_names_those_that_failed():
    class Probe(unittest.TestCase):
        def test_sub(self):
            for number in range(6):
                with self.subTest("page", number=number):
                    if number == 1:
                        self.skipTest("gone")
                    if number == 2:
                        raise ValueError("broken")
                    self.assertNotEqual(number, 4)

    result = only(run(Probe))
    assert result.outcome == "errored"
    assert [
        (s.description, s.outcome.value) for s in result.subtests if s.outcome != "skipped"
    ] == [
        ("[page] (number=0)", "passed"),
        ("[page] (number=2)", "errored"),
        ("[page] (number=3)", "passed"),
        ("[page] (number=4)", "failed"),
        ("[page] (number=5)", "passed"),
    ]
    assert [s.description for s in result.subtests if s.outcome == "skipped"] == [
        "[page] (number=1)"
    ]
    assert result.error.message == ("2 of 6 sub-tests failed: [page] (number=2), [page] (number=4)")
    assert result.error.exception_class_path == "ValueError"
    assert "ValueError: broken" in result.error.traceback
    assert "AssertionError: 4 == 4" in result.error.traceback


def test_nested_sub_tests_are_told_by_all_their_parameters():
    class Probe(unittest.TestCase):
        def test_sub(self):
            with self.subTest(shop="eu"):
                with self.subTest(page="cart"):
                    self.fail("inner")
                with self.subTest(page="pay"):
                    pass

    result = only(run(Probe))
    told = {subtest.description: subtest.outcome.value for subtest in result.subtests}
    assert told["(page='cart', shop='eu')"] == "failed"
    assert told["(page='pay', shop='eu')"] == "passed"
    assert result.outcome == "failed"


def test_skipped_sub_tests_let_the_probe_pass():
    class Probe(unittest.TestCase):
        def test_sub(self):
            with self.subTest(i=1):
                self.skipTest("no")

    result = only(run(Probe))
    assert result.outcome == "passed"
    assert not result.blocking
    assert [subtest.outcome.value for subtest in result.subtests] == ["skipped"]


def test_a_sub_test_that_fails_and_a_body_that_raises_are_both_told():
    class Probe(unittest.TestCase):
        def test_sub(self):
            with self.subTest(i=1):
                self.fail("in the sub-test")
            raise ValueError("in the body")

    result = only(run(Probe))
    assert result.outcome == "errored"
    assert result.error.message == "1 of 1 sub-tests failed: (i=1); then ValueError: in the body"
    assert "AssertionError: in the sub-test" in result.error.traceback
    assert "ValueError: in the body" in result.error.traceback


def test_ten_thousand_sub_tests_are_one_bounded_result():
    class Probe(unittest.TestCase):
        def test_sub(self):
            for i in range(10_000):
                with self.subTest(i=i):
                    self.assertEqual(i % 2, 0, "odd " * 500)

    result = only(run(Probe, timeout=60))
    assert result.outcome == "failed"
    assert result.error.message.startswith("5000 of 10000 sub-tests failed: (i=1), (i=3), ")
    assert result.error.message.endswith("(i=19), and 4990 more")
    assert sum(subtest.outcome == "passed" for subtest in result.subtests) == 5000
    (left_out,) = (s.description for s in result.subtests if s.description.startswith("[…"))
    assert left_out.endswith("more sub-tests failed]")
    size = sum(
        len(s.description) + (len(s.error.message) + len(s.error.traceback) if s.error else 0)
        for s in result.subtests
    )
    assert size < 700_000
    assert len(result.error.traceback) < 70_000


def test_a_sub_test_whose_parameter_cannot_be_shown_is_still_told():
    class Unshowable:
        def __repr__(self):
            raise ValueError("no repr")

    class Probe(unittest.TestCase):
        def tearDown(self):
            Probe.torn_down = True

        def test_sub(self):
            with self.subTest(thing=Unshowable()):
                self.fail("inside")

    result = only(run(Probe))
    assert result.outcome == "failed"
    assert "cannot be shown" in result.subtests[0].description
    assert Probe.torn_down


# Expected failures.


def test_an_expected_failure_keeps_what_goes_wrong_beside_it():
    class Probe(unittest.TestCase):
        @unittest.expectedFailure
        def test_in_sub_test(self):
            with self.subTest(i=1):
                self.fail("known")

        @unittest.expectedFailure
        def test_error(self):
            raise ValueError("known")

        @unittest.expectedFailure
        def test_skip(self):
            self.skipTest("no")

        @unittest.expectedFailure
        @timeout(0.1)
        def test_hangs(self):
            while True:
                pass

    class Cleanup(unittest.TestCase):
        def tearDown(self):
            raise OSError("left behind")

        @unittest.expectedFailure
        def test_cleanup(self):
            self.fail("known")

    @unittest.expectedFailure
    class Whole(unittest.TestCase):
        def test_whole(self):
            self.fail("known")

    assert run(Probe, Cleanup, Whole).outcomes == {
        "test_in_sub_test": "expected_failure",
        "test_error": "expected_failure",
        "test_skip": "skipped",
        "test_hangs": "timed_out",
        "test_cleanup": "errored",
        "test_whole": "expected_failure",
    }


# Cleanups of one probe.


def test_failure_tear_down_and_cleanups_that_fail_are_one_result():
    class Probe(unittest.TestCase):
        def setUp(self):
            self.addCleanup(self.clean, "first added")
            self.addCleanup(self.clean, "second added")

        def clean(self, text):
            raise OSError(text)

        def tearDown(self):
            raise RuntimeError("tearDown")

        def test_it(self):
            self.fail("the body")

    result = only(run(Probe))
    assert result.outcome == "errored"
    assert result.error.message == "the body"
    assert cleanup_messages(result) == ["tearDown", "second added", "first added"]


def test_a_tear_down_that_fails_alone_is_the_error_and_a_cleanup_error():
    class Sync(unittest.TestCase):
        def tearDown(self):
            raise RuntimeError("left behind")

        def test_sync(self):
            pass

    class Async(unittest.IsolatedAsyncioTestCase):
        async def asyncTearDown(self):
            raise RuntimeError("left behind")

        async def test_async(self):
            pass

    class AsyncCleanup(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.addAsyncCleanup(self.clean)

        async def clean(self):
            raise RuntimeError("left behind")

        async def test_async_cleanup(self):
            pass

    told = run(Sync, Async, AsyncCleanup)
    assert set(told.outcomes) == {"test_sync", "test_async", "test_async_cleanup"}
    for result in told.results.values():
        assert result.outcome == "errored"
        assert result.error.message == "left behind"
        assert cleanup_messages(result) == ["left behind"]


def test_many_cleanups_that_fail_are_told_in_bounded_space():
    class Probe(unittest.TestCase):
        def test_it(self):
            for number in range(500):
                self.addCleanup(self.fail, f"{number} " * 1000)

    result = only(run(Probe))
    assert result.outcome == "failed"
    assert 1 < len(result.cleanup_errors) <= 20
    assert result.error.message.startswith("499 ")


# Whatever a probe raises is its own error.


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt, SystemExit, GeneratorExit, type("Own", (BaseException,), {})]
)
@pytest.mark.parametrize("where", ["setUp", "body", "tearDown", "cleanup", "init"])
def test_what_is_no_exception_is_the_error_of_the_probe_that_raised_it(where, raised):
    calls = []

    class Probe(unittest.TestCase):
        def __init__(self, name):
            super().__init__(name)
            self.step("init")

        def step(self, name):
            calls.append(name)
            if name == where:
                raise raised(f"from {name}")

        def setUp(self):
            self.addCleanup(self.step, "last")
            self.addCleanup(self.step, "cleanup")
            self.step("setUp")

        def tearDown(self):
            self.step("tearDown")

        def test_it(self):
            self.step("body")

    class Next(unittest.TestCase):
        def test_next(self):
            pass

    told = run(Probe, Next)
    assert told.outcomes == {"test_it": "errored", "test_next": "passed"}
    assert told.results["test_it"].error.message == f"from {where}"
    in_cleanup = where in ("tearDown", "cleanup")
    assert cleanup_messages(told.results["test_it"]) == [f"from {where}"] * in_cleanup
    due = ["init", "setUp", "body", "tearDown", "cleanup", "last"]
    if where == "init":
        due = ["init"]
    elif where == "setUp":
        due = ["init", "setUp", "cleanup", "last"]
    assert calls == due


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_async_probe_that_raises_no_exception_is_cleaned_up_after(raised):
    calls = []

    class Probe(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.addAsyncCleanup(self.clean)

        async def clean(self):
            calls.append("cleanup")

        async def asyncTearDown(self):
            calls.append("asyncTearDown")

        async def test_it(self):
            await asyncio.sleep(0)
            raise raised("from the body")

    result = only(run(Probe, timeout=5))
    assert result.outcome == "errored"
    assert result.error.exception_class_path == raised.__name__
    assert calls == ["asyncTearDown", "cleanup"]
    assert result.duration < 2


def test_exceptions_that_cannot_be_shown_are_told_all_the_same():
    class Silent(Exception):
        def __str__(self):
            raise ValueError("no text")

    class Deadly(Exception):
        def __str__(self):
            sys.exit("no text")

    class NotText(Exception):
        def __str__(self):
            return 5

    nameless = type("Made\x1b[31m\nHere::error::", (Exception,), {"__module__": None})

    class Probe(unittest.TestCase):
        def test_silent(self):
            raise Silent

        def test_deadly(self):
            raise Deadly

        def test_not_text(self):
            raise NotText

        def test_made(self):
            raise nameless("made at run time")

        def test_cyclic(self):
            first, second = ValueError("first"), ValueError("second")
            first.__cause__, second.__cause__ = second, first
            raise first

        def test_own_context(self):
            error = ValueError("own")
            error.__context__ = error
            raise error

        def test_deep(self):
            self.test_deep()

        def test_huge(self):
            raise ValueError("x" * 5_000_000)

    told = run(Probe)
    assert set(told.outcomes.values()) == {"errored"}
    results = told.results
    assert "cannot be shown" in results["test_silent"].error.message
    assert "cannot be shown" in results["test_not_text"].error.message
    assert "second" in results["test_cyclic"].error.traceback
    assert results["test_deep"].error.exception_class_path == "RecursionError"
    made = results["test_made"].error
    assert made.exception_class_path == "None.Made Here::error::"
    assert made.message == "made at run time"
    huge = results["test_huge"].error
    assert len(huge.message) < 9_000
    assert "characters cut" in huge.message
    assert len(huge.traceback) < 70_000


@pytest.mark.skipif(sys.version_info < (3, 11), reason="ExceptionGroup came with Python 3.11")
def test_exception_groups_are_told_with_what_they_hold():
    class Probe(unittest.TestCase):
        def test_group(self):
            raise ExceptionGroup("two", [ValueError("one"), OSError("other")])  # noqa: F821

        def test_base_group(self):
            raise BaseExceptionGroup("base", [KeyboardInterrupt("key")])  # noqa: F821

    results = run(Probe).results
    group = results["test_group"].error
    assert group.exception_class_path == "ExceptionGroup"
    assert "ValueError: one" in group.traceback
    assert "OSError: other" in group.traceback
    assert results["test_base_group"].outcome == "errored"


# Async probes.


def test_async_fixtures_that_fail_are_errors_of_their_probe():
    class SetUp(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            raise ConnectionError("no broker")

        async def test_set_up(self):
            raise AssertionError("not reached")

    class Skip(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.skipTest("no broker here")

        async def test_skip(self):
            raise AssertionError("not reached")

    class Both(unittest.IsolatedAsyncioTestCase):
        async def asyncTearDown(self):
            raise RuntimeError("left behind")

        async def test_both(self):
            self.fail("the body")

    told = run(SetUp, Skip, Both)
    assert told.outcomes == {
        "test_set_up": "errored",
        "test_skip": "skipped",
        "test_both": "errored",
    }
    assert told.results["test_set_up"].error.message == "no broker"
    assert told.results["test_both"].error.message == "the body"
    assert cleanup_messages(told.results["test_both"]) == ["left behind"]


def test_a_task_that_an_async_probe_leaves_is_cancelled_with_its_loop():
    ended = []

    class Probe(unittest.IsolatedAsyncioTestCase):
        async def test_leaves(self):
            self.task = asyncio.ensure_future(self.work())
            await asyncio.sleep(0)

        async def work(self):
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("work")

        async def test_next(self):
            pass

    told = run(Probe)
    assert told.outcomes == {"test_leaves": "passed", "test_next": "passed"}
    assert ended == ["work"]


# What authors do with unittest's own state.


def test_a_tear_down_can_look_at_what_was_recorded():
    seen = {}

    class Probe(unittest.TestCase):
        def tearDown(self):
            result = self._outcome.result
            errors = getattr(self._outcome, "errors", None)
            if errors is None:  # Python 3.11 and later: recorded at once.
                found = [*result.failures, *result.errors]
            else:
                found = [(test, info) for test, info in errors if info]
            seen[self._testMethodName] = [test is self for test, _ in found]

        def test_passes(self):
            pass

        def test_fails(self):
            self.fail("no")

        def test_raises(self):
            raise ValueError

    run(Probe)
    assert seen["test_passes"] == []
    assert seen["test_fails"] == [True]
    assert seen["test_raises"] == [True]


def test_what_one_probe_records_is_not_seen_by_the_next():
    seen = []

    class Probe(unittest.TestCase):
        def setUp(self):
            result = self._outcome.result
            seen.append(len(result.failures) + len(result.errors) + len(result.skipped))

        def test_1_fails(self):
            self.fail("no")

        def test_2_skips(self):
            self.skipTest("no")

        def test_3_passes(self):
            pass

    told = run(Probe)
    assert list(told.outcomes.values()) == ["failed", "skipped", "passed"]
    assert seen == [0, 0, 0]
