"""Test classes of every combination of what a test and its fixtures may do.

Knows the standard library alone: it is copied into a project, whose probe
modules fill themselves from it.
"""

from __future__ import annotations

import functools
import itertools
import sys
import unittest
from collections.abc import Callable, Iterator
from typing import Any

Body = Callable[[Any], None]


def passes(case: Any) -> None:
    pass


def fails(case: Any) -> None:
    case.fail("body")


def errors(case: Any) -> None:
    raise RuntimeError("body")


def skips(case: Any) -> None:
    case.skipTest("body")


def exits(case: Any) -> None:
    raise SystemExit("body")


def fails_in_a_subtest(case: Any) -> None:
    for number in range(3):
        with case.subTest(number=number):
            case.assertNotEqual(number, 1)


def every_kind_of_subtest(case: Any) -> None:
    for body in (passes, fails, skips, errors, passes):
        with case.subTest(body=body.__name__):
            body(case)


def fails_after_its_subtests(case: Any) -> None:
    fails_in_a_subtest(case)
    case.fail("body")


def skips_in_a_subtest(case: Any) -> None:
    with case.subTest("only this one"):
        case.skipTest("sub-test")


def nests_subtests(case: Any) -> None:
    with case.subTest(outer=1), case.subTest(inner=2):
        case.fail("body")


BODIES: tuple[Body, ...] = (
    passes,
    fails,
    errors,
    skips,
    exits,
    fails_in_a_subtest,
    every_kind_of_subtest,
    fails_after_its_subtests,
    skips_in_a_subtest,
    nests_subtests,
)
HANGS_IN_UNITTEST = (exits,) if sys.version_info < (3, 11) else ()
"""What ends the task that unittest's async test cases then wait for: nothing to compare with."""
EXPECTED_TO_FAIL = (passes, fails, errors, skips, fails_in_a_subtest, skips_in_a_subtest)

SET_UPS = ("ok", "errors", "skips")
TEAR_DOWNS = ("ok", "errors", "fails", "skips")
CLEANUPS = ("ok", "errors")
CROSSED_FIXTURES = ("ok", "setUpClass errors", "setUpClass skips")
CLASS_FIXTURES = (
    *CROSSED_FIXTURES,
    "setUpClass and a class cleanup error",
    "tearDownClass errors",
    "tearDownClass skips",
    "a class cleanup errors",
    "the class is skipped",
)


def act(what: str, where: str) -> None:
    """Do what a fixture is to do; the message says which one it was."""
    if what == "errors":
        raise RuntimeError(where)
    if what == "fails":
        raise AssertionError(where)
    if what == "skips":
        raise unittest.SkipTest(where)


def make_class(
    name: str, *, set_up: str, tear_down: str, cleanup: str, fixture: str, is_async: bool
) -> type[unittest.TestCase]:
    """Return a test class with one test for each body."""
    base = unittest.IsolatedAsyncioTestCase if is_async else unittest.TestCase
    parts = (set_up, tear_down, cleanup)
    own = _async_fixtures(*parts) if is_async else _fixtures(*parts)
    wrap: Any = _as_async if is_async else _as_it_is
    bodies = [body for body in BODIES if not (is_async and body in HANGS_IN_UNITTEST)]
    tests = {f"test_{body.__name__}": wrap(body) for body in bodies}
    for body in EXPECTED_TO_FAIL:
        tests[f"test_expected_to_fail_{body.__name__}"] = unittest.expectedFailure(wrap(body))
    made = type(name, (base,), {**own, **_class_fixtures(fixture), **tests})
    return unittest.skip("the class")(made) if fixture == "the class is skipped" else made


def _as_it_is(body: Body) -> Body:
    @functools.wraps(body)
    def test(self: Any) -> None:
        body(self)

    return test


def _as_async(body: Body) -> Any:
    @functools.wraps(body)
    async def test(self: Any) -> None:
        body(self)

    return test


def _fixtures(set_up: str, tear_down: str, cleanup: str) -> dict[str, Any]:
    def setUp(self: Any) -> None:
        self.addCleanup(act, cleanup, "cleanup")
        act(set_up, "setUp")

    def tearDown(self: Any) -> None:
        act(tear_down, "tearDown")

    return {"setUp": setUp, "tearDown": tearDown}


def _async_fixtures(set_up: str, tear_down: str, cleanup: str) -> dict[str, Any]:
    async def clean() -> None:
        act(cleanup, "cleanup")

    async def asyncSetUp(self: Any) -> None:
        self.addAsyncCleanup(clean)
        act(set_up, "setUp")

    async def asyncTearDown(self: Any) -> None:
        act(tear_down, "tearDown")

    return {"asyncSetUp": asyncSetUp, "asyncTearDown": asyncTearDown}


def _class_fixtures(fixture: str) -> dict[str, Any]:
    set_up = fixture.removeprefix("setUpClass ") if fixture.startswith("setUpClass") else "ok"
    tear_down = fixture.removeprefix("tearDownClass ")

    def setUpClass(cls: Any) -> None:
        if "class cleanup" in fixture:
            cls.addClassCleanup(act, "errors", "class cleanup")
        act("errors" if "error" in set_up else set_up, "setUpClass")

    def tearDownClass(cls: Any) -> None:
        act(tear_down, "tearDownClass")

    if fixture == "ok":
        return {}  # No fixture to share: its probes may run apart.
    return {"setUpClass": classmethod(setUpClass), "tearDownClass": classmethod(tearDownClass)}


def crossed() -> Iterator[type[unittest.TestCase]]:
    """Yield a class for every combination there is."""
    combined = itertools.product(SET_UPS, TEAR_DOWNS, CLEANUPS, CROSSED_FIXTURES, (False, True))
    for number, (set_up, tear_down, cleanup, fixture, is_async) in enumerate(combined):
        yield make_class(
            f"Crossed{number:03}",
            set_up=set_up,
            tear_down=tear_down,
            cleanup=cleanup,
            fixture=fixture,
            is_async=is_async,
        )


def by_class_fixture() -> Iterator[type[unittest.TestCase]]:
    """Yield a few classes, for each kind of class fixture."""
    for number, (fixture, is_async) in enumerate(itertools.product(CLASS_FIXTURES, (False, True))):
        yield make_class(
            f"Within{number:02}",
            set_up="ok",
            tear_down="ok",
            cleanup="ok",
            fixture=fixture,
            is_async=is_async,
        )


def fill(namespace: dict[str, Any], classes: Iterator[type[unittest.TestCase]]) -> None:
    """Put classes into a module as if they had been written there."""
    for made in classes:
        made.__module__ = namespace["__name__"]
        namespace[made.__name__] = made
