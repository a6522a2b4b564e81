"""The executor ``threads``: its contract, and what only it does."""

from __future__ import annotations

import os
import threading
import time
import unittest
import warnings

import pytest
from in_process import Told, batches_of, run, run_module

from django_probe import serial
from django_probe.deadline import Deadline
from django_probe.events import ProbeFinished, ProbeStarted
from django_probe.exceptions import ConfigurationError
from django_probe.executors import thread_pool
from django_probe.executors.threads import ThreadsExecutor
from django_probe.run_config import RunConfig
from django_probe.testing import ExecutorContract


class TestThreadsContract(ExecutorContract, unittest.TestCase):
    """``ThreadsExecutor`` keeps what every executor has to keep."""

    def make_executor(self, config, **options):
        return ThreadsExecutor(config, **options)


class Crowd:
    """Count how many are in the middle of something at once."""

    def __init__(self):
        self._lock = threading.Lock()
        self._now = {}
        self.greatest = {}
        self.together = set()

    def enter(self, who, seconds=0.02):
        with self._lock:
            self._now[who] = self._now.get(who, 0) + 1
            everybody = {name for name, count in self._now.items() if count}
            self.greatest[who] = max(self.greatest.get(who, 0), self._now[who])
            self.together |= {(a, b) for a in everybody for b in everybody if a < b}
        time.sleep(seconds)
        with self._lock:
            self._now[who] -= 1


@pytest.fixture
def crowd():
    return Crowd()


def probe_class(crowd, name, count, *marks, **attributes):
    def ask(self):
        crowd.enter(name)

    methods = {f"test_{name}_{number}": ask for number in range(count)}
    made = type(name, (unittest.TestCase,), {"__module__": __name__, **methods, **attributes})
    for mark in marks:
        made = mark(made)
    return made


def fixture(cls):
    pass


# Several at once.


def test_probes_without_fixtures_run_apart_and_those_with_a_fixture_together(crowd):
    free = probe_class(crowd, "free", 12)
    shared = probe_class(crowd, "shared", 5, setUpClass=classmethod(fixture))
    told = run(free, shared, max_workers=4)
    assert set(told.outcomes.values()) == {"passed"}
    assert crowd.greatest["free"] > 1
    assert crowd.greatest["shared"] == 1
    workers = {name: result.worker for name, result in told.results.items()}
    assert len({worker for name, worker in workers.items() if "free" in name}) > 1
    assert len({worker for name, worker in workers.items() if "shared" in name}) == 1


def test_there_are_never_more_at_once_than_workers(crowd):
    run(*(probe_class(crowd, "one", 20) for _ in range(2)), max_workers=3)
    assert crowd.greatest["one"] == 3


def test_a_serial_probe_runs_while_no_other_does(crowd):
    free = probe_class(crowd, "free", 8)
    alone = probe_class(crowd, "alone", 3, serial)
    also = probe_class(crowd, "also", 2, serial, tearDownClass=classmethod(fixture))

    class Mixed(unittest.TestCase):
        def test_mixed_1(self):
            crowd.enter("free")

        @serial
        def test_mixed_2(self):
            crowd.enter("alone")

    run(alone, free, Mixed, also, max_workers=4)
    assert crowd.greatest.pop("free") > 1
    assert crowd.greatest == {"alone": 1, "also": 1}
    assert not crowd.together


def test_modules_with_fixtures_run_one_at_a_time_beside_nothing_of_each_other():
    source = """
        import unittest, time
        from in_process import CALLS
        def setUpModule():
            CALLS.append("up")
            unittest.addModuleCleanup(CALLS.append, "cleaned")
        class One(unittest.TestCase):
            def test_1(self): time.sleep(0.02)
            def test_2(self): time.sleep(0.02)
        class Two(unittest.TestCase):
            def test_3(self): time.sleep(0.02)
    """
    from in_process import CALLS, module_of

    CALLS.clear()
    with module_of(source, "module_a") as first, module_of(source, "module_b") as second:
        run(*first, *second, max_workers=4)
    assert CALLS == ["up", "cleaned", "up", "cleaned"]


def test_the_time_of_many_waiting_probes_is_shared_among_the_workers():
    def wait(self):
        time.sleep(0.1)

    Waits = type("Waits", (unittest.TestCase,), {f"test_{n:02}": wait for n in range(32)})
    began = time.monotonic()
    run(Waits, max_workers=16)
    assert time.monotonic() - began < 2.5  # One after the other they take 3.2.


