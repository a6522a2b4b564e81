"""What a result says in words: one place, so that every format says the same."""

from __future__ import annotations

import re
from dataclasses import replace

from django_probe.events import FixtureFailed
from django_probe.results import (
    NON_BLOCKING,
    ErrorDetail,
    Outcome,
    Probe,
    ProbeResult,
    Summary,
)

__all__ = [
    "FAILURES",
    "body_of",
    "excuse_of",
    "fixture_error",
    "is_pass",
    "left_behind",
    "message_of",
    "nothing_ran",
    "stable",
]

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{5,}\b")

FAILURES = frozenset({Outcome.FAILED, Outcome.UNEXPECTED_SUCCESS, Outcome.PASSED})
"""Outcomes that are a failure, where a format tells failures from errors.

A probe that passed and is not shown as a pass was flaky, and that blocks.
"""

LEFT = "something may be left behind"
NOTHING_RAN = "django_probe.run.something_ran"
AFTER_ALL = 1 << 39
"""The index of what is no probe."""

_SAID = {
    Outcome.FAILED: "failed",
    Outcome.ERRORED: "raised an error",
    Outcome.TIMED_OUT: "took longer than it may",
    Outcome.UNEXPECTED_SUCCESS: "passed, though a failure was expected",
    Outcome.EXPECTED_FAILURE: "failed, as expected",
    Outcome.SKIPPED: "skipped, no reason given",
    Outcome.NOT_RUN: "did not run",
    Outcome.PASSED: "passed",
}


def excuse_of(result: ProbeResult) -> str:
    """Return why a result that is not ok does not block, "" for all others."""
    if result.outcome is Outcome.EXPECTED_FAILURE:
        return "expected failure"
    if result.blocking or result.outcome in NON_BLOCKING:
        return ""
    return "quarantined" if result.probe.quarantine_holds else "warning"


def message_of(result: ProbeResult) -> str:
    """Return what happened in short: the error's message, or the reason; never empty."""
    if result.outcome is Outcome.PASSED and result.attempts:
        return _of_attempts(result)
    text = result.reason
    if result.error is not None:
        text = result.error.message or result.error.exception_class_path
    parts = (excuse_of(result), left_behind(result), text.strip() or _SAID[result.outcome])
    return ": ".join(filter(None, parts))


def left_behind(result: ProbeResult) -> str:
    """Return that a tearDown or a cleanup failed, "" where none did: it must be seen first.

    Of the result itself, or of an earlier try: what that one left is there all the same.
    """
    if result.cleanup_errors:
        too = "" if result.error in result.cleanup_errors else " too"
        return f"cleanup failed{too}, {LEFT}"
    if any(attempt.cleanup_errors for attempt in result.attempts):
        return f"cleanup of an earlier try failed, {LEFT}"
    return ""


def body_of(result: ProbeResult) -> str:
    """Return all that went wrong: the error, failed sub-tests, cleanup errors; never empty."""
    if result.outcome is Outcome.PASSED and result.attempts:
        return "\n".join(body_of(attempt) for attempt in result.attempts)
    error = result.error
    parts = [error.traceback or message_of(result)] if error else [message_of(result)]
    if error is not None and error in result.cleanup_errors:
        parts.insert(0, f"Cleanup failed, {LEFT}:")
    for subtest in result.subtests:
        told = subtest.error and (subtest.error.traceback or subtest.error.message)
        if told and told not in parts[0]:
            parts.append(f"Sub-test {subtest.description}:\n{told}")
    for cleanup in result.cleanup_errors:
        if cleanup != error:
            told = cleanup.traceback or cleanup.message
            there = bool(error and told in error.traceback)  # With all that was recorded.
            parts.append(f"Cleanup failed too, {LEFT}:\n{cleanup.message if there else told}")
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def fixture_error(event: FixtureFailed) -> ErrorDetail:
    """Return the error of a fixture that failed after its probes; it says what that means."""
    message = event.error.message or event.error.exception_class_path
    told = message if "left behind" in message else f"{LEFT}: {message}"
    return replace(event.error, message=told)


def nothing_ran(summary: Summary) -> ProbeResult | None:
    """Return what stands for a run in which nothing ran: no report is empty, or looks green.

    None where something ran, or where that is allowed and the report has other entries.
    """
    if summary.counts.ran or (summary.ok and summary.counts.total):
        return None
    told = "Nothing ran: no probe, or all of them skipped."
    message = f"{told} --allow-empty lets that be." if summary.ok else f"{told} That is no success."
    error = ErrorDetail(exception_class_path="NothingRan", message=message)
    return ProbeResult(
        probe=Probe(id=NOTHING_RAN, label=NOTHING_RAN, index=AFTER_ALL),
        outcome=Outcome.SKIPPED if summary.ok else Outcome.ERRORED,
        started_at=summary.started_at,
        duration=0.0,
        target="",
        blocking=not summary.ok,
        error=None if summary.ok else error,
        reason=message if summary.ok else "",
    )


def is_pass(result: ProbeResult) -> bool:
    """Return whether a result is shown as a pass: a flaky one that blocks is not."""
    return result.outcome is Outcome.PASSED and not result.blocking


def _of_attempts(result: ProbeResult) -> str:
    """Return how a probe came to pass, though not at the first try."""
    tries = len(result.attempts) + 1
    start = "flaky: passed" if result.flaky else "passed"
    left = left_behind(result)
    told = f"{start} at try {tries}; the first one: {message_of(result.attempts[0])}"
    return f"{left}: {told}" if left else told


def stable(text: str) -> str:
    """Return text without memory addresses: they would make each run's report another one."""
    return _ADDRESS.sub("0x…", text) if "0x" in text else text
