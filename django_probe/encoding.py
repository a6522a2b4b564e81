"""Records as JSON: for the wire, and for reports that are JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from django_probe.events import Event, ProbeFinished, ProbeStarted
from django_probe.plain_dicts import event_to_dict, result_to_dict
from django_probe.results import Outcome, Probe, ProbeResult

__all__ = ["WIRE_VERSION", "encode", "encode_result", "result_to_json"]

WIRE_VERSION = 1

_dumps: Callable[[object], str] = json.JSONEncoder(ensure_ascii=True).encode
_quote: Callable[[str], str] = json.encoder.encode_basestring_ascii


def encode(event: Event) -> str:
    """Return the event as one line of the wire, without its newline."""
    kind = type(event)
    if kind is ProbeFinished:
        return encode_result(event.result)  # type: ignore[union-attr]
    if kind is ProbeStarted:
        return _started_to_json(event)  # type: ignore[arg-type]
    name, body = event_to_dict(event)
    return _dumps({"v": WIRE_VERSION, "event": name, **body})


def result_to_json(result: ProbeResult, target: str | None) -> str:
    """Return ``result_to_dict`` as JSON, with the target as it is to be shown.

    Nearly all results are plain passes, which differ in a few values only: for
    them the rest of the text is written down here.
    """
    if not _is_plain(result):
        return _dumps({**result_to_dict(result), "target": target})
    _, name, about, verdict = _of_probe(result.probe)
    shown = "null" if target is None else _quote(target)
    return (
        f'{{{name}, "target": {shown},'
        f' "outcome": "passed", "blocking": false, "duration": {result.duration:.6f},'
        f' "started_at": "{_iso(result.started_at)}", {about}, {verdict},'
        ' "error": null, "reason": "", "subtests": [],'
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
    )


# What both lines of a probe say, its start and its result, is asked for twice in a row.
_last_moment: list[tuple[datetime | None, str]] = [(None, "")]
_last_probe: list[tuple[Probe | None, str, str, str]] = [(None, "", "", "")]


def _iso(moment: datetime) -> str:
    """Return a moment as text."""
    last = _last_moment[0]
    if last[0] is not moment:
        last = _last_moment[0] = moment, moment.isoformat()
    return last[1]


def _of_probe(probe: Probe) -> tuple[Probe | None, str, str, str]:
    """Return a probe and, as JSON, how it is named, what it is, what it means when it fails."""
    last = _last_probe[0]
    if last[0] is not probe:
        quarantine = "null" if probe.quarantine is None else _quote(probe.quarantine)
        last = _last_probe[0] = (
            probe,
            f'"id": {_quote(probe.id)}, "label": {_quote(probe.label)}',
            f'"description": {_quote(probe.description)},'
            f' "tags": {_dumps(probe.tags) if probe.tags else "[]"}',
            f'"source": {_quote(probe.source)}, "severity": {_quote(probe.severity)},'
            f' "quarantine": {quarantine}',
        )
    return last


def encode_result(result: ProbeResult) -> str:
    """Return the line of the wire of ``ProbeFinished``."""
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
    _, name, about, verdict = _of_probe(probe)
    timeout = "null" if probe.timeout is None else repr(probe.timeout)
    return (
        f'{{"v": {WIRE_VERSION}, "event": "probe_started", "probe": {{{name},'
        f' "index": {probe.index}, {about}, "timeout": {timeout},'
        f" {verdict}{_marks_to_json(probe)}}},"
        f' "target": {_quote(event.target)},'
        f' "at": "{_iso(event.at)}"}}'
    )


_AGAIN = ', "again": true'


def _marks_to_json(probe: Probe) -> str:
    """Return the keys of marks that few probes have."""
    retry = "" if probe.retry is None else f', "retry": {_dumps(asdict(probe.retry))}'
    return f'{retry}, "only_on": {_dumps(probe.only_on)}' if probe.only_on else retry
