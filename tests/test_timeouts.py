"""Probes that hang: told, stopped or given up, and the run ends on time."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import threading
import time
import unittest
from functools import partial
from itertools import count

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from in_process import run, run_module

from django_probe import timeout
from django_probe.deadline import Deadline
from django_probe.exceptions import ProbeTimeout
from django_probe.executors import thread_pool
from django_probe.executors.watch import Abandoned, Watch, bounded, overran

pytestmark = pytest.mark.ends

LIMIT = 0.2
GRACE = 0.4
"""Shorter than the real one, but for the tests of the whole command."""


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch):
    monkeypatch.setattr(thread_pool, "GRACE", GRACE)


@pytest.fixture
def released():
    """An event that is set at the end of the test: what hangs on it ends then."""
    event = threading.Event()
    yield event
    event.set()


# One that hangs, among others of its class.


def busy(probe):
    while True:
        pass


def sleep_in_c(probe):
    time.sleep(1.5)


def swallow(probe):
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            time.sleep(0.005)
        except BaseException:
            pass


def wait_for_lock(probe):
    probe.lock.wait()


def wait_for_queue(probe):
    queue.Queue().get(timeout=1.5)


def run_loop(probe):
    asyncio.run(asyncio.sleep(60))


def run_loop_of_django(probe):
    async_to_sync(asyncio.sleep)(1.5)


def subprocess_that_sleeps(probe):
    import subprocess

    subprocess.run(["sleep", "1.5"], check=True)


WAYS = [
    busy,
    sleep_in_c,
    swallow,
    wait_for_lock,
    wait_for_queue,
    run_loop,
    run_loop_of_django,
    subprocess_that_sleeps,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_probe_that_hangs_is_timed_out_and_the_others_of_its_class_run(way, released):
    class Probe(unittest.TestCase):
        lock = released

        def test_1(self):
            pass

        @timeout(LIMIT)
        def test_2_hangs(self):
            way(self)

        def test_3(self):
            print("still here")

    began = time.monotonic()
    told = run(Probe)
    assert time.monotonic() - began < LIMIT + GRACE + 0.5
    assert told.outcomes == {"test_1": "passed", "test_2_hangs": "timed_out", "test_3": "passed"}
    assert told.results["test_3"].stdout == "still here\n"
    result = told.results["test_2_hangs"]
    assert result.blocking
    assert LIMIT < result.duration < LIMIT + GRACE + 0.5
    assert result.error.exception_class_path == "Timeout"
    assert result.error.message == "took longer than its timeout of 0.2 s"
    stack = result.error.traceback
    assert stack.startswith("Where it was (most recent call last):\n")
    assert f"in {way.__name__}" in stack
    assert stack.index("in test_2_hangs") < stack.index(f"in {way.__name__}")
    assert "unittest/" not in stack
    assert "executors/" not in stack
    assert not told.fixtures


@pytest.mark.parametrize("place", ["setUp", "tearDown", "cleanup", "sub-test", "__init__"])
def test_it_may_hang_in_every_part_of_a_probe(place):
    class Probe(unittest.TestCase):
        def __init__(self, name):
            super().__init__(name)
            self.hang("__init__")

        def setUp(self):
            self.addCleanup(print, "cleaned up")
            self.addCleanup(self.hang, "cleanup")
            self.hang("setUp")

        def hang(self, here):
            while here == place:
                pass

        def tearDown(self):
            self.hang("tearDown")

        def test_1(self):
            with self.subTest(i=1):
                self.hang("sub-test")

    class Next(unittest.TestCase):
        def test_next(self):
            pass

    told = run(Probe, Next, timeout=LIMIT)
    assert told.outcomes == {"test_1": "timed_out", "test_next": "passed"}
    result = told.results["test_1"]
    assert "in hang" in result.error.traceback
    assert "while here == place" in result.error.traceback
    assert result.stdout == ("" if place == "__init__" else "cleaned up\n")
    in_cleanup = place in ("tearDown", "cleanup")
    assert [error.exception_class_path for error in result.cleanup_errors] == (
        ["Timeout"] * in_cleanup
    )


@pytest.mark.parametrize(
    "way", ["sleep", "sleep_in_thread", "sleep_in_orm_thread", "busy", "event", "shielded"]
)
def test_an_async_probe_that_hangs_is_told_by_the_stack_of_its_tasks(way, released):
    class Probe(unittest.IsolatedAsyncioTestCase):
        async def asyncTearDown(self):
            print("torn down")

        def setUp(self):
            self.addCleanup(print, "cleaned up")

        @timeout(LIMIT)
        async def test_1_hangs(self):
            await getattr(self, way)()

        async def sleep(self):
            try:
                await asyncio.sleep(60)
            finally:
                print("cancelled")

        async def sleep_in_thread(self):
            await asyncio.to_thread(released.wait, 1.5)

        async def sleep_in_orm_thread(self):
            await sync_to_async(released.wait)(1.5)

        async def busy(self):
            while True:
                pass

        async def event(self):
            await asyncio.Event().wait()

        async def shielded(self):
            await asyncio.shield(asyncio.ensure_future(asyncio.sleep(60)))

        async def test_2(self):
            await asyncio.sleep(0)

    began = time.monotonic()
    told = run(Probe)
    assert time.monotonic() - began < LIMIT + GRACE + 0.7
    assert told.outcomes == {"test_1_hangs": "timed_out", "test_2": "passed"}
    result = told.results["test_1_hangs"]
    assert "in test_1_hangs" in result.error.traceback
    assert f"in {way}" in result.error.traceback
    assert "getattr(self, way)()" in result.error.traceback
    assert "torn down\ncleaned up\n" in result.stdout
    assert ("cancelled" in result.stdout) == (way == "sleep")


def test_an_async_probe_that_lets_nothing_cancel_it_is_given_up(released):
    class Probe(unittest.IsolatedAsyncioTestCase):
        @timeout(LIMIT)
        async def test_1_hangs(self):
            while not released.is_set():
                try:
                    await asyncio.sleep(0.05)
                except BaseException:
                    pass

        async def test_2(self):
            pass

    told = run(Probe)
    assert told.outcomes == {"test_1_hangs": "timed_out", "test_2": "passed"}


def test_many_that_hang_in_one_class_each_cost_their_timeout_and_no_more():
    class Probe(unittest.TestCase):
        def hang(self):
            while True:
                time.sleep(0.001)

        test_1 = test_2 = test_4 = test_5 = hang

        def test_3(self):
            pass

    began = time.monotonic()
    told = run(Probe, timeout=LIMIT)
    assert time.monotonic() - began < 4 * (LIMIT + 0.3)
    assert list(told.outcomes.values()) == [
        *("timed_out", "timed_out", "passed", "timed_out", "timed_out")
    ]


def test_a_probe_that_is_given_up_leaves_its_class_to_another_worker(released):
    calls = []

    class Probe(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            calls.append("up")

        @classmethod
        def tearDownClass(cls):
            calls.append("down")

        def test_1(self):
            with self.subTest(page="cart"):
                self.fail("empty")
            print("before it hangs")
            released.wait()
            print("never told")

        def test_2(self):
            pass

    told = run(Probe, timeout=LIMIT)
    assert told.outcomes == {"test_1": "timed_out", "test_2": "passed"}
    assert calls == ["up", "up", "down"]
    result = told.results["test_1"]
    assert result.stdout == "before it hangs\n"
    assert [subtest.outcome.value for subtest in result.subtests] == (
        ["failed"] if result.subtests else []  # Python 3.10 tells sub-tests at the end.
    )
    (abandoned,) = told.fixtures.values()
    assert abandoned.fixture.endswith("Probe.tearDownClass")
    assert "did not run" in abandoned.error.message
    assert result.probe.label in abandoned.error.message


def test_a_module_whose_probe_is_given_up_is_set_up_again_for_its_rest(released):
    from in_process import CALLS

    CALLS.clear()
    CALLS.append(released)
    told = run_module(
        """
        import unittest
        from in_process import CALLS
        def setUpModule():
            CALLS.append("up")
            unittest.addModuleCleanup(CALLS.append, "cleaned")
        def tearDownModule():
            CALLS.append("down")
        class Probe(unittest.TestCase):
            def test_1(self):
                CALLS[0].wait()
            def test_2(self):
                pass
        """,
        timeout=LIMIT,
    )
    assert told.outcomes == {"test_1": "timed_out", "test_2": "passed"}
    assert CALLS[1:] == ["up", "up", "down", "cleaned"]
    assert [event.error.message.startswith("did not run") for event in told.fixtures.values()] == [
        True
    ]


@pytest.mark.parametrize("fixture", ["setUpClass", "tearDownClass"])
def test_a_class_fixture_that_is_given_up_is_told_and_not_tried_again(fixture, released):
    calls = []

    class Probe(unittest.TestCase):
        @classmethod
        def hang(cls, here):
            calls.append(here)
            if here == fixture:
                released.wait()

        @classmethod
        def setUpClass(cls):
            cls.hang("setUpClass")

        @classmethod
        def tearDownClass(cls):
            cls.hang("tearDownClass")

        def test_1(self):
            pass

        def test_2(self):
            pass

    class Next(unittest.TestCase):
        def test_next(self):
            pass

    told = run(Probe, Next, timeout=LIMIT)
    assert told.outcomes["test_next"] == "passed"
    if fixture == "setUpClass":
        assert told.outcomes["test_1"] == told.outcomes["test_2"] == "timed_out"
        assert calls == ["setUpClass"]
        assert "as told at" in told.results["test_2"].error.message
        assert not told.fixtures
    else:
        assert told.outcomes["test_1"] == told.outcomes["test_2"] == "passed"
        assert calls == ["setUpClass", "tearDownClass"]
        assert told.fixtures["Probe.tearDownClass"].error.exception_class_path == "Timeout"


def test_a_description_that_hangs_or_fails_is_the_error_of_its_probe():
    class Hangs(unittest.TestCase):
        def shortDescription(self):
            while True:
                pass

        def test_hangs(self):
            pass

    class Fails(unittest.TestCase):
        def shortDescription(self):
            raise KeyboardInterrupt

        def test_fails(self):
            pass

    class Next(unittest.TestCase):
        def test_next(self):
            pass

    told = run(Hangs, Fails, Next, timeout=LIMIT)
    assert told.outcomes == {
        "test_hangs": "timed_out",
        "test_fails": "errored",
        "test_next": "passed",
    }


def test_one_that_ends_a_moment_too_late_is_timed_out_all_the_same():
    class Probe(unittest.TestCase):
        @timeout(0.001)
        def test_late(self):
            end = time.perf_counter() + 0.003
            while time.perf_counter() < end:
                pass

    for _ in range(20):
        assert run(Probe).outcomes == {"test_late": "timed_out"}


def test_what_comes_back_late_is_dropped(released):
    came_back = threading.Event()

    class Probe(unittest.TestCase):
        @timeout(LIMIT)
        def test_1(self):
            try:
                released.wait()
                self.fail("told too late")
            finally:
                came_back.set()

        def test_2(self):
            released.set()
            came_back.wait(5)
            print("alone")

    told = run(Probe)
    assert told.outcomes == {"test_1": "timed_out", "test_2": "passed"}
    assert told.results["test_2"].stdout == "alone\n"
    assert "told too late" not in told.results["test_1"].error.traceback


def test_an_interrupt_leaves_no_lock_of_logging_taken():
    """One that came between taking the lock and the ``try`` after it would stop every logger."""
    log = logging.getLogger("busy")
    log.propagate = False
    log.addHandler(logging.StreamHandler(open("/dev/null", "w")))  # noqa: SIM115

    class Probe(unittest.TestCase):
        def hang(self):
            while True:
                log.warning("again")

    for number in range(30):
        setattr(Probe, f"test_{number:02}", Probe.hang)
    told = run(Probe, timeout=0.02)
    assert set(told.outcomes.values()) == {"timed_out"}
    (handler,) = log.handlers
    assert handler.lock.acquire(timeout=1)
    handler.lock.release()
    log.removeHandler(handler)
    handler.stream.close()


# The end of a run.


@pytest.mark.parametrize("workers", [1, 4])
def test_at_the_deadline_every_probe_has_a_result(workers, released):
    class Stops(unittest.TestCase):
        def test_1(self):
            while True:
                time.sleep(0.001)

        def test_2(self):
            pass

    class Hangs(unittest.TestCase):
        def test_3(self):
            released.wait()

    class Swallows(unittest.TestCase):
        def test_4(self):
            swallow(self)

        def test_5(self):
            swallow(self)

    began = time.monotonic()
    told = run(Stops, Hangs, Swallows, max_workers=workers, deadline=Deadline(0.3))
    assert time.monotonic() - began < 0.3 + 1
    expected = {
        1: ["timed_out", "not_run", "not_run", "not_run", "not_run"],
        4: ["timed_out", "passed", "timed_out", "timed_out", "timed_out"],
    }
    assert [told.outcomes[name] for name in sorted(told.outcomes)] == expected[workers]
    for result in told.results.values():
        text = result.error.message if result.error else result.reason
        assert result.outcome == "passed" or text == "the run's deadline of 0.3 s has passed"


# An interrupt may land in a callback of the garbage collector (hypothesis has one), where nothing
# can be raised: Python says so, and pytest makes it a warning.
ANYWHERE = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@ANYWHERE
def test_the_deadline_in_the_middle_of_quick_probes_loses_and_doubles_no_result(monkeypatch):
    monkeypatch.setattr(thread_pool, "LAST_GRACE", 0.0)

    class Shares(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            pass

    class Alone(unittest.TestCase):
        pass

    def quick(self):
        sum(range(200))

    for number in range(200):
        setattr(Shares, f"test_shares_{number:03}", quick)
        setattr(Alone, f"test_alone_{number:03}", quick)
    for number in range(30):  # It counts the results each time.
        told = run(Shares, Alone, max_workers=4, deadline=Deadline(0.002 * number + 0.001))
        assert len(told.results) == 400


def test_an_interrupt_ends_what_runs_and_says_so(released):
    deadline = Deadline()

    class Probe(unittest.TestCase):
        def test_1(self):
            deadline.expire("interrupted (SIGINT)", signal=2)
            released.wait()

        def test_2(self):
            pass

    began = time.monotonic()
    told = run(Probe, deadline=deadline)
    assert time.monotonic() - began < 1
    assert told.outcomes == {"test_1": "not_run", "test_2": "not_run"}
    assert told.results["test_1"].reason == "interrupted (SIGINT) while it ran"
    assert told.results["test_2"].reason == "interrupted (SIGINT)"


def test_teardowns_are_run_at_the_deadline_within_the_grace():
    calls = []

    class Probe(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            calls.append("tearDownClass")

        def tearDown(self):
            calls.append("tearDown")

        def test_1(self):
            while True:
                time.sleep(0.001)

    run(Probe, deadline=Deadline(0.2))
    assert calls == ["tearDown", "tearDownClass"]


def test_failfast_counts_a_probe_that_was_given_up(released):
    class Probe(unittest.TestCase):
        def test_1(self):
            released.wait()

        def test_2(self):
            pass

    told = run(Probe, timeout=LIMIT, failfast=True)
    assert told.outcomes == {"test_1": "timed_out", "test_2": "not_run"}
    assert "--failfast" in told.results["test_2"].reason


# The whole command.

HANGING = """
    import threading, time, unittest
    from django_probe import timeout

    @timeout(0.3)
    class Hangs(unittest.TestCase):
        def test_lock(self):
            threading.Event().wait()
        def test_lock_too(self):
            threading.Event().wait()
        def test_next(self):
            pass
        def test_swallows(self):
            while True:
                try:
                    time.sleep(0.01)
                except BaseException:
                    pass

    class Leaves(unittest.TestCase):
        def test_thread(self):
            for name in ("never-ending", "endless"):
                threading.Thread(target=threading.Event().wait, name=name).start()
