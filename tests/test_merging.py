"""Many targets as one: interleaved, each told apart, each promise kept for those that do not."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from django_probe.deadline import Deadline
from django_probe.events import (
    ProbeFinished,
    ProbeStarted,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.redaction import MASK, Redactor
from django_probe.results import Outcome
from django_probe.run_config import RunConfig
from django_probe.sample import ERROR, START, sample_result
from django_probe.selection import Selection
from django_probe.targets import pumping
from django_probe.targets.base import Lane, Target
from django_probe.targets.merging import MergedTargets

pytestmark = pytest.mark.ends

WAIT = 20


def begun(alias, planned, release="", instance=""):
    return RunStarted(
        run_id="r",
        started_at=START,
        targets=(alias,),
        planned=planned,
        release=release,
        instance=instance,
    )


def told(alias, index, outcome=Outcome.PASSED):
    result = sample_result(index, f"test_{index}", outcome, target=alias)
    yield ProbeStarted(probe=result.probe, target=alias, at=START)
    yield ProbeFinished(result=result)


class Scripted(Target):
    """Run a function for its events."""

    def __init__(self, alias, script, *, known=None, lane=None):
        self.alias, self._script, self._known, self.lane = alias, script, known, lane
        self.left = ()

    def prepare(self, selection):
        assert threading.current_thread() is threading.main_thread()
        return self._known

    def run(self, selection, deadline):
        yield from self._script(self.alias, deadline)

    @property
    def left_behind(self):
        return self.left


def passing(count):
    def script(alias, deadline):
        yield begun(alias, count, f"1.{len(alias)}", f"web-{alias}")
        for index in range(count):
            yield from told(alias, index)

    return script


def ask(*targets, deadline=None, config=None, at_once=16, selection=None):
    merged = MergedTargets(targets, config or RunConfig(), at_once)
    return list(merged.run(selection or Selection(), deadline or Deadline(WAIT)))


def results(events, alias):
    found = (e.result for e in events if isinstance(e, ProbeFinished))
    return [result for result in found if result.target == alias]


def failures(events):
    return {e.target: e.error for e in events if isinstance(e, TargetFailed)}


def test_each_target_says_what_it_is_before_its_first_result():
    started, *rest = ask(Scripted("eu", passing(2)), Scripted("usa", passing(3)))
    assert started.targets == ("eu", "usa")
    assert (started.planned, started.release, started.instance) == (None, "", "")
    for alias, planned in (("eu", 2), ("usa", 3)):
        own = [e for e in rest if getattr(e, "target", None) == alias or results([e], alias)]
        assert own[0] == TargetStarted(
            target=alias,
            at=START,
            planned=planned,
            release=f"1.{len(alias)}",
            instance=f"web-{alias}",
        )
        assert len(results(own, alias)) == planned


@pytest.mark.parametrize(
    ("known", "planned", "release"),
    [
        ((begun("a", 2, "1.0"), begun("b", 3, "1.0")), 5, "1.0"),
        ((begun("a", 2, "1.0"), begun("b", 3, "1.1")), 5, ""),
        ((begun("a", 2, "1.0"), None), None, ""),
        ((begun("a", 2, "1.0"), begun("b", None, "1.0")), None, "1.0"),
    ],
)
def test_what_is_known_before_anything_is_asked_stands_at_the_start(known, planned, release):
    targets = [
        Scripted(alias, passing(0), known=one) for alias, one in zip("ab", known, strict=True)
    ]
    started = ask(*targets)[0]
    assert (started.planned, started.release) == (planned, release)


def test_results_interleave_as_they_happen():
    turns = {"a": threading.Semaphore(1), "b": threading.Semaphore(0)}

    def in_turn(other):
        def script(alias, deadline):
            yield begun(alias, 5)
            for index in range(5):
                assert turns[alias].acquire(timeout=WAIT)
                yield from told(alias, index)
                turns[other].release()

        return script

    events = ask(Scripted("a", in_turn("b")), Scripted("b", in_turn("a")))
    order = "".join(e.result.target for e in events if isinstance(e, ProbeFinished))
    assert order == "ab" * 5


def test_a_result_can_be_read_while_its_target_goes_on():
    taken = threading.Event()

    def script(alias, deadline):
        yield begun(alias, 2)
        yield from told(alias, 0)
        assert taken.wait(WAIT)
        yield from told(alias, 1)

    for event in MergedTargets([Scripted("a", script), Scripted("b", passing(1))], RunConfig()).run(
        Selection(), Deadline(WAIT)
    ):
        if results([event], "a"):
            taken.set()
    assert taken.is_set()


def raising_at(count):
    def script(alias, deadline):
        if count is not None:
            yield begun(alias, 3)
            for index in range(count):
                yield from told(alias, index)
            yield next(told(alias, count))
        raise ConnectionError("lost, with password=hunter2-hunter2")

    return script


@pytest.mark.parametrize("count", [None, 0, 2])
def test_a_target_that_raises_has_failed_and_the_others_go_on(count):
    config = RunConfig(redactor=Redactor({"hunter2-hunter2"}))
    events = ask(Scripted("bad", raising_at(count)), Scripted("good", passing(4)), config=config)
    error = failures(events)["bad"]
    assert error.exception_class_path == "ConnectionError"
    assert error.message == f"lost, with password={MASK}"
    found = [result.outcome for result in results(events, "bad")]
    assert found == ([] if count is None else [Outcome.PASSED] * count + [Outcome.NOT_RUN])
    assert all(r.blocking for r in results(events, "bad") if r.outcome is Outcome.NOT_RUN)
    assert len(results(events, "good")) == 4
    assert set(failures(events)) == {"bad"}


def test_a_target_that_tells_less_than_it_planned_has_failed():
    def script(alias, deadline):
        yield begun(alias, 5)
        yield from told(alias, 0)

    error = failures(ask(Scripted("a", script), Scripted("b", passing(1))))["a"]
    assert (error.exception_class_path, error.message) == (
        "MissingResults",
        "it told 1 results for 5 probes",
    )


def test_a_target_that_says_itself_that_it_failed_is_told_once():
    def script(alias, deadline):
        yield begun(alias, 5)
        yield TargetFailed(target=alias, error=replace(ERROR, message="mine"))

    events = ask(Scripted("a", script), Scripted("b", passing(1)))
    assert [e.error.message for e in events if isinstance(e, TargetFailed)] == ["mine"]


def test_a_target_that_does_not_end_is_given_up_and_its_late_results_are_dropped(monkeypatch):
    monkeypatch.setattr(pumping, "PATIENCE", 0.2)
    release, ended = threading.Event(), threading.Event()

    def script(alias, deadline):
        try:
            yield begun(alias, 2)
            first = told(alias, 0)
            yield next(first)
            assert release.wait(WAIT)
            yield next(first)
        finally:
            ended.set()

    deadline = Deadline()
    merged = MergedTargets([Scripted("hangs", script), Scripted("good", passing(1))], RunConfig())
    events = []
    for event in merged.run(Selection(), deadline):
        events.append(event)
        if getattr(event, "target", "") == "hangs" and isinstance(event, ProbeStarted):
            deadline.expire("enough")
    assert [r.outcome for r in results(events, "hangs")] == [Outcome.NOT_RUN]
    assert failures(events)["hangs"].exception_class_path == "Abandoned"
    assert merged.left_behind == ("probe-target-hangs",)
    release.set()
    assert ended.wait(WAIT)
    assert len(results(events, "hangs")) == 1


def test_the_end_of_the_run_ends_all_of_them():
    def script(alias, deadline):
        yield begun(alias, 1)
        while not deadline.passed:
            time.sleep(0.01)
        yield ProbeFinished(
            result=sample_result(0, "test_0", Outcome.NOT_RUN, target=alias, reason=deadline.reason)
        )

    names = [f"t{n}" for n in range(5)]
    events = ask(*(Scripted(n, script) for n in names), deadline=Deadline(0.3), at_once=2)
    for name in names:
        (result,) = results(events, name)
        assert (result.outcome, result.reason) == (
            Outcome.NOT_RUN,
            "the run's deadline of 0.3 s has passed",
        )


def test_whoever_stops_iterating_lets_go_of_all_of_them():
    ended = [threading.Event(), threading.Event()]

    def script(done):
        def run(alias, deadline):
            try:
                yield begun(alias, None)
                while not deadline.passed:
                    time.sleep(0.01)
            finally:
                done.set()

        return run

    targets = [Scripted(f"t{n}", script(done)) for n, done in enumerate(ended)]
    events = MergedTargets(targets, RunConfig()).run(Selection(), Deadline())
    for event in events:
        if isinstance(event, TargetStarted):
            break
    events.close()
    assert all(done.wait(WAIT) for done in ended)


class Counting:
    """How many run at once, by what they share."""

    def __init__(self):
        self.now, self.most = {}, {}
        self._lock = threading.Lock()

    def script(self, lane):
        def run(alias, deadline):
            with self._lock:
                self.now[lane] = self.now.get(lane, 0) + 1
                self.most[lane] = max(self.most.get(lane, 0), self.now[lane])
            yield begun(alias, 1)
            time.sleep(0.02)
            yield from told(alias, 0)
            with self._lock:
                self.now[lane] -= 1

        return run


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (3, 3)])
def test_no_more_are_asked_at_once_than_may(at_once, most):
    counting = Counting()
    targets = [Scripted(f"t{n}", counting.script("all")) for n in range(9)]
    events = ask(*targets, at_once=at_once)
    assert counting.most["all"] <= most
    assert len([e for e in events if isinstance(e, ProbeFinished)]) == 9


def test_those_of_one_lane_take_turns_and_keep_nobody_else_waiting():
    counting = Counting()
    here, there = Lane("here", 1), Lane("there", 2)
    targets = [
        Scripted(f"{lane.name}{n}", counting.script(lane.name), lane=lane)
        for lane in (here, there)
        for n in range(5)
    ]
    ask(*targets, Scripted("free", counting.script("free")), at_once=4)
    assert counting.most["here"] == 1
    assert counting.most["there"] <= 2


def test_failfast_lets_no_target_start_another_probe():
    asked = threading.Event()

    def failing(alias, deadline):
        yield begun(alias, 1)
        yield from told(alias, 0, Outcome.FAILED)
        asked.set()

    def waiting(alias, deadline):
        yield begun(alias, 1)
        assert asked.wait(WAIT)
        while not deadline.halted:
            time.sleep(0.005)
        yield ProbeFinished(
            result=sample_result(0, "test_0", Outcome.NOT_RUN, target=alias, reason=deadline.halted)
        )

    targets = [Scripted("bad", failing), Scripted("b", waiting), Scripted("c", waiting)]
    events = ask(*targets, config=RunConfig(failfast=True), at_once=2)
    for alias in "bc":
        (result,) = results(events, alias)
        assert result.reason == "--failfast: a probe before it failed"
    assert failures(events) == {}


def test_without_failfast_nothing_is_halted():
    def script(alias, deadline):
        yield begun(alias, 2)
        yield from told(alias, 0, Outcome.FAILED)
        time.sleep(0.1)
        assert not deadline.halted
        yield from told(alias, 1)

    events = ask(Scripted("a", script), Scripted("b", script))
    assert failures(events) == {}


def test_in_a_later_round_only_those_are_asked_that_are_named():
    selection = Selection(again={"b": None})
    started, *rest = ask(Scripted("a", passing(1)), Scripted("b", passing(2)), selection=selection)
    assert started.targets == ("a", "b")
    assert (len(results(rest, "a")), len(results(rest, "b"))) == (0, 2)


def test_a_pump_waits_for_the_consumer(monkeypatch):
    monkeypatch.setattr(pumping, "BACKLOG", 50)
    ahead = [0]

    def script(alias, deadline):
        yield begun(alias, 2000)
        for index in range(2000):
            ahead[0] += 1
            yield from told(alias, index)

    taken, most = 0, 0
    merged = MergedTargets([Scripted("a", script), Scripted("b", passing(1))], RunConfig())
    for event in merged.run(Selection(), Deadline(WAIT)):
        if results([event], "a"):
            taken += 1
            most = max(most, ahead[0] - taken)
            if taken % 100 == 0:
                time.sleep(0.002)
    assert taken == 2000
    assert most <= 52


def test_what_hangs_in_a_target_is_told():
    target = Scripted("a", passing(1))
    target.left = ("shop.Checkout.test_hangs",)
    merged = MergedTargets([target, Scripted("b", passing(1))], RunConfig())
    list(merged.run(Selection(), Deadline(WAIT)))
    assert merged.left_behind == ("shop.Checkout.test_hangs",)


def test_a_deadline_within_another_ends_with_it_and_may_end_before():
    outer = Deadline()
    inner = Deadline(within=outer)
    own = Deadline(0.0001, within=outer, of="the target")
    time.sleep(0.001)
    assert (own.passed, own.remaining(), outer.passed) == (True, 0.0, False)
    assert own.reason == "the target's deadline of 0.0001 s has passed"
    assert (inner.passed, inner.remaining(), inner.reason) == (False, None, "")
    inner.halt("no more")
    assert (inner.stops, outer.stops, inner.passed) == (True, False, False)
    outer.expire("a signal", signal=15)
    assert (inner.passed, inner.remaining(), inner.reason, inner.signal) == (
        True,
        0.0,
        "a signal",
        15,
    )
    assert inner.interrupted
    assert datetime.now(timezone.utc) > START
