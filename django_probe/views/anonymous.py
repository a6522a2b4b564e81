"""A run as the scope ``verdict`` sees it: whether all is well and how many, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    RunFinished,
    RunStarted,
    TargetFailed,
)
from django_probe.results import (
    DEFAULT_TARGET,
    ErrorDetail,
    Outcome,
    Probe,
    ProbeResult,
    Summary,
)

__all__ = ["without_names"]

UNTOLD = ErrorDetail(exception_class_path="Untold", message="told to the scope 'report' only")


def without_names(events: Iterable[Event]) -> Iterator[Event]:
    """Yield a run that has the counts of another one, and nothing else of it.

    Its probes are numbered, the worst outcomes first. So each format counts the
    same as for those who may see all.
    """
    started, summary = None, None
    for event in events:
        if isinstance(event, RunStarted):
            started = event
        elif isinstance(event, RunFinished):
            summary = event.summary
    if started is None or summary is None:
        return
    yield replace(
        started,
        targets=(DEFAULT_TARGET,),
        planned=summary.counts.total,
        labels=(),
        release="",
        instance="",
        seed=None,
    )
    yield from _results(summary)
    for _ in range(summary.fixture_errors):
        yield FixtureFailed(fixture="fixture", error=UNTOLD)
    for _ in summary.failed_targets:
        yield TargetFailed(target=DEFAULT_TARGET, error=UNTOLD)
    failed = (DEFAULT_TARGET,) * len(summary.failed_targets)
    yield RunFinished(
        summary=replace(summary, by_target={}, failed_targets=failed, reporter_errors=())
    )


def _results(summary: Summary) -> Iterator[Event]:
    counts = summary.counts
    outcomes = [outcome for outcome in Outcome for _ in range(counts.of(outcome))]
    for index, outcome in enumerate(outcomes):
        name = f"probe-{index + 1}"
        blocking = index < counts.blocking
        yield ProbeFinished(
            result=ProbeResult(
                probe=Probe(id=name, label=name, index=index),
                outcome=outcome,
                started_at=summary.started_at,
                duration=0.0,
                blocking=blocking,
                error=UNTOLD if blocking else None,
            )
        )
