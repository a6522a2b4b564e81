"""Probes with known outcomes: what ``ExecutorContract`` gives an executor to run."""

from __future__ import annotations

import sys
import time
import unittest
from collections.abc import Sequence

from django.apps import AppConfig

import django_probe
from django_probe.batching import make_batches
from django_probe.marks import serial, timeout
from django_probe.plan import Batch, Planned
from django_probe.probe_classes import ProbeClass
from django_probe.traffic import probe_headers

__all__ = ["CLASSES", "SECRET", "batches_of"]

SECRET = "contract-secret-4711"  # noqa: S105 - none is what it is for


class Outcomes(unittest.TestCase):
    """One probe for each outcome that unittest knows, named for it."""

    def test_passed(self) -> None: ...

    def test_failed(self) -> None:
        self.assertEqual(200, 500)

    def test_errored(self) -> None:
        raise ValueError(f"the key is {SECRET}")

    def test_errored_by_exit(self) -> None:
        sys.exit(3)

    async def test_errored_by_nobody_awaiting(self) -> None: ...

    def test_errored_by_interrupt(self) -> None:
        raise KeyboardInterrupt

    def test_skipped(self) -> None:
        self.skipTest("not here")

    @unittest.skip("never")
    def test_skipped_by_mark(self) -> None: ...

    @unittest.expectedFailure
    def test_expected_failure(self) -> None:
        self.fail("known")

    @unittest.expectedFailure
    def test_unexpected_success(self) -> None: ...

    def test_failed_sub_tests(self) -> None:
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)


class Cleanup(unittest.TestCase):
    """Fail, and fail to clean up."""

    def setUp(self) -> None:
        self.addCleanup(self._clean)

    def tearDown(self) -> None:
        raise RuntimeError("tearDown")

    def _clean(self) -> None:
        raise OSError("cleanup")

    def test_errored(self) -> None:
        self.fail("body")


class BrokenSetup(unittest.TestCase):
    """Have a class fixture that fails."""

    @classmethod
    def setUpClass(cls) -> None:
        raise ConnectionError("no broker")

    def test_errored_1(self) -> None: ...
    def test_errored_2(self) -> None: ...


class SkippedSetup(unittest.TestCase):
    """Have a class fixture that skips."""

    @classmethod
    def setUpClass(cls) -> None:
        raise unittest.SkipTest("no broker here")

    def test_skipped(self) -> None: ...


class BrokenTeardown(unittest.TestCase):
    """Have a class fixture that fails after its probes."""

    @classmethod
    def tearDownClass(cls) -> None:
        raise ConnectionError("broker gone")

    def test_passed(self) -> None: ...


@serial
class Printing(unittest.TestCase):
    """Print, each probe its own name."""

    def test_passed_1(self) -> None:
        sys.stdout.write("this is 1\n")
        sys.stderr.write("this is 1, wrong\n")

    def test_passed_2(self) -> None:
        sys.stdout.write(f"this is 2 {SECRET}\n")


class Marked(unittest.TestCase):
    """Print what marks its requests."""

    def test_passed(self) -> None:
        sys.stdout.write(f"{probe_headers()['X-Probe']}\n")


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    """Await."""

    async def asyncSetUp(self) -> None:
        self.ready = True

    async def test_passed(self) -> None:
        self.assertTrue(self.ready)

    async def test_failed(self) -> None:
        self.assertFalse(self.ready)


class Hanging(unittest.TestCase):
    """Have one probe that does not end, in the middle."""

    def test_1_passed(self) -> None: ...

    @timeout(0.3)
    def test_2_timed_out(self) -> None:
        while True:
            time.sleep(0.01)

    def test_3_passed(self) -> None: ...


class _TransactionTestCase(unittest.TestCase): ...


_TransactionTestCase.__module__ = "django.test.testcases"  # How such a class is known.


class Refused(_TransactionTestCase):
    """Be what would empty the live database."""

    ran = False

    @classmethod
    def setUpClass(cls) -> None:
        Refused.ran = True

    def test_errored(self) -> None:
        Refused.ran = True


CLASSES: Sequence[type[unittest.TestCase]] = (
    Outcomes,
    Cleanup,
    BrokenSetup,
    SkippedSetup,
    BrokenTeardown,
    Printing,
    Asynchronous,
    Refused,
)
"""All that come to their end by themselves. Each method is named for its outcome."""


def batches_of(*classes: type[unittest.TestCase]) -> list[Batch]:
    """Return the batches of a plan with all probes of some classes."""
    config = AppConfig("django_probe", django_probe)
    entries = []
    for case_class in classes:
        owner = ProbeClass(case_class, config)
        names = unittest.defaultTestLoader.getTestCaseNames(case_class)
        entries += [Planned(owner, name) for name in names]
    return make_batches(entries)
