"""Marks that have a say in the verdict: ``@retry``, ``@severity``, ``@quarantine``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any, overload

from django_probe.details import class_path
from django_probe.marks import Marked, mark_error, marker, put_mark
from django_probe.results import ENDED, Retry

__all__ = [
    "QUARANTINE_ATTRIBUTE",
    "RETRY_ATTRIBUTE",
    "SEVERITIES",
    "SEVERITY_ATTRIBUTE",
    "Quarantine",
    "quarantine",
    "retry",
    "severity",
    "today",
]

RETRY_ATTRIBUTE = "__probe_retry__"
SEVERITY_ATTRIBUTE = "__probe_severity__"
QUARANTINE_ATTRIBUTE = "__probe_quarantine__"

SEVERITIES = ("error", "warning")

_WRITTEN = "write @quarantine(owner='…', issue='…', until='2026-12-31')"

_MOST_TIMES = 100
"""More is no retry but a wait: ``--wait`` is there for that."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What ``@quarantine`` says."""

    owner: str
    issue: str
    until: date

    def holds(self, day: date) -> bool:
        """Return whether it keeps a probe from blocking on a day, in UTC."""
        return day < self.until

    def told(self, day: date) -> str:
        """Return it in words: until when, or that it has ended, and whose it is."""
        issue = f", {self.issue}" if self.issue else ""
        start = "until " if self.holds(day) else ENDED
        return f"{start}{self.until.isoformat()} ({self.owner}{issue})"


def today() -> date:
    """Return the day by which a quarantine is judged: UTC's."""
    return datetime.now(timezone.utc).date()


@overload
def retry(item: Marked, /) -> Marked: ...
@overload
def retry(
    *,
    times: int = 1,
    delay: float | None = None,
    only_on: type[BaseException] | tuple[type[BaseException], ...] = (),
) -> Callable[[Marked], Marked]: ...
def retry(item: Any = None, /, *, times: Any = 1, delay: Any = None, only_on: Any = ()) -> Any:
    """Try a probe again when it fails: up to ``times`` more.

    It goes before ``--retries``; ``times=0`` says that this probe is never tried twice.

    Args:
        times: tries after the first one, from 0 to 100.
        delay: seconds before the second try, about twice as many before each next one;
            None is what ``--retry-delay`` says.
        only_on: classes of exceptions; it is tried again only where all that was raised
            is of one of them. ``TimeoutError`` stands for the probe's own timeout, too.

    Raises:
        MarkError: a value of the wrong type.
    """
    if item is not None:
        return put_mark(item, RETRY_ATTRIBUTE, Retry())
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= _MOST_TIMES:
        raise mark_error(
            f"@retry got times={times!r}, expected a whole number from 0 to {_MOST_TIMES}:"
            " write @retry(times=2)."
        )
    if delay is not None and not _is_delay(delay):
        raise mark_error(
            f"@retry got delay={delay!r}, expected a number of seconds from 0 on:"
            " write @retry(delay=0.5)."
        )
    kinds = only_on if isinstance(only_on, tuple) else (only_on,)
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise mark_error(
            f"@retry got only_on={only_on!r}, expected classes of exceptions:"
            " write @retry(only_on=(ConnectionError,))."
        )
    delay = None if delay is None else float(delay)
    mark = Retry(times=times, delay=delay, only_on=tuple(map(class_path, kinds)))
    return marker(RETRY_ATTRIBUTE, mark)


def severity(level: str) -> Callable[[Marked], Marked]:
    """Say how bad it is when a probe fails: ``warning`` is told, and does not block.

    ``--strict`` makes it block. ``error`` is what every other probe has, for a
    method of a class that is marked ``warning``.

    Raises:
        MarkError: neither ``warning`` nor ``error``.
    """
    if level not in SEVERITIES:
        raise mark_error(
            f"@severity got {_named(level)}, expected 'warning' or 'error':"
            " write @severity('warning')."
        )
    return marker(SEVERITY_ATTRIBUTE, level)


def quarantine(
    item: None = None, /, *, owner: str = "", issue: str = "", until: str | date = ""
) -> Callable[[Marked], Marked]:
    """Let a probe run, but not block, until a day that is given.

    From that day on (0:00 UTC) the mark has no effect but to be named.

    Args:
        owner: who mends it; it cannot be left out.
        issue: where it is written down.
        until: the day, ``2026-12-31``; it cannot be left out.

    Raises:
        MarkError: no such day, or nobody who owns it.
    """
    if item is not None:
        raise mark_error(f"@quarantine got {_named(item)}, expected names: {_WRITTEN}.")
    if not isinstance(owner, str) or not owner.strip():
        raise mark_error(
            f"@quarantine got owner={owner!r}, expected a name: write whose it is to mend it."
        )
    if not isinstance(issue, str):
        raise mark_error(
            f"@quarantine got issue={issue!r}, expected text: write where it is written down."
        )
    mark = Quarantine(owner.strip(), issue.strip(), _day(until))
    return marker(QUARANTINE_ATTRIBUTE, mark)


def _is_delay(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e6


def _day(until: object) -> date:
    if isinstance(until, date) and not isinstance(until, datetime):
        return until
    with suppress(ValueError):
        # One spelling on every Python: newer ones read weeks and days without hyphens, too.
        if isinstance(until, str) and (day := date.fromisoformat(until)).isoformat() == until:
            return day
    raise mark_error(f"@quarantine got until={until!r}, expected a day that there is: {_WRITTEN}.")


def _named(item: object) -> str:
    """Return a value as a message shows it; a function has no address there."""
    return str(getattr(item, "__qualname__", None) or repr(item))
