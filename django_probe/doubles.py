"""Stand-ins for tests: a reporter that keeps what it gets, a target that says what it is told."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

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
from django_probe.reporting import Reporter
from django_probe.results import DEFAULT_TARGET, Outcome, Probe, ProbeResult, Summary
from django_probe.targets.base import Target

if TYPE_CHECKING:
    from django_probe.deadline import Deadline
    from django_probe.selection import Selection

__all__ = ["MemoryTarget", "RecordingReporter"]


class RecordingReporter(Reporter):
    """Keep every event in ``events``, in order; write nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(io.StringIO() if stream is None else stream)
        self.events: list[Event] = []

    def run_started(self, run: RunStarted) -> None:
        """Keep the plan."""
        self.events.append(run)

    def target_started(self, event: TargetStarted) -> None:
        """Keep that a target begins."""
        self.events.append(event)

    def probe_started(self, event: ProbeStarted) -> None:
        """Keep that a probe got its turn."""
        self.events.append(event)

    def probe_finished(self, result: ProbeResult) -> None:
        """Keep a result."""
        self.events.append(ProbeFinished(result=result))

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Keep that a fixture failed."""
        self.events.append(event)

    def target_failed(self, event: TargetFailed) -> None:
        """Keep that a target failed."""
        self.events.append(event)

    def run_finished(self, summary: Summary) -> None:
        """Keep the verdict."""
        self.events.append(RunFinished(summary=summary))


class MemoryTarget(Target):
    """Answer every selection with the same events, the first a ``RunStarted``.

    It keeps what a target promises: once the run has ended, or starts no further
    probe, what is left did not run; in a later round only what is asked again is told.

    Args:
        events: what is told; a ``RunFinished`` is left out, the run makes its own.
    """

    def __init__(self, events: Iterable[Event], *, alias: str = DEFAULT_TARGET) -> None:
        self.alias = alias
        self._events: list[Event] = [e for e in events if not isinstance(e, RunFinished)]
        self.asked: list[Selection] = []
        """The selections, in order."""

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield the events; what comes after the end as ``not_run``."""
        self.asked.append(selection)
        for event in self._again(selection):
            over = deadline.reason if deadline.passed else deadline.halted
            if isinstance(event, RunStarted) or not over:
                yield event
            elif isinstance(event, ProbeFinished):
                probe, at = event.result.probe, event.result.started_at
                yield ProbeFinished(
                    result=ProbeResult(
                        probe=probe,
                        outcome=Outcome.NOT_RUN,
                        started_at=at,
                        duration=0.0,
                        target=self.alias,
                        blocking=True,
                        reason=over,
                    )
                )

    def _again(self, selection: Selection) -> list[Event]:
        """Return the events of what is asked again; all where all is asked."""
        wanted = (selection.again or {}).get(self.alias)
        if wanted is None:
            return self._events
        keys = dict(_keyed(self._events))
        kept = {index for index, key in keys.items() if key in wanted}
        told: list[Event] = []
        for event in self._events:
            if isinstance(event, RunStarted):
                told.append(replace(event, planned=len(kept)))
            elif (probe := _probe_of(event)) is None or probe.index in kept:
                told.append(event)
        return told


def _keyed(events: Iterable[Event]) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield (index, (id, which of those with this id)) of each probe."""
    found = (event.result.probe for event in events if isinstance(event, ProbeFinished))
    seen: Counter[str] = Counter()
    for probe in sorted(found, key=lambda probe: probe.index):
        yield probe.index, (probe.id, seen[probe.id])
        seen[probe.id] += 1


def _probe_of(event: Event) -> Probe | None:
    if isinstance(event, ProbeStarted):
        return event.probe
    return event.result.probe if isinstance(event, ProbeFinished) else None
