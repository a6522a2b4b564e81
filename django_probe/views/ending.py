"""The end of a wire that was cut short: what is missing is told, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from django_probe.events import (
    Event,
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
)
from django_probe.exceptions import WireError
from django_probe.results import (
    DEFAULT_TARGET,
    ErrorDetail,
    Outcome,
    ProbeResult,
    Summary,
)
from django_probe.tally import Tally
from django_probe.wire import decode, encode

__all__ = ["decoded", "ending_of"]


def decoded(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a wire; a line that was cut is left out."""
    for line in lines:
        try:
            yield decode(line)
        except WireError:
            continue


def ending_of(lines: Iterable[str], run_id: str, why: str, *, error: str, late: bool) -> list[str]:
    """Return the lines that make a whole run of one that was cut short.

    Args:
        lines: what was told of it.
        run_id: its id, where it did not even begin.
        why: in words for a report.
        error: a name for it, as of an exception.
        late: whether it was its deadline that cut it: what still ran has timed out then.
    """
    told = _Told(run_id)
    for event in decoded(lines):
        told.add(event)
    outcome = Outcome.TIMED_OUT if late else Outcome.ERRORED
    return [
        encode(event)
        for event in told.rest(ErrorDetail(exception_class_path=error, message=why), outcome)
    ]


class _Told:
    """What is known of a run."""

    def __init__(self, run_id: str) -> None:
        now = datetime.now(timezone.utc)
        self._run = RunStarted(run_id=run_id, started_at=now, planned=0)
        self._began = False
        self._open: dict[tuple[str, int, str], ProbeStarted] = {}
        self._failed: set[str] = set()
        self._tally = Tally()

    def add(self, event: Event) -> None:
        """Take an event."""
        self._tally.add(event)
        if isinstance(event, RunStarted):
            self._run, self._began = event, True
        elif isinstance(event, ProbeStarted):
            self._open[event.target, event.probe.index, event.probe.id] = event
        elif isinstance(event, ProbeFinished):
            probe = event.result.probe
            self._open.pop((event.result.target, probe.index, probe.id), None)
        elif isinstance(event, TargetFailed):
            self._failed.add(event.target)

    def rest(self, error: ErrorDetail, outcome: Outcome) -> Iterator[Event]:
        """Yield what ends the run."""
        if not self._began:
            yield self._run
        now = datetime.now(timezone.utc)
        rest: list[Event] = [
            ProbeFinished(result=_unfinished(event, error, outcome, now))
            for event in self._open.values()
        ]
        rest += [
            TargetFailed(target=target, error=error)
            for target in self._run.targets or (DEFAULT_TARGET,)
            if target not in self._failed
        ]
        for event in rest:
            self._tally.add(event)
            yield event
        yield RunFinished(summary=self._summary(now))

    def _summary(self, now: datetime) -> Summary:
        took = (now - self._run.started_at).total_seconds()
        return self._tally.summary(self._run, max(took, 0.0))


def _unfinished(
    event: ProbeStarted, error: ErrorDetail, outcome: Outcome, now: datetime
) -> ProbeResult:
    return ProbeResult(
        probe=event.probe,
        target=event.target,
        outcome=outcome,
        blocking=True,
        started_at=event.at,
        duration=max((now - event.at).total_seconds(), 0.0),
        error=error,
    )
