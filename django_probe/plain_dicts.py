"""Records as plain dicts: what the wire and reports that are JSON are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django_probe.events import (
    Event,
    FixtureFailed,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.results import (
    Counts,
    ErrorDetail,
    Outcome,
    ProbeResult,
    SubTestResult,
    Summary,
)

__all__ = ["counts_to_dict", "error_to_dict", "event_to_dict", "result_to_dict"]


def event_to_dict(event: Event) -> tuple[str, dict[str, Any]]:
    """Return the name of an event that is no probe's, and what it tells."""
    return _DICTS[type(event)](event)


def result_to_dict(result: ProbeResult) -> dict[str, Any]:
    """Return a result with the keys of the JSON report, in their order."""
    probe = result.probe
    return {
        "id": probe.id,
        "label": probe.label,
        "target": result.target,
        "outcome": result.outcome.value,
        "blocking": result.blocking,
        "duration": round(result.duration, 6),
        "started_at": result.started_at.isoformat(),
        "description": probe.description,
        "tags": probe.tags,
        "source": probe.source,
        "severity": probe.severity,
        "quarantine": probe.quarantine,
        "error": error_to_dict(result.error),
        "reason": result.reason,
        "subtests": [_subtest_to_dict(subtest) for subtest in result.subtests],
        "cleanup_errors": [error_to_dict(error) for error in result.cleanup_errors],
        "stdout": result.stdout,
        "stderr": result.stderr,
        "attempts": [result_to_dict(attempt) for attempt in result.attempts],
        "flaky": result.flaky,
    }


def error_to_dict(error: ErrorDetail | None) -> dict[str, str] | None:
    """Return an error with the keys of the JSON report."""
    if error is None:
        return None
    return {
        "exception_class_path": error.exception_class_path,
        "message": error.message,
        "traceback": error.traceback,
    }


def counts_to_dict(counts: Counts) -> dict[str, Any]:
    """Return counts with one key per outcome, zeros included."""
    return {
        "total": counts.total,
        **{outcome.value: counts.of(outcome) for outcome in Outcome},
        "blocking": counts.blocking,
        "flaky": counts.flaky,
        "subtests": {outcome.value: n for outcome, n in counts.subtests.items()},
    }


def _subtest_to_dict(subtest: SubTestResult) -> dict[str, Any]:
    return {
        "description": subtest.description,
        "outcome": subtest.outcome.value,
        "error": error_to_dict(subtest.error),
        **({} if subtest.count == 1 else {"count": subtest.count}),
    }


def _started_to_dict(event: RunStarted) -> dict[str, Any]:
    body = {name: getattr(event, name) for name in RunStarted.__slots__}
    return {**body, "started_at": event.started_at.isoformat()}


def _target_to_dict(event: TargetStarted) -> dict[str, Any]:
    body = {name: getattr(event, name) for name in TargetStarted.__slots__}
    return {**body, "at": event.at.isoformat()}


def _summary_to_dict(summary: Summary) -> dict[str, Any]:
    return {
        "run_id": summary.run_id,
        "started_at": summary.started_at.isoformat(),
        "duration": round(summary.duration, 6),
        "ok": summary.ok,
        "exit_code": summary.exit_code,
        "counts": counts_to_dict(summary.counts),
        "by_target": {name: counts_to_dict(counts) for name, counts in summary.by_target.items()},
        "fixture_errors": summary.fixture_errors,
        "failed_targets": summary.failed_targets,
        "reporter_errors": summary.reporter_errors,
        "report_exists": summary.report_exists,
        "interrupted": summary.interrupted,
        **({"allow_empty": True} if summary.allow_empty else {}),
    }


_DICTS: Mapping[type[Any], Callable[[Any], tuple[str, dict[str, Any]]]] = {
    RunStarted: lambda e: ("run_started", _started_to_dict(e)),
    TargetStarted: lambda e: ("target_started", _target_to_dict(e)),
    FixtureFailed: lambda e: (
        "fixture_failed",
        {
            "target": e.target,
            "fixture": e.fixture,
            "error": error_to_dict(e.error),
            "source": e.source,
        },
    ),
    TargetFailed: lambda e: (
        "target_failed",
        {"target": e.target, "error": error_to_dict(e.error)},
    ),
    RunFinished: lambda e: ("run_finished", {"summary": _summary_to_dict(e.summary)}),
}
