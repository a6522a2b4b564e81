"""A wire to a report: any reporter, by name, fed as the command feeds it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from io import StringIO
from typing import Any

from django_probe.events import Event
from django_probe.formats import Format
from django_probe.reporting import hand_over
from django_probe.views.anonymous import without_names
from django_probe.views.ending import decoded
from django_probe.views.record import Run

__all__ = ["GZIP", "events_of", "pack", "render", "rendered"]

GZIP = b"\x1f\x8b"
"""What begins a body that was packed: no report does."""
WORTH_PACKING = 1024
"""Bytes."""

MOST_KEPT = 2 * 1024 * 1024
"""Bytes of one rendered report that are worth keeping with its run."""


def events_of(lines: Iterable[str], scope: str) -> Iterable[Event]:
    """Return the events of a wire, as a scope may see them."""
    events = decoded(lines)
    return without_names(events) if scope == "verdict" else events


def render(found: Format, run: Run, scope: str, **options: Any) -> bytes:
    """Return what a reporter makes of a run, as a scope may see it.

    Args:
        options: given to a reporter that ``accepts`` them, beside those of all.

    Raises:
        UnknownReporter: it refuses its options.
    """
    stream = StringIO()
    # Where probes are numbered, there is nothing that asks them again.
    command = "" if scope == "verdict" else "./manage.py probe"
    reporter = found.build(stream, color=False, verbosity=1, command=command, **options)
    for event in events_of(run.lines, scope):
        hand_over(reporter, event)
    return stream.getvalue().encode("utf-8", "replace")


def rendered(run: Run, found: Format, scope: str, *, packed: bool = False) -> bytes:
    """Return an ended run as a report, kept with the run: it is the same for all who ask.

    Args:
        packed: whether by gzip, if that is worth it.
    """
    name = found.name, scope, packed
    body: bytes | None = run.rendered.get(name)
    if body is None:
        body = pack(rendered(run, found, scope)) if packed else render(found, run, scope)
        if len(body) <= MOST_KEPT:
            run.rendered[name] = body
            run.size += len(body)
    return body


def pack(body: bytes) -> bytes:
    """Return a report packed by gzip; one that is short comes back as it is."""
    return gzip.compress(body, 6, mtime=0) if len(body) >= WORTH_PACKING else body
