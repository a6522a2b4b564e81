"""Which kinds of results the page tells apart."""

from __future__ import annotations

from collections.abc import Mapping

from django_probe.results import NON_BLOCKING, Outcome, ProbeResult
from django_probe.telling import left_behind

__all__ = ["KINDS", "counted", "has_more", "kind_of"]

KINDS: Mapping[str, str] = {
    "timed_out": "timed out",
    "errored": "errored",
    "failed": "failed",
    "unexpected_success": "unexpected success",
    "not_run": "not run",
    "flaky_blocks": "flaky, blocks",
    "warning": "warning",
    "quarantined": "quarantined",
    "left_behind": "left behind",
    "flaky": "flaky",
    "expected_failure": "expected failure",
    "skipped": "skipped",
    "passed": "passed",
}
"""How results are told apart, with the word for each; what needs a look comes first."""


_PLURALS = {
    "unexpected_success": "unexpected successes",
    "warning": "warnings",
    "expected_failure": "expected failures",
}


def counted(kind: str, number: int) -> str:
    """Return the word for so many results of a kind: ``1 warning``, ``2 warnings``."""
    return KINDS[kind] if number == 1 else _PLURALS.get(kind, KINDS[kind])


def kind_of(result: ProbeResult) -> str:
    """Return which of ``KINDS`` a result is."""
    if result.outcome not in NON_BLOCKING and not result.blocking:
        return "quarantined" if result.probe.quarantine_holds else "warning"
    if result.outcome is not Outcome.PASSED:
        return str(result.outcome)
    if result.blocking:
        return "flaky_blocks"
    if result.attempts and left_behind(result):
        return "left_behind"
    return "flaky" if result.flaky else "passed"


def has_more(result: ProbeResult) -> bool:
    """Return whether there is more to tell of a result than a line."""
    return bool(
        result.outcome is not Outcome.PASSED
        or result.stdout
        or result.stderr
        or result.flaky
        or result.attempts
        or result.subtests
        or result.cleanup_errors
        or result.error
    )
