"""Lines of the wire that fit: who reads it from another deployment takes no longer ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from django_probe.encoding import encode_result
from django_probe.results import ErrorDetail, Outcome, ProbeResult, SubTestResult
from django_probe.sanitizing import clean
from django_probe.wire_lines import LINE_LIMIT

__all__ = ["fitting_line"]

LIMITS = (32 * 1024, 8 * 1024, 1024, 128)
"""Characters of each text, one after the other, until the line fits."""
NAMED = 100
"""Sub-tests of each try that keep their names where nothing else helps."""


def fitting_line(result: ProbeResult) -> str:
    """Return a result as a line of the wire, without its newline.

    Texts are cut where it would be longer than ``LINE_LIMIT``: output that is not
    ASCII grows twelvefold in JSON, and each try has some.
    """
    line = encode_result(result)
    for limit in LIMITS:
        if len(line) < LINE_LIMIT:
            break
        line = encode_result(_shortened(result, limit))
    if len(line) >= LINE_LIMIT:
        line = encode_result(_counted(_shortened(result, LIMITS[-1])))
    return line


def _shortened(result: ProbeResult, limit: int) -> ProbeResult:
    return replace(
        result,
        stdout=_cut(result.stdout, limit),
        stderr=_cut(result.stderr, limit),
        error=result.error and _error(result.error, limit),
        cleanup_errors=tuple(_error(error, limit) for error in result.cleanup_errors),
        subtests=tuple(_subtest(subtest, limit) for subtest in result.subtests),
        attempts=tuple(_shortened(attempt, limit) for attempt in result.attempts),
    )


def _counted(result: ProbeResult) -> ProbeResult:
    """Return a result whose sub-tests after the first ones are but counted."""
    others: Counter[Outcome] = Counter()
    for subtest in result.subtests[NAMED:]:
        others[subtest.outcome] += subtest.count
    more = (
        SubTestResult(
            description=f"[… {count} more sub-tests {outcome}]", outcome=outcome, count=count
        )
        for outcome, count in others.items()
    )
    attempts = tuple(map(_counted, result.attempts))
    return replace(result, subtests=(*result.subtests[:NAMED], *more), attempts=attempts)


def _error(error: ErrorDetail, limit: int) -> ErrorDetail:
    message, traceback = _cut(error.message, limit), _cut(error.traceback, limit)
    return replace(error, message=message, traceback=traceback)


def _subtest(subtest: SubTestResult, limit: int) -> SubTestResult:
    return replace(subtest, error=subtest.error and _error(subtest.error, limit))


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return clean(f"{text[:half]}\n[… {len(text) - limit} characters cut …]\n{text[-half:]}")
