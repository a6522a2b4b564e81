"""The one loop: a target's events, counted, to all reporters, until a verdict."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    RunFinished,
    RunStarted,
    TargetFailed,
)
from django_probe.plan import Selection
from django_probe.reporting import ReporterGroup
from django_probe.results import Counts, ErrorDetail, Outcome, ProbeResult, Summary
from django_probe.targets.base import Target

__all__ = ["Tally", "run"]


class Tally:
    """Count what happens; computed once, for every reporter."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Counter[Outcome]] = {}
        self._subtests: dict[str, Counter[Outcome]] = {}
        self._blocking: Counter[str] = Counter()
        self._flaky: Counter[str] = Counter()
        self.fixture_errors = 0
        self.failed_targets: list[str] = []

    def add(self, event: Event) -> None:
        """Take an event into the count."""
        kind = type(event)
        if kind is ProbeFinished:
            self._add_result(event.result)  # type: ignore[union-attr]
        elif isinstance(event, FixtureFailed):
            self.fixture_errors += 1
        elif isinstance(event, TargetFailed):
            self.failed_targets.append(event.target)

    def by_target(self) -> dict[str, Counts]:
        """Return the counts of each target that gave a result."""
        return {
            target: Counts(
                outcomes=dict(outcomes),
                subtests=dict(self._subtests.get(target, {})),
                blocking=self._blocking[target],
                flaky=self._flaky[target],
            )
            for target, outcomes in self._outcomes.items()
        }

    def total(self) -> Counts:
        """Return the counts of all targets together."""
        outcomes: Counter[Outcome] = sum(self._outcomes.values(), Counter())
        subtests: Counter[Outcome] = sum(self._subtests.values(), Counter())
        return Counts(
            outcomes=dict(outcomes),
            subtests=dict(subtests),
            blocking=sum(self._blocking.values()),
            flaky=sum(self._flaky.values()),
        )

    def _add_result(self, result: ProbeResult) -> None:
        target = result.target
        outcomes = self._outcomes.get(target)
        if outcomes is None:
            outcomes = self._outcomes[target] = Counter()
        outcomes[result.outcome] += 1
        if result.blocking:
            self._blocking[target] += 1
        if result.flaky:
            self._flaky[target] += 1
        if result.subtests:
            subtests = self._subtests.setdefault(target, Counter())
            subtests.update(subtest.outcome for subtest in result.subtests)


def run(
    target: Target,
    selection: Selection,
    reports: ReporterGroup,
    deadline: Deadline,
    *,
    guard: Callable[[Deadline], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> Summary:
    """Ask a target once, feed all reports, return the verdict.

    Args:
        guard: entered for the time that probes run: signal handlers.

    Raises:
        ProbeError: nothing could be asked, or an output not opened; no probe has run.
    """
    began = time.monotonic()
    events = target.run(selection, deadline)
    started = next(events)
    assert isinstance(started, RunStarted)
    reports.open()
    tally = Tally()
    with guard(deadline):
        reports.feed(started)
        for event in _guarded(events, target):
            tally.add(event)
            reports.feed(event)
        summary = Summary(
            run_id=started.run_id,
            started_at=started.started_at,
            duration=time.monotonic() - began,
            counts=tally.total(),
            by_target=tally.by_target(),
            fixture_errors=tally.fixture_errors,
            failed_targets=tuple(tally.failed_targets),
            reporter_errors=tuple(reports.errors),
            report_exists=reports.report_exists,
            interrupted=deadline.signal,
        )
        reports.feed(RunFinished(summary=summary))
        reports.close()
    return replace(
        summary, reporter_errors=tuple(reports.errors), report_exists=reports.report_exists
    )


def _guarded(events: Iterator[Event], target: Target) -> Iterator[Event]:
    """Turn what a target raises in the middle into an event: what came before is kept."""
    try:
        yield from events
    except Exception as exc:
        problem = Problem.raised(exc)
        error = problem.error or ErrorDetail(exception_class_path="Exception", message=str(exc))
        yield TargetFailed(target=target.alias, error=error)
