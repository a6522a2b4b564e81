"""What every target has to keep, as tests: ours pass it, and so should yours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django_probe.deadline import Deadline
from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.results import Outcome, ProbeResult
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.targets.base import Target
from django_probe.targets.merging import MergedTargets
from django_probe.wire import decode, encode

__all__ = ["TargetContract"]

if TYPE_CHECKING:
    from unittest import TestCase as _Base
else:
    _Base = object

ALIAS = "contract"
PATIENCE = 30.0
"""Seconds in which a target that is well has answered."""


class TargetContract(_Base):
    """Mix this into a ``unittest.TestCase`` and make the target.

    ::

        class QueueTargetContract(TargetContract, unittest.TestCase):
            def make_target(self, alias):
                return QueueTarget("amqp://localhost", alias=alias)

    The target has to have two probes at least that run.
    """

    def make_target(self, alias: str) -> Target:
        """Return a target that can be asked."""
        raise NotImplementedError

    def ask(
        self, selection: Selection | None = None, deadline: Deadline | None = None
    ) -> list[Event]:
        """Return what a target tells, after a look at what holds always."""
        target = self.make_target(ALIAS)
        told = _told(target, selection or Selection(), deadline or Deadline(PATIENCE))
        self._check_promises(told, ALIAS)
        return told

    def test_all_that_is_planned_gets_a_result(self) -> None:
        """It has two probes at least, and answers in full."""
        told = self.ask()
        self.assertEqual([event for event in told if isinstance(event, TargetFailed)], [])
        self.assertGreaterEqual(len(_ran(told)), 2)

    def test_it_is_named_as_it_was_made(self) -> None:
        """The alias is that of its events."""
        self.assertEqual(self.make_target(ALIAS).alias, ALIAS)
        self.assertEqual(_named(self.ask()) - {ALIAS}, set())

    def test_what_it_knows_beforehand_is_what_it_tells(self) -> None:
        """``prepare`` may say nothing; what it says is true."""
        target = self.make_target(ALIAS)
        known = target.prepare(Selection())
        target.finish()
        if known is not None:
            started = self.ask()[0]
            assert isinstance(started, RunStarted)
            self.assertEqual(
                (known.planned, known.release, known.instance),
                (started.planned, started.release, started.instance),
            )

    def test_its_events_travel(self) -> None:
        """What comes off the wire is what was told."""
        told = self.ask()
        self.assertEqual([encode(decode(encode(event))) for event in told], list(map(encode, told)))

    def test_it_can_be_asked_again_for_a_part(self) -> None:
        """A later round names the probes that it wants."""
        target = self.make_target(ALIAS)
        whole = _told(target, Selection(), Deadline(PATIENCE))
        one = _results(whole)[0].probe.id
        again = Selection(again={ALIAS: frozenset({(one, 0)})})
        told = _told(target, again, Deadline(PATIENCE))
        self._check_promises(told, ALIAS)
        self.assertEqual({result.probe.id for result in _results(told)}, {one})

    def test_once_the_run_has_ended_nothing_starts(self) -> None:
        """A deadline that has passed leaves all without a run, or a target that failed."""
        deadline = Deadline()
        deadline.expire("over before it began")
        self.assertEqual(_ran(self.ask(deadline=deadline)), [])

    def test_where_nothing_may_start_nothing_starts(self) -> None:
        """``--failfast`` has stopped the run before this target had its turn."""
        deadline = Deadline(PATIENCE)
        deadline.halt("a probe before it failed")
        self.assertEqual(_ran(self.ask(deadline=deadline)), [])

    def test_it_is_told_apart_from_another_of_its_kind(self) -> None:
        """Both are asked at once, and neither takes anything of the other."""
        targets = [self.make_target("left"), self.make_target("right")]
        merged = MergedTargets(targets, RunConfig())
        told = list(merged.run(Selection(), Deadline(2 * PATIENCE)))
        self.assertIsInstance(told[0], RunStarted)
        for alias in ("left", "right"):
            own = [event for event in told[1:] if _target_of(event) == alias]
            (started,) = (event for event in own if isinstance(event, TargetStarted))
            self._check_results(own, started.planned, alias)
        self.assertEqual(_named(told), {"left", "right"})

    def test_whoever_stops_asking_leaves_nothing_behind(self) -> None:
        """The events may be given up after the first one."""
        target = self.make_target(ALIAS)
        target.prepare(Selection())
        events = target.run(Selection(), Deadline(PATIENCE))
        self.assertIsInstance(next(events), RunStarted)
        getattr(events, "close", lambda: None)()
        target.finish()
        self.assertEqual(tuple(target.left_behind), ())

    def _check_promises(self, told: Sequence[Event], alias: str) -> None:
        """``RunStarted`` first and once, no ``RunFinished``, and a result for each probe."""
        started = told[0]
        assert isinstance(started, RunStarted), started
        self.assertEqual(started.targets, (alias,))
        strange = [event for event in told[1:] if isinstance(event, (RunStarted, RunFinished))]
        self.assertEqual(strange, [])
        self._check_results(told, started.planned, alias)

    def _check_results(self, told: Sequence[Event], planned: int | None, alias: str) -> None:
        begun: set[int] = set()
        counted: Counter[int] = Counter()
        for event in told:
            if isinstance(event, ProbeStarted):
                self.assertNotIn(event.probe.index, counted)
                begun.add(event.probe.index)
            elif isinstance(event, ProbeFinished):
                result = event.result
                counted[result.probe.index] += 1
                if result.outcome is not Outcome.NOT_RUN:
                    self.assertIn(result.probe.index, begun, f"{result.probe.id} did not start")
        self.assertEqual(set(counted.values()) - {1}, set())
        if not any(isinstance(event, TargetFailed) for event in told):
            self.assertEqual(len(counted), planned)


def _told(target: Target, selection: Selection, deadline: Deadline) -> list[Event]:
    """Return what a target tells when it is asked as several are."""
    target.prepare(selection)
    try:
        return list(target.run(selection, deadline))
    finally:
        target.finish()


def _results(told: Sequence[Event]) -> list[ProbeResult]:
    return [event.result for event in told if isinstance(event, ProbeFinished)]


def _ran(told: Sequence[Event]) -> list[ProbeResult]:
    return [result for result in _results(told) if result.outcome is not Outcome.NOT_RUN]


def _target_of(event: Event) -> str:
    if isinstance(event, ProbeFinished):
        return event.result.target
    if isinstance(event, (TargetStarted, ProbeStarted, FixtureFailed, TargetFailed)):
        return event.target
    return ""


def _named(told: Sequence[Event]) -> set[str]:
    return {target for event in told if (target := _target_of(event))}
