"""Retries: a probe that fails is tried again, and what passed after a failure is flaky."""

from __future__ import annotations

import json
import random
import unittest

import pytest
from in_process import batches_of
from support import Project
from zygote import Quick

from django_probe import retrying
from django_probe.deadline import Deadline
from django_probe.events import ProbeFinished
from django_probe.executors.threads import ThreadsExecutor
from django_probe.policy import is_tried_again
from django_probe.results import Outcome, Probe, Retry
from django_probe.run_config import RunConfig

pytestmark = pytest.mark.ends

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        from django_probe import retry, severity, quarantine

        def times(name):
            with Path(f"{name}.txt").open("a") as stream:
                stream.write("x")
            return Path(f"{name}.txt").stat().st_size

        class Flaky(unittest.TestCase):
            def test_passes_at_the_second_try(self):
                print("try", times("second"))
                if times("second") < 4:
                    raise ConnectionResetError("dropped")

            def test_never_passes(self):
                times("never")
                self.fail("always")

            @unittest.expectedFailure
            def test_expected(self):
                times("expected")
                self.fail("known")

            @unittest.expectedFailure
            def test_unexpected(self):
                times("unexpected")

            @unittest.skip("not here")
            def test_skipped(self): ...

        class Marked(unittest.TestCase):
            @retry(times=2, delay=0, only_on=(ConnectionError,))
            def test_subclass_counts(self):
                if times("subclass") < 3:
                    raise ConnectionResetError("dropped")

            @retry(delay=0, only_on=ConnectionError)
            def test_other_is_final(self):
                times("other")
                raise ValueError("not the network")

            @retry(delay=0, only_on=ConnectionError)
            def test_one_of_two_is_other(self):
                times("two")
                self.addCleanup(self.fail, "left behind")
                raise ConnectionError("dropped")

            @retry(delay=0, only_on=ConnectionError)
            def test_sub_tests(self):
                with self.subTest(n=1):
                    if times("sub") < 2:
                        raise ConnectionError("dropped")

            @retry(times=0)
            def test_only_once(self):
                times("once")
                self.fail("must not be repeated")

        @retry(delay=0)
        class Fixture(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                if times("fixture") < 2:
                    raise ConnectionError("no broker")
            def test_1(self): ...
            def test_2(self): ...

        class Soft(unittest.TestCase):
            @severity("warning")
            @retry(delay=0)
            def test_warning(self):
                if times("warning") < 2:
                    self.fail("hm")
            @quarantine(owner="me", until="2999-01-01")
            @retry(delay=0)
            def test_quarantined(self):
                times("quarantined")
                self.fail("known")
    """,
}

RETRIED = ("--retries", "1", "--retry-delay", "0")


@pytest.fixture
def project(tmp_path):
    return Quick.make(tmp_path / "project", FILES)


def tries(project: Project, name: str) -> int:
    path = project.folder / f"{name}.txt"
    return len(path.read_text()) if path.exists() else 0


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_probe_that_passes_after_a_failure_is_flaky_and_keeps_every_error(project, workers):
    done = project.probe("shop.Flaky", "--format=json", "--parallel", workers, *RETRIED)
    report = json.loads(done.stdout)
    results = {result["label"].rpartition("_")[2]: result for result in report["results"]}
    again = results["try"]
    assert (again["outcome"], again["flaky"], again["blocking"]) == ("passed", True, False)
    (first,) = again["attempts"]
    assert first["outcome"] == "errored"
    assert first["error"]["exception_class_path"] == "ConnectionResetError"
    assert "dropped" in first["error"]["traceback"]
    assert (first["stdout"], again["stdout"]) == ("try 1\n", "try 3\n")
    never = results["passes"]
    assert (never["outcome"], never["flaky"], never["blocking"]) == ("failed", False, True)
    assert [attempt["outcome"] for attempt in never["attempts"]] == ["failed"]
    assert report["summary"]["flaky"] == 1
    assert done.returncode == 1


def test_what_no_further_try_would_change_is_asked_once(project):
    project.probe("shop.Flaky", *RETRIED)
    assert (tries(project, "expected"), tries(project, "unexpected")) == (1, 1)
    assert tries(project, "never") == 2


def test_only_on_counts_subclasses_and_wants_all_that_was_raised(project):
    results = project.results("shop.Marked", "shop.Fixture")
    told = {
        label.rpartition(".")[2]: (one["outcome"], len(one["attempts"]))
        for label, one in results.items()
    }
    assert told == {
        "test_subclass_counts": ("passed", 2),
        "test_other_is_final": ("errored", 0),
        "test_one_of_two_is_other": ("errored", 0),
        "test_sub_tests": ("passed", 1),
        "test_only_once": ("failed", 0),
        "test_1": ("passed", 1),
        "test_2": ("passed", 1),
    }


def test_a_mark_goes_before_the_option(project):
    project.probe("shop.Marked.test_only_once", "--retries", "3", "--retry-delay", "0")
    assert tries(project, "once") == 1


def test_fail_on_flaky_makes_it_block_in_every_format(project):
    label = "shop.Flaky.test_passes_at_the_second_try"
    done = project.probe(
        label, "--fail-on-flaky", "--format=tap", "--report=junit=r.xml", "--report=json=r.json",
        "--report=text=r.txt", *RETRIED,
    )  # fmt: skip
    assert done.returncode == 1
    assert "not ok 1 shop.probes.Flaky.test_passes_at_the_second_try\n" in done.stdout
    assert "message: 'flaky: passed at try 2; the first one: dropped'" in done.stdout
    xml = (project.folder / "r.xml").read_text()
    assert 'failures="1"' in xml
    assert '<failure type="Flaky" message="flaky: passed at try 2; the first one: dropped">' in xml
    assert "✗ FLAKY" in (project.folder / "r.txt").read_text()
    (result,) = json.loads((project.folder / "r.json").read_text())["results"]
    assert (result["outcome"], result["blocking"], result["flaky"]) == ("passed", True, True)


def test_without_it_a_flaky_probe_is_told_in_every_format(project):
    label = "shop.Flaky.test_passes_at_the_second_try"
    done = project.probe(label, "--format=tap", "--report=junit=r.xml", "--report=text=r.txt",
                         *RETRIED)  # fmt: skip
    assert done.returncode == 0
    assert "\nok 1 shop.probes.Flaky.test_passes_at_the_second_try\n  ---\n" in done.stdout
    assert "severity: comment" in done.stdout
    assert "Traceback" in done.stdout, "the first error, in full"
    xml = (project.folder / "r.xml").read_text()
    assert '<flakyFailure type="ConnectionResetError" message="dropped"><stackTrace>' in xml
    assert 'failures="0" errors="0"' in xml
    assert "2 tries; the first said dropped" in (project.folder / "r.txt").read_text()


def test_a_warning_and_a_quarantined_probe_are_tried_again_too(project):
    results = project.results("shop.Soft")
    assert results["shop.Soft.test_warning"]["flaky"] is True
    assert tries(project, "quarantined") == 2
    assert results["shop.Soft.test_quarantined"]["blocking"] is False


@pytest.mark.parametrize("workers", ["1", "2"])
def test_failfast_waits_for_the_last_try(make_project, workers):
    project = make_project(
        {
            "shop/probes.py": """
                import unittest
                from pathlib import Path
                class A(unittest.TestCase):
                    def test_1_flaky(self):
                        if not Path("seen.txt").exists():
                            Path("seen.txt").touch()
                            self.fail("once")
                class B(unittest.TestCase):
                    def test_2(self): ...
            """
        }
    )
    done = project.probe("--failfast", "--parallel", workers, "--format=json", *RETRIED)
    report = json.loads(done.stdout)
    assert [result["outcome"] for result in report["results"]] == ["passed", "passed"]
    assert done.returncode == 0


def test_failfast_tries_nothing_again_after_a_probe_that_blocks_for_good(make_project):
    project = make_project(
        {
            "shop/probes.py": """
                import unittest
                from django_probe import retry
                class A(unittest.TestCase):
                    def test_1_may_be_tried_again(self):
                        self.fail("first")
                    @retry(times=0)
                    def test_2_is_final(self):
                        self.fail("final")
                    def test_3(self): ...
            """
        }
    )
    report = json.loads(project.probe("--failfast", "--format=json", *RETRIED).stdout)
    told = [(one["outcome"], one["blocking"], one["attempts"]) for one in report["results"]]
    assert told == [("failed", True, []), ("failed", True, []), ("not_run", True, [])]


def test_a_delay_that_the_deadline_does_not_leave_is_not_begun(monkeypatch):
    class Probe(unittest.TestCase):
        def test_1(self):
            self.fail("each time")

    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    executor = ThreadsExecutor(RunConfig(retries=5, retry_delay=1000.0))
    deadline = Deadline(30)  # The longest delay is a minute.
    events = retrying.execute(executor, batches_of(Probe), "default", deadline)
    (result,) = [event.result for event in events if isinstance(event, ProbeFinished)]
    assert (result.outcome, result.blocking, result.attempts) == (Outcome.FAILED, True, ())
    assert not deadline.passed


def test_a_probe_that_hangs_is_tried_again(make_project):
    project = make_project(
        {
            "shop/probes.py": """
                import time, unittest
                from pathlib import Path
                from django_probe import retry, timeout
                class A(unittest.TestCase):
                    @retry(delay=0, only_on=TimeoutError)
                    @timeout(0.5)
                    def test_slow_at_first(self):
                        if not Path("seen.txt").exists():
                            Path("seen.txt").touch()
                            time.sleep(0.1)
                            while True:
                                time.sleep(0.01)
            """
        }
    )
    (result,) = project.results().values()
    assert (result["outcome"], result["flaky"]) == ("passed", True)
    assert [attempt["outcome"] for attempt in result["attempts"]] == ["timed_out"]


def test_each_probe_starts_and_finishes_once_in_the_wire(project):
    done = project.probe("shop", "--format=jsonl", "--retries=2", "--retry-delay=0")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    started = [e["probe"]["index"] for e in events if e["event"] == "probe_started"]
    finished = [e["result"]["index"] for e in events if e["event"] == "probe_finished"]
    assert sorted(finished) == list(range(events[0]["planned"]))
    assert sorted(started) == sorted(finished)
    assert not [e for e in events if "again" in e.get("result", {})]


class TestPolicy:
    """What is tried again, case by case."""

    @pytest.mark.parametrize("outcome", Outcome)
    def test_only_failures_errors_and_timeouts_are(self, outcome):
        config = RunConfig(retries=1)
        expected = outcome in (Outcome.FAILED, Outcome.ERRORED, Outcome.TIMED_OUT)
        probe = Probe(id="a", label="a")
        assert is_tried_again(config, probe, outcome, [("ValueError",)]) is expected

    def test_not_more_often_than_it_says(self):
        probe = Probe(id="a", label="a", retry=Retry(times=2))
        told = [
            is_tried_again(RunConfig(retries=9, tries=n), probe, Outcome.FAILED, [])
            for n in range(4)
        ]
        assert told == [True, True, False, False]

    def test_delays_double_and_stay_below_their_limit(self):
        from django_probe.retrying import LONGEST_DELAY, _jittered
        from django_probe.sample import sample_result

        held = [sample_result(1, "test_x", Outcome.FAILED)]
        random.seed(4)
        for tries in range(12):
            config = RunConfig(retries=20, retry_delay=0.5, tries=tries)
            bound = min(LONGEST_DELAY, 0.5 * 2**tries)
            drawn = [_jittered(config, held) for _ in range(50)]
            assert all(0 <= wait <= bound for wait in drawn)
            assert max(drawn) > bound / 2
