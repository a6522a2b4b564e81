"""Run the probes of one batch, in order, with the fixtures around them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timezone

from django_probe.capture import Sink, current_sink
from django_probe.details import Problem
from django_probe.executors.calling import call
from django_probe.executors.connections import permit_writes, untold_refusals
from django_probe.executors.fixture_run import FixtureRun
from django_probe.executors.host import Host
from django_probe.executors.watch import SETTLING, bounded, overran
from django_probe.here import enter_target
from django_probe.plan import Planned
from django_probe.results import Probe, ProbeResult
from django_probe.traffic import mark

__all__ = ["BatchRun", "outline"]

AHEAD = 50
"""Probes whose records are made at once."""


class BatchRun:
    """What a worker does with a batch; whoever watches can see how far it is.

    Args:
        entries: the probes, grouped by class.
        fixtures: those that they share.
    """

    def __init__(self, entries: Sequence[Planned], fixtures: FixtureRun | None = None) -> None:
        self.entries = entries
        self.fixtures = fixtures or FixtureRun()
        self.position = 0
        """Probes that have their result."""
        self.probe: Probe | None = None
        """The one that has started and has no result yet."""
        self.started_at = datetime.now(timezone.utc)
        self.began = time.monotonic()
        """The same by the monotonic clock."""
        self.sink = Sink()
        self._ahead: deque[Probe] = deque()

    def run(self, host: Host) -> None:
        """Run from ``position`` on, until the end or until the host stops it."""
        self._host = host
        mark(host.run_id)
        enter_target(host.place)
        self.fixtures.bind(host)
        while self.position < len(self.entries) and not host.stopped():
            if not self._turn(self.entries[self.position]):
                break
        self.fixtures.leave()
        mark("")

    @property
    def rest(self) -> Sequence[Planned]:
        """Return the probes that have no result yet."""
        return self.entries[self.position :]

    def after(self) -> BatchRun:
        """Return a run of what has no result yet, for another worker."""
        fixtures = FixtureRun(
            with_module=self.fixtures.with_module, problems=self.fixtures.problems
        )
        return BatchRun(self.rest, fixtures)

    def _turn(self, planned: Planned) -> bool:
        """Run one probe and tell its result; return False where it may not start any more."""
        host, fixtures = self._host, self.fixtures
        if planned.owner is not fixtures.owner:
            fixtures.leave_for(planned.owner)
        probe, problem = self._describe(planned)
        self.sink = sink = host.new_sink()
        self.started_at, self.began = datetime.now(timezone.utc), time.monotonic()
        if not host.ledger.started(host.watch, self, probe):
            return False
        current_sink.set(sink)
        mark(host.run_id, probe.label)
        problem = problem or planned.problem
        if problem is None and planned.owner is not fixtures.owner:
            problem = fixtures.enter(planned, probe.label)
        result = self._told(probe, problem) if problem else self._call(planned, probe)
        sink.closed = True
        host.ledger.finished(host.watch, self, result)
        return True

    def _describe(self, planned: Planned) -> tuple[Probe, Problem | None]:
        """Return a probe's record; its author's code may have a hand in it, and fail."""
        host = self._host
        if not self._ahead:
            self._ahead.extend(host.recorder.shown(self._look_ahead()))
        if self._ahead:
            return self._ahead.popleft(), None
        permit_writes(planned.marks.writes)
        found: list[Probe] = []
        problem: Problem | None = None
        try:
            problem, _ = bounded(
                host.watch, host.timeout, lambda: found.append(planned.describe(host.timeout))
            )
        except Exception as exc:
            problem = Problem.raised(exc, at="shortDescription")
        (probe,) = host.recorder.shown(found or [outline(planned)])
        return probe, problem

    def _look_ahead(self) -> list[Probe]:
        """Return the records of the next probes, up to one whose author describes it.

        Several at once, for one look finds whether any of them holds a secret.
        """
        probes: list[Probe] = []
        for planned in self.entries[self.position : self.position + AHEAD]:
            if planned.owner is not None and planned.owner.own_description:
                break
            try:
                probes.append(planned.describe(self._host.timeout))
            except BaseException:  # It is told when its turn comes.
                if not probes:
                    raise
                break
        return probes

    def _call(self, planned: Planned, probe: Probe) -> ProbeResult:
        host, recorder = self._host, self._host.recorder
        recorder.reset()

        def step() -> None:
            permit_writes(planned.marks.writes)
            call(planned, recorder)
            for refused in untold_refusals():  # The probe went on as if nothing were wrong.
                recorder.add_raised(None, (type(refused), refused, refused.__traceback__))
            host.after_probe(shares=self.fixtures.shares)

        verdict, duration = bounded(host.watch, probe.timeout, step)
        if verdict is not None:
            bounded(host.watch, SETTLING, host.after_interrupt)
        elif probe.timeout is not None and duration > probe.timeout:
            verdict = overran(probe.timeout)
        if verdict is not None:
            verdict = recorder.scrubbed(verdict)
        sink = self.sink if self.sink.used else None
        return recorder.result(probe, self.started_at, duration, sink, verdict)

    def _told(self, probe: Probe, problem: Problem) -> ProbeResult:
        """Return the result of a probe that does not run because of a problem."""
        host, recorder = self._host, self._host.recorder
        bounded(host.watch, SETTLING, lambda: host.after_probe(shares=self.fixtures.shares))
        recorder.reset()
        sink = self.sink if self.sink.used else None
        told, duration = recorder.scrubbed(problem), time.monotonic() - self.began
        return recorder.result(probe, self.started_at, duration, sink, told)


def outline(planned: Planned) -> Probe:
    """Return the record of a probe that cannot be described: what its plan knows."""
    return Probe(id=planned.id, label=planned.label, index=planned.index)
