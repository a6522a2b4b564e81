"""Rounds: ask again what is not ok, and all of it until it stays ok."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import replace

import pytest
from support import Project
from zygote import Quick

from django_probe.deadline import Deadline
from django_probe.events import (
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunStarted,
    TargetFailed,
)
from django_probe.results import ErrorDetail, Outcome
from django_probe.rounds import asked
from django_probe.rules import Rules
from django_probe.sample import ERROR, START, sample_result
from django_probe.selection import Selection
from django_probe.standing import MOST_ATTEMPTS

pytestmark = pytest.mark.ends

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        import config

        def times(name):
            with Path(f"{name}.txt").open("a") as stream:
                stream.write("x")
            return Path(f"{name}.txt").stat().st_size

        class Slow(unittest.TestCase):
            def test_comes_up(self):
                if times("up") < config.UP_AT:
                    raise ConnectionRefusedError("not yet")
            def test_is_up(self):
                times("good")

        class Never(unittest.TestCase):
            def test_never(self):
                times("never")
                self.fail("never")

        class Leaky(unittest.TestCase):
            @classmethod
            def tearDownClass(cls):
                if times("leaky") < 2:
                    raise OSError("left behind")
            def test_1(self): ...

        class Flaps(unittest.TestCase):
            def test_flaps(self):
                if times("flaps") == 2:
                    self.fail("down again")
    """,
    "config.py": """
        from pathlib import Path
        UP_AT = 3
        def release():
            with Path("asked.txt").open("a") as stream:
                stream.write("x")
            return "new" if Path("asked.txt").stat().st_size > 2 else "old"
    """,
}
FAST = ("--retry-delay", "0.01")


@pytest.fixture
def project(tmp_path):
    return Quick.make(tmp_path / "project", FILES)


def tries(project: Project, name: str) -> int:
    path = project.folder / f"{name}.txt"
    return len(path.read_text()) if path.exists() else 0


def report(done) -> dict:
    return json.loads(done.stdout)


def results(done) -> dict:
    return {result["label"].rpartition(".")[2]: result for result in report(done)["results"]}


