"""A wire to a report: any reporter, by name, fed as the command feeds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from django_probe.events import Event
from django_probe.formats import Format
from django_probe.reporting import hand_over
from django_probe.views.anonymous import without_names
from django_probe.views.ending import decoded
from django_probe.views.record import Run

__all__ = ["events_of", "render", "rendered"]

MOST_KEPT = 2 * 1024 * 1024
"""Bytes of one rendered report that are worth keeping with its run."""


def events_of(lines: Iterable[str], scope: str) -> Iterable[Event]:
    """Return the events of a wire, as a scope may see them."""
    events = decoded(lines)
    return without_names(events) if scope == "verdict" else events


def render(found: Format, events: Iterable[Event], options: Mapping[str, Any]) -> bytes:
    """Return what a reporter makes of events.

    Args:
        options: given to a reporter that ``accepts`` them.

    Raises:
        UnknownReporter: it refuses its options.
    """
    stream = StringIO()
    reporter = found.build(stream, **options)
    for event in events:
        hand_over(reporter, event)
    return stream.getvalue().encode("utf-8", "replace")


def rendered(run: Run, found: Format, scope: str) -> bytes:
    """Return an ended run as a report, kept with the run: it is the same for all who ask."""
    name = found.name, scope
    body: bytes | None = run.rendered.get(name)
    if body is None:
        options = {"color": False, "verbosity": 1, "command": "./manage.py probe"}
        body = render(found, events_of(run.lines, scope), options)
        if len(body) <= MOST_KEPT:
            run.rendered[name] = body
    return body
