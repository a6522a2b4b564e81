"""What another deployment tells, made fit for a report of this run: nothing of it is trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from django_probe.exceptions import WireError
from django_probe.policy import blocks
from django_probe.redaction import TEXT_LIMIT
from django_probe.results import ErrorDetail, Probe, ProbeResult, SubTestResult
from django_probe.run_config import RunConfig
from django_probe.sanitizing import one_line
from django_probe.scrubbing import MESSAGE_LIMIT, NAME_LIMIT, Scrubber

__all__ = ["Foreign", "moment", "number"]

MOST = 20_000
"""Tags, sub-tests, errors and tries of one result."""
GREATEST = 1e9
"""Seconds, and places in a plan."""


class Foreign:
    """Check and clean the records of one target.

    Args:
        config: how this run judges, and what it masks.
        alias: what the target is called here.
    """

    def __init__(self, config: RunConfig, alias: str) -> None:
        self._config = config
        self._alias = alias
        self._scrubber = Scrubber(config.redactor)
        self._as_it_is = False

    def look_at(self, line: str) -> None:
        """Take the line that the next records come from: most need no second look.

        A line without escapes holds every text of its records as it is.
        """
        short = len(line) <= NAME_LIMIT
        self._as_it_is = short and "\\" not in line and self._config.redactor.is_harmless(line)

    def name(self, value: object) -> str:
        """Return a text that may be shown, on one line."""
        return self._text(value, NAME_LIMIT, one_line)

    def message(self, value: object) -> str:
        """Return a text of several lines that may be shown."""
        return self._text(value, MESSAGE_LIMIT)

    def error(self, error: ErrorDetail) -> ErrorDetail:
        """Return an error that may be shown."""
        return ErrorDetail(
            exception_class_path=self.name(error.exception_class_path),
            message=self.message(error.message),
            traceback=self._text(error.traceback, TEXT_LIMIT),
        )

    def probe(self, probe: Probe) -> Probe:
        """Return the record of a probe; its marks for retries are no affair of this run."""
        if probe.severity not in ("error", "warning"):
            raise WireError(f"A severity of its wire is {str(probe.severity)[:80]!r}.")
        return Probe(
            id=self.name(probe.id),
            label=self.name(probe.label),
            index=int(number(probe.index)),
            description=self.name(probe.description),
            tags=tuple(map(self.name, _few(probe.tags))),
            timeout=None if probe.timeout is None else number(probe.timeout),
            source=self.name(probe.source),
            severity=probe.severity,
            quarantine=None if probe.quarantine is None else self.name(probe.quarantine),
        )

    def result(self, result: ProbeResult) -> ProbeResult:
        """Return a result, judged by this run."""
        probe = self.probe(result.probe)
        told = self._tried(result, probe)
        attempts = (self._tried(attempt, probe) for attempt in _few(result.attempts))
        flaky = result.flaky is True
        return replace(
            told,
            attempts=tuple(attempts),
            flaky=flaky,
            blocking=blocks(self._config, probe, result.outcome, flaky=flaky),
        )

    def _tried(self, result: ProbeResult, probe: Probe) -> ProbeResult:
        return ProbeResult(
            probe=probe,
            target=self._alias,
            outcome=result.outcome,
            started_at=moment(result.started_at),
            duration=number(result.duration),
            error=result.error and self.error(result.error),
            reason=self.message(result.reason),
            subtests=tuple(map(self._subtest, _few(result.subtests))),
            cleanup_errors=tuple(map(self.error, _few(result.cleanup_errors))),
            stdout=self._text(result.stdout, TEXT_LIMIT),
            stderr=self._text(result.stderr, TEXT_LIMIT),
            worker=self.name(result.worker),
        )

    def _subtest(self, subtest: SubTestResult) -> SubTestResult:
        return SubTestResult(
            description=self.name(subtest.description),
            outcome=subtest.outcome,
            error=subtest.error and self.error(subtest.error),
            count=int(number(subtest.count)),
        )

    def _text(self, value: object, limit: int, fold: Callable[[str], str] = str) -> str:
        if not isinstance(value, str):
            raise WireError(f"A text of its wire is {str(value)[:80]!r}.")
        return value if self._as_it_is else fold(self._scrubber.text(value, limit))


def moment(value: datetime) -> datetime:
    """Return a moment of a wire in UTC.

    Raises:
        WireError: it has no offset, or none that can be taken away.
    """
    try:
        offset = value.utcoffset()
        if offset is None:
            raise WireError(f"A time of its wire has no offset: {value.isoformat()}.")
        return value if not offset else value.astimezone(timezone.utc)
    except OverflowError as exc:
        raise WireError(f"A time of its wire is out of range: {value.isoformat()}.") from exc


def number(value: Any) -> float:
    """Return a number of a wire as a float.

    Raises:
        WireError: it is none, or out of range.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= GREATEST:  # Nor is what is no number.
        raise WireError(f"A number of its wire is {str(value)[:80]!r}.")
    return float(value)


def _few(values: Iterable[Any]) -> tuple[Any, ...]:
    found = tuple(values)
    if len(found) > MOST:
        raise WireError(f"A list of its wire has {len(found)} entries, expected {MOST} at most.")
    return found