def test_wait_asks_again_what_is_not_ok_and_nothing_else(project):
    done = project.probe("shop.Slow", "--wait", "60", *FAST, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert (tries(project, "up"), tries(project, "good")) == (3, 1)
    up = results(done)["test_comes_up"]
    assert (up["outcome"], up["blocking"], up["flaky"]) == ("passed", False, False)
    assert [one["error"]["message"] for one in up["attempts"]] == ["not yet", "not yet"]
    assert report(done)["summary"]["total"] == 2
    rounds = done.stderr.splitlines()
    assert rounds[0].startswith(
        "Round 1: 1 of 2 not ok: shop.Slow.test_comes_up errored; asking again in 0.01 s, "
    )
    assert rounds[0].endswith(" s of --wait left.")
    assert rounds[2] == "Round 3: 2 of 2 ok."
    assert len(rounds) == 3


def test_what_is_not_ok_when_the_time_is_over_is_the_verdict(project):
    began = time.monotonic()
    done = project.probe("shop.Never", "--wait", "0.5", *FAST, "--format", "json")
    assert done.returncode == 1
    assert time.monotonic() - began >= 0.5
    (never,) = results(done).values()
    assert (never["outcome"], never["blocking"]) == ("failed", True)
    assert len(never["attempts"]) == min(tries(project, "never") - 1, MOST_ATTEMPTS)
    assert tries(project, "never") > 2


def test_reports_see_the_run_once_in_the_order_of_the_plan(project):
    done = project.probe("shop.Slow", "shop.Never", "--wait", "0.2", *FAST, "--format", "jsonl",
                         "--report", "tap=r.tap", "--report", "junit=r.xml")  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["run_started", *["probe_started", "probe_finished"] * 3, "run_finished"]
    assert events[0]["planned"] == 3
    indexes = [event["result"]["index"] for event in events if "result" in event]
    assert indexes == [0, 1, 2]
    assert "1..3\n" in (project.folder / "r.tap").read_text()
    xml = (project.folder / "r.xml").read_text()
    assert xml.count("<testcase") == 3
    assert "<rerunFailure" in xml


def test_stable_asks_all_of_it_so_often_in_a_row(project):
    done = project.probe("shop.Slow.test_is_up", "--stable", "4", *FAST)
    assert done.returncode == 0
    assert tries(project, "good") == 4
    assert "Round 4: 1 of 1 ok, 4 of 4 in a row.\n" in done.stderr


def test_a_red_round_ends_a_stable_run_that_does_not_wait(project):
    done = project.probe("shop.Flaps", "--stable", "5", *FAST, "--format", "json")
    assert done.returncode == 1
    assert tries(project, "flaps") == 2
    assert results(done)["test_flaps"]["outcome"] == "failed"


def test_a_red_round_starts_the_count_anew_while_it_waits(project):
    done = project.probe("shop.Flaps", "--stable", "3", "--wait", "60", *FAST, "--format", "json")
    assert done.returncode == 0
    # Green, red, green again (the one alone), then three times all of it.
    assert tries(project, "flaps") == 6
    assert len(results(done)["test_flaps"]["attempts"]) == 1


def test_a_fixture_that_failed_is_asked_again_with_its_probes(project):
    done = project.probe("shop.Leaky", "--wait", "60", *FAST, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "not ok: shop.probes.Leaky.tearDownClass failed" in done.stderr
    assert report(done)["fixture_errors"] == []
    assert tries(project, "leaky") == 2


def test_failfast_ends_a_round_and_what_did_not_run_is_asked_again(project):
    done = project.probe("shop.Slow", "--failfast", "--wait", "60", *FAST, "--format", "json")
    assert done.returncode == 0
    assert {name: one["outcome"] for name, one in results(done).items()} == {
        "test_comes_up": "passed",
        "test_is_up": "passed",
    }


def test_nothing_to_ask_again_is_no_reason_to_wait(project):
    began = time.monotonic()
    done = project.probe("--tag", "nothing", "--wait", "100")
    assert done.returncode == 5
    assert time.monotonic() - began < 60


def test_what_cannot_be_asked_is_told_before_anything_runs(project):
    done = project.probe("shop.Nope", "--wait", "100", "--stable", "3")
    assert done.returncode == 2
    done = project.probe("shop", "--wait", "100", "--output", "/dev/null/nowhere")
    assert done.returncode == 2
    assert tries(project, "up") == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_while_it_waits_leaves_the_last_state_in_whole_reports(make_project, number, code):
    project = make_project(FILES)
    process = project.popen(
        "probe", "shop.Slow", "shop.Never", "--wait", "600", "--retry-delay", "300", "--format", "json",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    line = process.stderr.readline()
    assert line.startswith("Round 1: 2 of 3 not ok")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    told = {one["label"].rpartition(".")[2]: one["outcome"] for one in json.loads(out)["results"]}
    assert told == {"test_comes_up": "errored", "test_is_up": "passed", "test_never": "failed"}


class TestExpectRelease:
    """The gate is for one release, and asks no other."""

    def test_another_release_is_exit_4_before_any_probe_runs(self, project):
        env = {"PROBE_RELEASE": "2026.2"}
        done = project.probe("shop.Slow", "--expect-release", "2026.3", "--format", "json",
                             "--report", "junit=r.xml", "--report", "tap=r.tap", env=env)  # fmt: skip
        assert done.returncode == 4
        assert tries(project, "up") == 0
        assert {one["outcome"] for one in results(done).values()} == {"not_run"}
        (failed,) = report(done)["failed_targets"]
        assert failed["error"]["exception_class_path"] == "WrongRelease"
        assert "it serves release '2026.2', expected '2026.3'" in failed["error"]["message"]
        assert "WrongRelease" in (project.folder / "r.xml").read_text()
        assert (project.folder / "r.tap").read_text().splitlines()[-1].startswith("Bail out!")

    def test_the_release_that_is_expected_is_asked(self, project):
        env = {"PROBE_RELEASE": "2026.3"}
        done = project.probe("shop.Slow.test_is_up", "--expect-release", "2026.3", env=env)
        assert done.returncode == 0
        done = project.probe("shop.Slow.test_is_up", "--expect-release", "2026.3")
        assert done.returncode == 4
        assert "PROBE_RELEASE is not set there" in done.stdout

    def test_wait_waits_for_it(self, tmp_path):
        project = Quick.make(
            tmp_path / "project", FILES, "import config\nPROBE_RELEASE = config.release"
        )
        done = project.probe("shop.Slow.test_is_up", "--expect-release", "new", "--wait", "60",
                             "--format", "json", *FAST)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "WrongRelease: it serves release 'old', expected 'new'" in done.stderr
        assert report(done)["run"]["release"] == "new"
        (up,) = results(done).values()
        assert (up["outcome"], up["attempts"]) == ("passed", [])
        assert tries(project, "good") == 1


class TestAllowEmpty:
    """Nothing ran is no success, unless somebody says so."""

    @pytest.mark.parametrize("args", [("--tag", "nothing"), ("idle",)])
    def test_it_is_ok_in_every_format(self, tmp_path, args):
        idle = """
            import unittest
            class Idle(unittest.TestCase):
                @unittest.skip("not here")
                def test_idle(self): ...
        """
        project = Quick.make(tmp_path / "project", {**FILES, "idle/probes.py": idle})
        reports = [f"--report={name}=r.{name}" for name in ("junit", "tap", "text", "ctrf")]
        done = project.probe(*args, "--allow-empty", "--format", "json", *reports)
        assert done.returncode == 0, done.stderr
        assert report(done)["ok"] is True
        assert "Nothing ran" in done.stderr
        xml = (project.folder / "r.junit").read_text()
        assert 'failures="0" errors="0" skipped="1"' in xml
        tap = (project.folder / "r.tap").read_text()
        assert "not ok" not in tap
        assert "ok 1 " in tap
        assert "1..1" in tap
        done = project.probe(*args)
        assert done.returncode == 5

    def test_what_did_not_get_its_turn_is_not_nothing(self, project):
        done = project.probe("shop.Slow", "--allow-empty", "--deadline", "0.000001")
        assert done.returncode == 1

    def test_an_unknown_label_stays_an_error(self, project):
        assert project.probe("nope", "--allow-empty").returncode == 2


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--wait", "60", "--deadline", "30"], "--wait 60 is longer than the deadline of 30 s"),
        (["--wait", "soon"], "'soon' is not a number of seconds greater than 0"),
        (["--wait", "0"], "'0' is not a number of seconds"),
        (["--stable", "0"], "'0' is not a whole number from 1 on"),
        (["--retries", "-1"], "'-1' is not a whole number from 0 on"),
        (["--retry-delay", "-1"], "'-1' is not a number of seconds from 0 on"),
        (["--executor", "fibers"], "Unknown executor 'fibers'"),
        (["--expect-release", ""], "--expect-release is empty"),
    ],
)
def test_bad_options_are_one_line_and_exit_2_before_anything_runs(project, args, told):
    done = project.probe("shop", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert tries(project, "good") == 0


def test_a_deadline_in_the_settings_bounds_the_wait_too(tmp_path):
    project = Quick.make(tmp_path / "project", FILES, "PROBE_DEADLINE = 10")
    done = project.probe("shop", "--wait", "60")
    assert done.returncode == 2
    assert "--wait 60 is longer than the deadline of 10 s" in done.stderr


class Script:
    """Answer each asking with the next list of events."""

    def __init__(self, *rounds):
        self.rounds = list(rounds)
        self.asked = []

    def __call__(self, selection):
        self.asked.append(selection.again)
        events = self.rounds.pop(0)
        if isinstance(events, Exception):
            raise events
        return iter([RunStarted(run_id="r", started_at=START, targets=("eu", "us")), *events])


class Clock:
    """Time that passes by sleeping alone."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def told(script, *, deadline=None, **rules):
    lines = []
    rules = Rules(**{"delay": 0.0, "wait": 60.0, **rules})
    ends = deadline or Deadline()
    events = list(asked(script, Selection(), rules, ends, begin=lambda: None, tell=lines.append))
    assert script.rounds == []
    return events, lines


def one(name, outcome, index=0, **values):
    result = sample_result(index, name, outcome, **{"target": "eu", **values})
    return ProbeFinished(result=result)


REFUSED = TargetFailed(
    target="us", error=ErrorDetail(exception_class_path="ConnectionError", message="refused")
)


class TestMerging:
    """What several rounds of several targets come to."""

    def test_only_the_target_that_is_not_ok_is_asked_again(self):
        bad = one("test_a", Outcome.FAILED, error=ERROR)
        script = Script([bad, one("test_a", Outcome.PASSED, target="us")],
                        [one("test_a", Outcome.PASSED)])  # fmt: skip
        events, lines = told(script)
        id = bad.result.probe.id
        assert script.asked == [None, {"eu": frozenset({(id, 0)})}]
        finished = [event.result for event in events if isinstance(event, ProbeFinished)]
        assert [(one.target, one.outcome.value) for one in finished] == [
            ("eu", "passed"),
            ("us", "passed"),
        ]
        assert "shop.Checkout.test_a [eu] failed" in lines[0]

    def test_a_target_that_failed_is_asked_as_a_whole(self):
        script = Script(
            [one("test_a", Outcome.PASSED), REFUSED], [one("test_a", Outcome.PASSED, target="us")]
        )
        events, lines = told(script)
        assert script.asked == [None, {"us": None}]
        assert not [event for event in events if isinstance(event, TargetFailed)]
        assert "not ok: [us]: ConnectionError: refused" in lines[0]

    def test_twins_are_told_apart_by_their_number(self):
        twins = [one("test_a", Outcome.PASSED, 0), one("test_a", Outcome.FAILED, 1, error=ERROR)]
        script = Script(twins, [one("test_a", Outcome.PASSED, 0, duration=7.0)])
        events, _ = told(script)
        id = twins[0].result.probe.id
        assert script.asked[1] == {"eu": frozenset({(id, 1)})}
        finished = [event.result for event in events if isinstance(event, ProbeFinished)]
        assert [(r.probe.index, r.duration == 7.0, len(r.attempts)) for r in finished] == [
            (0, False, 0),
            (1, True, 1),
        ]

    def test_what_did_not_run_says_nothing_against_what_failed(self):
        script = Script(
            [one("test_a", Outcome.FAILED, error=ERROR)],
            [one("test_a", Outcome.NOT_RUN, reason="the end")],
            [one("test_a", Outcome.PASSED)],
        )
        events, _ = told(script)
        (last,) = [event.result for event in events if isinstance(event, ProbeFinished)]
        assert last.outcome is Outcome.PASSED
        assert [attempt.outcome for attempt in last.attempts] == [Outcome.FAILED]

    def test_a_probe_that_is_gone_when_all_is_asked_is_forgotten(self):
        both = [one("test_a", Outcome.PASSED), one("test_b", Outcome.PASSED, 1)]
        script = Script(both, both[:1])
        events, _ = told(script, stable=2)
        assert len([event for event in events if isinstance(event, ProbeStarted)]) == 1

    def test_a_round_that_cannot_begin_is_a_target_that_failed(self):
        bad = [one("test_a", Outcome.FAILED, error=ERROR)]
        script = Script(bad, RuntimeError("settings are gone"), [one("test_a", Outcome.PASSED)])
        _, lines = told(script)
        assert "[eu]: RuntimeError: settings are gone" in lines[1]

    def test_earlier_tries_are_kept_in_bounded_number(self):
        rounds = [
            [one("test_a", Outcome.FAILED, error=replace(ERROR, message=f"{number}"))]
            for number in range(50)
        ]
        script = Script(*rounds, [one("test_a", Outcome.PASSED)])
        events, _ = told(script)
        (last,) = [event.result for event in events if isinstance(event, ProbeFinished)]
        kept = [attempt.error.message for attempt in last.attempts]
        assert len(kept) == MOST_ATTEMPTS
        assert (kept[0], kept[-1]) == ("0", "49")

    def test_a_module_fixture_asks_for_all_its_probes(self):
        fixture = FixtureFailed(fixture="shop.probes.tearDownModule", error=ERROR, target="eu")
        both = [one("test_a", Outcome.PASSED), one("test_b", Outcome.PASSED, 1, case="Stock")]
        script = Script([*both, fixture], both)
        told(script)
        ids = {event.result.probe.id for event in both}
        assert script.asked[1] == {"eu": frozenset((id, 0) for id in ids)}

    def test_a_stable_run_that_the_deadline_ends_is_not_ok(self, monkeypatch):
        clock = Clock()
        monkeypatch.setattr("django_probe.deadline.time", clock)
        green = [one("test_a", Outcome.PASSED)]
        script = Script(green, green, green)
        events, lines = told(script, deadline=Deadline(25), wait=0.0, stable=9, delay=10.0)
        assert "3 of 9 in a row" in lines[-1]
        failed, other = [event for event in events if isinstance(event, TargetFailed)]
        assert (failed.target, other.target) == ("eu", "us")
        assert failed.error.exception_class_path == "NotStable"
        assert failed.error.message == (
            "all was ok 3 of 9 times in a row when the run ended:"
            " the run's deadline of 25 s has passed"
        )
        assert clock.now == pytest.approx(25)

    def test_a_warning_is_no_reason_to_ask_again(self):
        script = Script([one("test_a", Outcome.FAILED, severity="warning", blocking=False)])
        _, lines = told(script)
        assert lines == ["Round 1: 1 of 1 ok."]
