"""Stand-ins for tests: a reporter that keeps what it gets, a target that says what it is told."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
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
from django_probe.results import DEFAULT_TARGET, ProbeResult, Summary
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

    Args:
        events: what is told; a ``RunFinished`` is left out, the run makes its own.
    """

    def __init__(self, events: Iterable[Event], *, alias: str = DEFAULT_TARGET) -> None:
        self.alias = alias
        self._events = [event for event in events if not isinstance(event, RunFinished)]
        self.asked: list[Selection] = []
        """The selections, in order."""

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield the events, until the deadline has passed."""
        self.asked.append(selection)
        for event in self._events:
            if deadline.passed:
                return
            yield event
