"""What becomes of probes in worker processes, one by one: those of a fork of this process."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest
from in_process import run_module

from django_probe.deadline import Deadline
from django_probe.events import ProbeFinished, ProbeStarted
from django_probe.exceptions import ConfigurationError
from django_probe.executors.processes import ProcessesExecutor

HEAD = "import ctypes, os, re, signal, subprocess, sys, threading, time, unittest\n"

forked = partial(ProcessesExecutor, start_method="fork")


def run(source, **options):
    return run_module(HEAD + textwrap.dedent(source), executor=forked, **options)


# A probe that takes its process with it.


def test_the_other_probes_of_a_class_run_in_a_new_worker_with_its_fixture_set_up_anew():
    told = run(
        """
        class Probe(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.process = os.getpid()
            def test_1(self): print(self.process)
            def test_2(self): os._exit(7)
            def test_3(self): print(self.process)
        """
    )
    assert told.outcomes == {"test_1": "passed", "test_2": "errored", "test_3": "passed"}
    assert told.results["test_1"].stdout != told.results["test_3"].stdout
    error = told.results["test_2"].error
    assert error.exception_class_path == "WorkerExited"
    assert error.message == "its process ended with exit status 7"
    fixture = told.fixtures["Probe.tearDownClass"]
    assert "was lost in probes_on_the_spot.Probe.test_2" in fixture.error.message
    assert "may be left behind" in fixture.error.message


def test_a_signal_that_kills_is_named_with_the_stack_where_it_hit():
    told = run(
        """
        def deref(): ctypes.string_at(0)
        class Probe(unittest.TestCase):
            def test_1(self): deref()
            def test_2(self): os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    first, second = told.results.values()
    assert first.error.message == "its process was killed by SIGSEGV (signal 11)"
    assert "in test_1\n" in first.error.traceback
    assert first.error.traceback.rindex("in deref") > first.error.traceback.rindex("in test_1")
    assert "case.py" not in first.error.traceback
    assert second.error.message == (
        "its process was killed by SIGKILL (signal 9): the system kills so when memory runs out"
    )


def test_what_a_probe_wrote_before_its_process_died_is_in_its_result():
    told = run(
        """
        class Probe(unittest.TestCase):
            def test_1(self):
                print("before", flush=True)
                subprocess.run(["sh", "-c", "echo from a child; echo wrong >&2"])
                threading.Thread(target=print, args=["from a thread"]).start()
                os.write(1, b"by descriptor\\n")
                os._exit(1)
        """
    )
    (result,) = told.results.values()
    assert result.stdout.splitlines()[:2] == ["before", "from a child"]
    assert "by descriptor" in result.stdout
    assert result.stderr == "wrong\n"


def test_a_crash_in_a_class_fixture_is_that_of_its_probes_and_is_not_tried_again():
    told = run(
        """
        class Probe(unittest.TestCase):
            @classmethod
            def setUpClass(cls): os._exit(5)
            def test_1(self): pass
            def test_2(self): pass
        class Other(unittest.TestCase):
            def test_3(self): pass
        """
    )
    assert told.outcomes == {"test_1": "errored", "test_2": "errored", "test_3": "passed"}
    assert told.results["test_1"].error.message == "its process ended with exit status 5"
    message = told.results["test_2"].error.message
    assert "setUpClass failed, as told at probes_on_the_spot.Probe.test_1" in message
    assert told.fixtures == {}


def test_a_crash_in_a_teardown_leaves_the_results_as_they_were():
    told = run(
        """
        class Probe(unittest.TestCase):
            @classmethod
            def tearDownClass(cls): os._exit(5)
            def test_1(self): pass
        class Other(unittest.TestCase):
            def test_2(self): pass
        """
    )
    assert told.outcomes == {"test_1": "passed", "test_2": "passed"}
    assert told.fixtures["Probe.tearDownClass"].error.message.endswith("exit status 5")


def test_failfast_counts_a_crash():
    told = run(
        """
        class Probe(unittest.TestCase):
            def test_1(self): os._exit(5)
            def test_2(self): pass
        """,
        failfast=True,
    )
    assert told.outcomes == {"test_1": "errored", "test_2": "not_run"}


# A probe that does not end.


def test_a_system_call_is_interrupted_and_teardown_runs(tmp_path):
    began = time.monotonic()
    told = run(
        f"""
        import queue, socket
        class Probe(unittest.TestCase):
            def tearDown(self):
                open({str(tmp_path)!r} + "/" + self._testMethodName, "w").close()
            def test_sleep(self): time.sleep(600)
            def test_socket(self):
                one, two = socket.socketpair()
                one.recv(1)
            def test_lock(self):
                lock = threading.Lock()
                lock.acquire()
                lock.acquire()
            def test_queue(self): queue.Queue().get()
            def test_child(self): subprocess.run(["sleep", "600"])
            def test_thread(self):
                thread = threading.Thread(target=time.sleep, args=[600], daemon=True)
                thread.start()
                thread.join()
        """,
        timeout=0.2,
    )
    assert set(told.outcomes.values()) == {"timed_out"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(told.outcomes)
    assert len({result.worker for result in told.results.values()}) == 1
    assert time.monotonic() - began < 60
    for name, result in told.results.items():
        assert f"in {name}\n" in result.error.traceback


def test_a_probe_that_swallows_the_interrupt_is_killed_and_named_with_its_stack():
    told = run(
        """
        def endless():
            while True:
                try:
                    time.sleep(600)
                except BaseException:
                    pass
        class Probe(unittest.TestCase):
            @classmethod
            def setUpClass(cls): pass
            def test_1(self): endless()
            def test_2(self): pass
        """,
        timeout=0.2,
    )
    assert told.outcomes == {"test_1": "timed_out", "test_2": "passed"}
    assert "in endless\n" in told.results["test_1"].error.traceback
    assert "hangs in" in told.fixtures["Probe.tearDownClass"].error.message


def test_a_probe_that_holds_the_interpreter_is_killed_and_named_with_its_stack():
    told = run(
        """
        def backtrack(): re.match("(a+)+$", "a" * 64 + "b")
        class Probe(unittest.TestCase):
            def test_1(self): pass
            def test_2(self): backtrack()
            def test_3(self): pass
            @classmethod
            def setUpClass(cls): pass
        """,
        timeout=0.5,
    )
    assert told.outcomes == {"test_1": "passed", "test_2": "timed_out", "test_3": "passed"}
    error = told.results["test_2"].error
    assert error.message == "took longer than its timeout of 0.5 s"
    assert "in backtrack\n" in error.traceback
    assert error.traceback.index("in test_2") < error.traceback.index("in backtrack")
    assert "hangs in" in told.fixtures["Probe.tearDownClass"].error.message


def test_a_fixture_that_holds_the_interpreter_is_killed_too():
    told = run(
        """
        class Probe(unittest.TestCase):
            @classmethod
            def setUpClass(cls): re.match("(a+)+$", "a" * 64 + "b")
            def test_1(self): pass
            def test_2(self): pass
        class Other(unittest.TestCase):
            def test_3(self): pass
            @classmethod
            def tearDownClass(cls): re.match("(a+)+$", "a" * 64 + "b")
        """,
        timeout=0.5,
    )
    assert told.outcomes == {"test_1": "timed_out", "test_2": "timed_out", "test_3": "passed"}
    assert "setUpClass" in told.results["test_1"].error.traceback
    assert "setUpClass failed, as told at" in told.results["test_2"].error.message
    assert told.fixtures["Other.tearDownClass"].error.exception_class_path == "Timeout"


def test_children_and_daemons_of_a_probe_end_with_its_worker(tmp_path):
    told = run(
        f"""
        def note(name):
            with open({str(tmp_path)!r} + "/" + name, "w") as stream:
                stream.write(str(os.getpid()))
        class Probe(unittest.TestCase):
            def test_1(self):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        note("daemon")
                        time.sleep(600)
                    os._exit(0)
                subprocess.Popen(["sh", "-c", "echo $$ > {tmp_path}/child; sleep 600"])
                while len(os.listdir({str(tmp_path)!r})) < 2:
                    time.sleep(0.01)
        """
    )
    assert told.outcomes == {"test_1": "passed"}
    wanted = ["child", "daemon"] if sys.platform == "linux" else ["child"]
    for name in wanted:
        process = int((tmp_path / name).read_text())
        until = time.monotonic() + 10
        while is_alive(process) and time.monotonic() < until:
            time.sleep(0.02)
        assert not is_alive(process), name


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not (stat.exists() and ") Z" in stat.read_text())


# What a worker hears and says.


def test_all_output_of_a_process_belongs_to_the_probe_that_runs_in_it(capfd):
    told = run(
        """
        import logging
        class Probe(unittest.TestCase):
            def test_1(self):
                print("one")
                subprocess.run(["sh", "-c", "echo two"])
                print("three")
                os.write(1, "vi\\u00e9r\\n".encode())
                print("\\ud800")
                thread = threading.Thread(target=print, args=["thread"])
                thread.start()
                thread.join()
                logging.getLogger("shop").warning("logged")
                ctypes.CDLL(None).write(2, b"from C\\n", 7)
            def test_2(self):
                print("mine")
        """
    )
    first, second = told.results.values()
    lines = first.stdout.splitlines()
    assert lines == ["one", "two", "three", "vi\u00e9r", "\ufffd", "thread"]
    assert first.stderr == "WARNING shop: logged\nfrom C\n"
    assert (second.stdout, second.stderr) == ("mine\n", "")
    assert capfd.readouterr() == ("", "")


def test_output_of_any_size_is_bounded_and_stops_nobody():
    told = run(
        """
        class Probe(unittest.TestCase):
            def test_1(self):
                subprocess.run([sys.executable, "-c", "print('x' * 79 + chr(10), end='' )\\n" * 1],
                               check=True)
                subprocess.run(["sh", "-c", "yes 0123456789 | head -c 3000000"], check=True)
                print("y" * 1_000_000)
                print("the end")
        """
    )
    (result,) = told.results.values()
    assert result.outcome == "passed"
    assert result.stdout.startswith("x" * 79)
    assert result.stdout.endswith("yyy\nthe end\n")
    assert len(result.stdout) < 70_000


def test_workers_do_not_end_by_signals_that_are_for_the_command():
    told = run(
        """
        class Probe(unittest.TestCase):
            def test_1(self):
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    os.kill(os.getpid(), number)
                child = subprocess.Popen(["sleep", "600"])
                child.send_signal(signal.SIGINT)
                self.assertEqual(child.wait(), -signal.SIGINT)
        """
    )
    assert told.outcomes == {"test_1": "passed"}


def test_a_probe_may_use_signals():
    told = run(
        """
        class Probe(unittest.TestCase):
            def test_1(self):
                got = []
                signal.signal(signal.SIGALRM, lambda *args: got.append(1))
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                time.sleep(0.1)
                self.assertEqual(got, [1])
        """
    )
    assert told.outcomes == {"test_1": "passed"}


def test_a_probe_that_meddles_with_the_socket_of_its_worker_costs_its_own_result():
    told = run(
        """
        import socket
        class Probe(unittest.TestCase):
            def test_1(self):
                for number in range(3, 256):
                    try:
                        socket.socket(fileno=os.dup(number)).send(b"hello\\n=[1, 2\\n")
                    except OSError:
                        pass
            def test_2(self): pass
        """
    )
    assert told.outcomes["test_1"] == "errored"
    assert told.outcomes["test_2"] == "passed"


def test_a_probe_that_closes_all_descriptors_costs_its_own_result():
    told = run(
        """
        class Probe(unittest.TestCase):
            def test_1(self): os.closerange(0, 256)
            def test_2(self): pass
        """
    )
    assert told.outcomes == {"test_1": "errored", "test_2": "passed"}


def test_streams_that_a_probe_has_closed_are_there_again_for_the_next(tmp_path):
    told = run(
        f"""
        class Probe(unittest.TestCase):
            def test_1_closes(self):
                os.close(1)
                os.close(2)
                self.stream = os.open({str(tmp_path / "data")!r}, os.O_CREAT | os.O_WRONLY)
            def test_2(self):
                subprocess.run(["sh", "-c", "echo child"])
                print("probe")
        """
    )
    assert told.outcomes == {"test_1_closes": "passed", "test_2": "passed"}
    assert told.results["test_2"].stdout == "child\nprobe\n"
    assert (tmp_path / "data").read_bytes() == b""


def test_quick_probes_are_spread_and_none_is_lost():
    told = run(
        """
        class Probe(unittest.TestCase): pass
        for number in range(2000):
            setattr(Probe, f"test_{number:04}", lambda self: None)
        """,
        max_workers=4,
    )
    assert set(told.outcomes.values()) == {"passed"}
    assert len(told.outcomes) == 2000
    open_now = set()
    for event in told.events:
        if isinstance(event, ProbeStarted):
            open_now.add(event.probe.index)
        else:
            assert isinstance(event, ProbeFinished)
            open_now.remove(event.result.probe.index)


def test_the_workers_of_an_execution_that_nobody_reads_to_the_end_are_gone(monkeypatch):
    from django_probe.contract_probes import Outcomes, batches_of
    from django_probe.executors.process.starting import Starter

    started, hear = [], Starter._hear

    def noting(self, what, number, value):
        if what == "started":
            started.append(value)
        hear(self, what, number, value)

    monkeypatch.setattr(Starter, "_hear", noting)
    executor = forked(max_workers=3)
    events = executor.execute(batches_of(Outcomes), "default", Deadline())
    next(events)
    events.close()
    assert started
    assert not any(map(is_alive, started))


# The start.


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(
        ConfigurationError, match="'thread', expected one of fork, forkserver, spaw"
    ):
        ProcessesExecutor(start_method="thread")


def test_settings_without_a_module_need_a_fork(monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    with pytest.raises(ConfigurationError, match="'spawn' needs DJANGO_SETTINGS_MODULE"):
        ProcessesExecutor(start_method="spawn")
    assert ProcessesExecutor()._method == "fork"


@pytest.mark.parametrize(("platform", "method"), [("linux", "forkserver"), ("darwin", "spawn")])
def test_the_default_is_what_is_safe_there(monkeypatch, platform, method):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "worker_settings")
    monkeypatch.setattr(sys, "platform", platform)
    assert ProcessesExecutor()._method == method


def test_where_processes_cannot_fork_there_are_threads(monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(ConfigurationError, match=r"does not work on .*: use --executor threads"):
        ProcessesExecutor()