def test_with_failfast_and_several_workers_nothing_starts_after_the_first_that_blocks():
    class Probe(unittest.TestCase):
        def ask(self):
            time.sleep(0.002)
            if self._testMethodName == "test_020":
                self.fail("the first")

    for number in range(200):
        setattr(Probe, f"test_{number:03}", Probe.ask)
    for workers in (1, 4):
        told = run(Probe, max_workers=workers, failfast=True)
        blocked = False
        for event in told.events:
            assert not (blocked and isinstance(event, ProbeStarted))
            blocked = blocked or (isinstance(event, ProbeFinished) and event.result.blocking)
        outcomes = list(told.outcomes.values())
        assert outcomes.count("failed") == 1
        ran = 200 - outcomes.count("not_run")
        assert ran == 21 if workers == 1 else 21 <= ran < 200
        not_run = [r for r in told.results.values() if r.outcome == "not_run"]
        assert {result.reason for result in not_run} == {"--failfast: a probe before it failed"}


def test_failfast_stops_for_a_fixture_that_fails():
    class First(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            raise ValueError

        def test_1(self):
            pass

    class Second(unittest.TestCase):
        def test_2(self):
            pass

    told = run(First, Second, failfast=True)
    assert told.outcomes == {"test_1": "passed", "test_2": "not_run"}
    assert told.results["test_2"].reason == "--failfast: a fixture before it failed"


def test_a_teardown_still_runs_after_failfast():
    calls = []

    class Probe(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            calls.append("tearDownClass")

        def test_1(self):
            self.fail("no")

        def test_2(self):
            pass

    assert run(Probe, failfast=True).outcomes == {"test_1": "failed", "test_2": "not_run"}
    assert calls == ["tearDownClass"]


# Whatever goes wrong in the machinery itself.


def test_a_plan_whose_entries_break_the_machinery_still_has_all_its_results(monkeypatch):
    class Probe(unittest.TestCase):
        def test_1(self):
            pass

        def test_2(self):
            pass

        def test_3(self):
            pass

    for raised in (ValueError("broken"), SystemExit("broken"), KeyboardInterrupt("broken")):
        batches = batches_of(Probe)
        entry = batches[0].entries[1]
        monkeypatch.setattr(
            type(entry), "describe", breaking(type(entry).describe, entry, raised), raising=True
        )
        told = run(batches=batches)
        monkeypatch.undo()
        assert told.outcomes == {"test_1": "passed", "test_2": "errored", "test_3": "passed"}
        assert told.results["test_2"].error.message == "broken"


def breaking(original, entry, raised):
    def describe(self, default_timeout=None):
        if self is entry:
            raise raised
        return original(self, default_timeout)

    return describe


def test_a_worker_that_dies_in_the_middle_of_a_probe_is_told(monkeypatch):
    from django_probe.executors import batch_run

    class Probe(unittest.TestCase):
        def test_1(self):
            pass

        def test_2(self):
            pass

    def die(*args):
        raise SystemExit("the machinery itself")

    from django_probe.executors.ledger import Ledger

    monkeypatch.setattr(batch_run, "call", die)
    monkeypatch.setattr(Ledger, "broke", die)
    monkeypatch.setattr(threading, "excepthook", lambda *args: None)
    told = run(Probe)
    assert told.outcomes == {"test_1": "timed_out", "test_2": "timed_out"}


def test_a_worker_without_a_sign_of_life_is_given_up(monkeypatch):
    """It hangs where no probe is: our own code must not hold up a run either."""
    from django_probe.executors import batch_run

    over = threading.Event()
    original = batch_run.BatchRun._describe

    def hang_once(self, planned):
        if planned.method == "test_2" and not over.is_set():
            over.wait(5)
        return original(self, planned)

    class Probe(unittest.TestCase):
        def test_1(self):
            pass

        def test_2(self):
            pass

        def test_3(self):
            pass

    monkeypatch.setattr(batch_run.BatchRun, "_describe", hang_once)
    monkeypatch.setattr(thread_pool, "SILENCE", 0.5)
    try:
        told = run(Probe)
    finally:
        over.set()
    assert told.outcomes == {"test_1": "passed", "test_2": "timed_out", "test_3": "passed"}
    assert "no sign of life" in told.results["test_2"].error.message


def test_a_slow_consumer_does_not_make_a_healthy_worker_look_lost(monkeypatch):
    monkeypatch.setattr(thread_pool, "SILENCE", 0.2)

    class Probe(unittest.TestCase):
        pass

    for number in range(1500):
        setattr(Probe, f"test_{number:04}", lambda self: None)
    finished = 0
    for event in ThreadsExecutor().execute(batches_of(Probe), "default", Deadline()):
        finished += isinstance(event, ProbeFinished)
        assert not isinstance(event, ProbeFinished) or event.result.outcome == "passed"
        time.sleep(0.0005)
    assert finished == 1500


def test_an_execution_that_nobody_reads_to_the_end_stops_and_gives_all_back():
    import sys

    streams = sys.stdout, sys.stderr
    ran = []

    class Probe(unittest.TestCase):
        def ask(self):
            ran.append(1)
            time.sleep(0.005)

    for number in range(300):
        setattr(Probe, f"test_{number:03}", Probe.ask)
    events = ThreadsExecutor().execute(batches_of(Probe), "default", Deadline())
    next(events)
    events.close()
    assert (sys.stdout, sys.stderr) == streams
    for thread in threading.enumerate():
        if thread.name.startswith("probe-worker"):
            thread.join(5)
            assert not thread.is_alive()
    assert len(ran) < 300


def test_one_executor_can_run_plan_after_plan():
    class Probe(unittest.TestCase):
        def test_1(self):
            pass

    executor = ThreadsExecutor(max_workers=2)
    for _ in range(3):
        told = Told(list(executor.execute(batches_of(Probe), "default", Deadline())))
        assert told.outcomes == {"test_1": "passed"}
    assert executor.left_behind == ()
    assert list(executor.execute([], "default", Deadline())) == []


def test_what_is_left_behind_is_named():
    over = threading.Event()

    class Probe(unittest.TestCase):
        def test_hangs(self):
            over.wait()

        def test_pool(self):
            from concurrent.futures import ThreadPoolExecutor

            pool = ThreadPoolExecutor(thread_name_prefix="pool-of-probe")
            pool.submit(over.wait)
            Probe.idle = ThreadPoolExecutor(thread_name_prefix="idle")
            Probe.idle.submit(int).result()

    executor = ThreadsExecutor(RunConfig(timeout=0.2))
    list(executor.execute(batches_of(Probe), "default", Deadline()))
    try:
        hanging, pool = executor.left_behind
        assert hanging.endswith("Probe.test_hangs")
        assert pool.startswith("pool-of-probe")
    finally:
        over.set()
        Probe.idle.shutdown()
    while executor.left_behind:
        time.sleep(0.01)


def test_a_number_of_workers_that_is_none_is_refused():
    for wrong in (0, -1, 1.5, "4", True, None):
        with pytest.raises(ConfigurationError, match="expected a whole number from 1 on"):
            ThreadsExecutor(max_workers=wrong)


def test_async_probes_see_the_context_of_their_worker():
    told = run_module(
        """
        import asyncio, unittest
        from django_probe.capture import current_sink

        class Probe(unittest.IsolatedAsyncioTestCase):
            def setUp(self):
                self.sink = current_sink.get()
            async def test_1(self):
                assert current_sink.get() is self.sink is not None
                print("one")
            async def test_2(self):
                assert current_sink.get() is self.sink is not None
                print("two")
        """
    )
    assert [result.stdout for result in told.results.values()] == ["one\n", "two\n"]


def test_a_probe_that_would_end_the_process_errs_and_its_children_may_leave():
    leave = os._exit

    class Probe(unittest.TestCase):
        def test_1_leaves(self):
            os._exit(0)

        def test_2_forks(self):
            child = os.fork()
            if not child:
                os._exit(7)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)

        def test_3(self):
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # A fork beside threads.
        told = run(Probe)
    assert told.outcomes == {
        "test_1_leaves": "errored",
        "test_2_forks": "passed",
        "test_3": "passed",
    }
    error = told.results["test_1_leaves"].error
    assert error.exception_class_path == "SystemExit"
    assert error.message == "os._exit(0) would have ended the whole run"
    assert os._exit is leave
