"""Records as plain dicts and JSON: for the wire, and for reports that are JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

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
from django_probe.results import (
    Counts,
    ErrorDetail,
    Outcome,
    Probe,
    ProbeResult,
    SubTestResult,
    Summary,
)

__all__ = [
    "WIRE_VERSION",
    "counts_to_dict",
    "encode",
    "error_to_dict",
    "result_to_dict",
    "result_to_json",
]

WIRE_VERSION = 1


def encode(event: Event) -> str:
    """Return the event as one line of the wire, without its newline."""
    kind = type(event)
    if kind is ProbeFinished:
        return _finished_to_json(event)  # type: ignore[arg-type]
    if kind is ProbeStarted:
        return _started_to_json(event)  # type: ignore[arg-type]
    name, body = _ENCODERS[kind](event)
    return _dumps({"v": WIRE_VERSION, "event": name, **body})


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


def result_to_json(result: ProbeResult, target: str | None) -> str:
    """Return ``result_to_dict`` as JSON, with the target as it is to be shown.

    Nearly all results are plain passes, which differ in a few values only: for
    them the rest of the text is written down here.
    """
    if not _is_plain(result):
        return _dumps({**result_to_dict(result), "target": target})
    probe = result.probe
    shown = "null" if target is None else _quote(target)
    return (
        f'{{"id": {_quote(probe.id)}, "label": {_quote(probe.label)}, "target": {shown},'
        f' "outcome": "passed", "blocking": false, "duration": {result.duration:.6f},'
        f' "started_at": "{_iso(result.started_at)}",'
        f' "description": {_quote(probe.description)},'
        f' "tags": {_dumps(probe.tags) if probe.tags else "[]"},'
        f' "source": {_quote(probe.source)}, "severity": {_quote(probe.severity)},'
        ' "quarantine": null, "error": null, "reason": "", "subtests": [],'
        ' "cleanup_errors": [], "stdout": "", "stderr": "", "attempts": [], "flaky": false}'
    )


def _is_plain(result: ProbeResult) -> bool:
    return (
        result.outcome is Outcome.PASSED
        and not result.stdout
        and not result.stderr
        and not result.subtests
        and not result.attempts
        and not result.flaky
        and not result.reason
        and result.error is None
        and not result.cleanup_errors
        and not result.blocking
        and result.probe.quarantine is None
    )


_moment: list[Any] = [None, ""]


def _iso(moment: datetime) -> str:
    """Return a moment as text; a probe's start is asked for twice in a row."""
    if moment is not _moment[0]:
        _moment[:] = moment, moment.isoformat()
    text: str = _moment[1]
    return text


def _finished_to_json(event: ProbeFinished) -> str:
    result = event.result
    probe = result.probe
    timeout = "null" if probe.timeout is None else repr(probe.timeout)
    return (
        f'{{"v": {WIRE_VERSION}, "event": "probe_finished", "result":'
        f' {result_to_json(result, result.target)[:-1]}, "index": {probe.index},'
        f' "timeout": {timeout}, "worker": {_quote(result.worker)}{_marks_to_json(probe)}'
        f"{_AGAIN if result.again else ''}}}}}"
    )


def _started_to_json(event: ProbeStarted) -> str:
    probe = event.probe
    return (
        f'{{"v": {WIRE_VERSION}, "event": "probe_started", "probe": {{"id": {_quote(probe.id)},'
        f' "label": {_quote(probe.label)}, "index": {probe.index},'
        f' "description": {_quote(probe.description)},'
        f' "tags": {_dumps(probe.tags) if probe.tags else "[]"},'
        f' "timeout": {"null" if probe.timeout is None else repr(probe.timeout)},'
        f' "source": {_quote(probe.source)}, "severity": {_quote(probe.severity)},'
        f' "quarantine": {_dumps(probe.quarantine)}{_marks_to_json(probe)}}},'
        f' "target": {_quote(event.target)},'
        f' "at": "{_iso(event.at)}"}}'
    )


_AGAIN = ', "again": true'


def _marks_to_json(probe: Probe) -> str:
    """Return the keys of marks that few probes have."""
    retry = "" if probe.retry is None else f', "retry": {_dumps(asdict(probe.retry))}'
    return f'{retry}, "only_on": {_dumps(probe.only_on)}' if probe.only_on else retry


def counts_to_dict(counts: Counts) -> dict[str, Any]:
    """Return counts with one key per outcome, zeros included."""
    return {
        "total": counts.total,
        **{outcome.value: counts.of(outcome) for outcome in Outcome},
        "blocking": counts.blocking,
        "flaky": counts.flaky,
        "subtests": {outcome.value: n for outcome, n in counts.subtests.items()},
    }


_dumps: Callable[[object], str] = json.JSONEncoder(ensure_ascii=True).encode
_quote: Callable[[str], str] = json.encoder.encode_basestring_ascii


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


_ENCODERS: Mapping[type[Any], Callable[[Any], tuple[str, dict[str, Any]]]] = {
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
