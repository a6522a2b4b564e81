"""The one loop: a target's events, counted, to all reporters, until a verdict."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from functools import partial
from typing import cast

from django_probe.deadline import Deadline
from django_probe.details import class_path, text_of
from django_probe.events import Event, RunFinished, RunStarted, TargetFailed
from django_probe.exceptions import TargetLoop
from django_probe.reporting import ReporterGroup
from django_probe.results import ErrorDetail, Summary
from django_probe.rounds import asked
from django_probe.rules import Rules
from django_probe.selection import Selection
from django_probe.tally import Tally
from django_probe.targets.base import Target

__all__ = ["run"]


def run(
    target: Target,
    selection: Selection,
    reports: ReporterGroup,
    deadline: Deadline,
    *,
    rules: Rules = Rules(),  # noqa: B008 - it is frozen
    guard: Callable[[Deadline], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
    tell: Callable[[str], None] = print,
) -> Summary:
    """Ask a target until it is decided, feed all reports, return the verdict.

    Args:
        rules: whether it is asked again.
        guard: entered for the time of the run: signal handlers.
        tell: takes lines on rounds, for a person.

    Raises:
        ProbeError: nothing could be asked, or an output not opened; no probe has run.
    """
    began = time.monotonic()
    ask = partial(_events, target, deadline, reports.shown)
    told = asked(ask, selection, rules, deadline, begin=reports.open, tell=tell)
    with guard(deadline), contextlib.closing(told) as events:
        try:
            started = cast("RunStarted", next(events))
            reports.feed(started)
            tally = _feed(events, reports)
            took = target.took(time.monotonic() - began)
            known = {"interrupted": deadline.signal, "allow_empty": rules.allow_empty}
            summary = tally.summary(started, took, **known)
            reports.feed(RunFinished(summary=_with_losses(summary, reports)))
            reports.close()
        except BaseException:
            reports.discard()
            raise
    return _with_losses(summary, reports)


def _feed(events: Iterable[Event], reports: ReporterGroup) -> Tally:
    """Count each event and hand it to the reports; return the counts."""
    tally = Tally()
    for event in events:
        tally.add(event)
        reports.feed(event)
    return tally


def _with_losses(summary: Summary, reports: ReporterGroup) -> Summary:
    """Return a summary with the reports that could not be written up to now."""
    return replace(
        summary, reporter_errors=tuple(reports.errors), report_exists=reports.report_exists
    )


def _events(
    target: Target, deadline: Deadline, shown: Callable[[str], str], selection: Selection
) -> Generator[Event, None, None]:
    """Yield what a target tells; what it raises in the middle is told as an event.

    What it raises before its first event means that nothing could be asked.
    """
    events = target.run(selection, deadline)
    yield next(events)
    try:
        yield from events
    except TargetLoop:
        raise
    except Exception as exc:
        error = ErrorDetail(exception_class_path=class_path(type(exc)), message=shown(text_of(exc)))
        yield TargetFailed(target=target.alias, error=error)