"""


def _start_of(project):
    """Return how long a process takes here and now that runs no probe, in seconds."""
    began = time.monotonic()
    project.probe("--list")
    return time.monotonic() - began


def test_the_process_ends_though_probes_and_threads_still_hang(make_project):
    project = make_project({"shop/probes.py": HANGING})
    start = _start_of(project)
    began = time.monotonic()
    done = project.probe("--format", "json", "--report", "junit=report.xml")
    assert time.monotonic() - began < 3 * start + 3 * 1.35 + 1
    report = json.loads(done.stdout)
    outcomes = {r["label"].rpartition(".")[2]: r["outcome"] for r in report["results"]}
    assert outcomes == {
        "test_lock": "timed_out",
        "test_lock_too": "timed_out",
        "test_next": "passed",
        "test_swallows": "timed_out",
        "test_thread": "passed",
    }
    assert done.returncode == 1
    assert (project.folder / "report.xml").read_text().rstrip().endswith("</testsuites>")
    assert "Left without waiting for what still runs: shop.Hangs.test_lock" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_process_ends_though_a_probe_has_started_threads_that_do_not(make_project):
    project = make_project({"shop/probes.py": HANGING})
    start = _start_of(project)
    began = time.monotonic()
    done = project.probe("shop.Leaves", "--format", "json")
    assert time.monotonic() - began < 3 * start + 2
    assert json.loads(done.stdout)["ok"]
    assert done.returncode == 0


def test_a_deadline_ends_the_process_within_a_second(make_project):
    project = make_project({"shop/probes.py": HANGING.replace("@timeout(0.3)", "")})
    start = _start_of(project)
    began = time.monotonic()
    done = project.probe(
        "--format", "json", "--deadline", "1", "--parallel", "2", "--executor", "threads"
    )
    assert time.monotonic() - began < 3 * start + 1 + 1
    outcomes = [result["outcome"] for result in json.loads(done.stdout)["results"]]
    assert sorted(outcomes) == ["not_run", "not_run", "not_run", "timed_out", "timed_out"]
    assert done.returncode == 1


# The race between the end of a step and its interrupt.


class AboutTheEnd(unittest.TestCase):
    """Probes that end about when they are stopped, and others in between."""

    def about(self):
        end = time.perf_counter() + 0.0205
        while time.perf_counter() < end:
            pass

    def quick(self):
        sum(range(1000))


for _number in range(150):
    setattr(AboutTheEnd, f"test_{_number:03}_about", AboutTheEnd.about)
    setattr(AboutTheEnd, f"test_{_number:03}_quick", AboutTheEnd.quick)


@pytest.mark.parametrize("grace", [GRACE, 0.001], ids=["interrupted", "given up"])
@ANYWHERE
def test_probes_that_end_about_when_they_are_stopped_never_hit_the_next_one(grace, monkeypatch):
    monkeypatch.setattr(thread_pool, "GRACE", grace)
    told = run(AboutTheEnd, timeout=0.02, max_workers=4)  # It counts the results.
    by_way: dict[str, set[str]] = {}
    for name, outcome in told.outcomes.items():
        by_way.setdefault(name.rpartition("_")[2], set()).add(outcome)
    assert by_way["quick"] <= {"passed", "timed_out"}
    assert by_way["about"] == {"timed_out"}
    strays = [
        result
        for result in told.results.values()
        if result.outcome == "timed_out" and result.duration < 0.02
    ]
    assert not strays
    assert not told.fixtures


def test_an_interrupt_about_the_end_of_a_step_stays_within_it():
    """One thread steps, another interrupts whatever it sees: each is told to the right step."""
    watch, stop = Watch(), threading.Event()
    told, quiet = [], 0

    def interrupt():
        while not stop.is_set():
            step = watch.step
            if step is not None:
                watch.interrupt(step, overran(step[1]))
            time.sleep(0)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        for number in count():
            if min(quiet, len(told)) > 1000:
                break
            step = partial(time.sleep, 0 if number % 10 else 1e-6)
            verdict, _ = bounded(watch, number, step)
            assert watch.step is None
            quiet += verdict is None
            if verdict is not None:
                told.append((number, verdict.error.message))
    finally:
        stop.set()
        thread.join()
    assert all(text == f"took longer than its timeout of {n:g} s" for n, text in told)


def test_a_step_that_was_seen_is_not_taken_for_the_next():
    watch = Watch()
    watch.begin(time.monotonic(), 0.0)
    seen = watch.overdue(time.monotonic() + 1)
    assert watch.end() is None
    watch.begin(time.monotonic(), 0.0)
    assert watch.interrupt(seen, overran(0.0)) is False
    assert watch.end() is None


def test_an_interrupted_step_is_told_once_and_unresponsive_after_the_grace():
    watch = Watch()

    def step():
        now = time.monotonic()
        seen = watch.overdue(now + 1)
        with pytest.raises(ProbeTimeout):
            watch.interrupt(seen, overran(0.0))
            for _ in range(1000):
                pass
        assert watch.overdue(now + 1) is None
        assert watch.interrupt(seen, overran(0.0)) is False
        assert watch.unresponsive(time.monotonic(), 60) is None
        assert watch.unresponsive(time.monotonic() + 61, 60) is seen

    verdict, _ = bounded(watch, 0.0, step)
    assert verdict.outcome == "timed_out"


def test_a_worker_that_was_given_up_is_unwound_at_the_end_of_its_step():
    watch = Watch()
    with pytest.raises(Abandoned):
        bounded(watch, 1.0, watch.abandon)
    with pytest.raises(Abandoned):
        bounded(watch, 1.0, lambda: None)


def test_a_worker_is_not_given_up_for_a_step_that_is_over():
    watch = Watch()
    watch.begin(time.monotonic(), 0.0)
    seen = watch.step
    watch.end()
    watch.begin(time.monotonic(), 0.0)
    assert not watch.abandon_at(seen)
    assert not watch.abandon_at(None)
    assert watch.end() is None
    assert watch.abandon_at(None)
