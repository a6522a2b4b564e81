"""Marked traffic: what a probe sends and logs can be told from what people do."""

from __future__ import annotations

import logging
import os
import re
from contextvars import ContextVar
from threading import get_ident
from urllib.parse import quote

from django_probe.strangers import is_stranger

__all__ = ["ProbeLogFilter", "current_label", "current_run", "mark", "probe_headers"]

# Context variables follow tasks and ``to_thread``, as those of the output do.
current_run: ContextVar[str] = ContextVar("django_probe_run", default="")
"""The id of the run whose probe this is; "" outside of probes."""
current_label: ContextVar[str] = ContextVar("django_probe_label", default="")
"""The label of the probe that runs here; a class or module fixture has one of its probes'."""

_marks: dict[int, tuple[str, str]] = {}
"""(run, label) by the worker's thread, for threads that probes start: they have no context."""

LABEL_LIMIT = 200
"""Characters of a label in a header: servers take 8 KiB for all of them."""

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_UNQUOTED = "/:@+=()[]"


def mark(run: str, label: str = "") -> None:
    """Mark what the calling worker does from now on; without a run mark it no more."""
    if current_run.get() != run:  # To set one costs more, and it is the same for all probes.
        current_run.set(run)
    current_label.set(label)
    if run:
        _marks[get_ident()] = run, label
    else:
        _marks.pop(get_ident(), None)


def probe_headers() -> dict[str, str]:
    """Return HTTP headers that mark a request as a probe's; none outside of a probe.

    ``traceparent`` (W3C Trace Context: one trace for a run, a new span for each
    call, sampled) and ``X-Probe: run/label``, percent-encoded where a label has
    what a header cannot hold.
    """
    run, label = _marks_here()
    if not run:
        return {}
    label = quote(label[:LABEL_LIMIT], safe=_UNQUOTED, errors="replace")
    return {
        "traceparent": f"00-{_trace_id(run)}-{os.urandom(8).hex()}-01",
        "X-Probe": f"{quote(run, safe='')}/{label}",
    }


class ProbeLogFilter(logging.Filter):
    """Give each log record ``probe_run`` and ``probe_label``; "" outside of a probe.

    It lets every record pass: ``{"()": "django_probe.traffic.ProbeLogFilter"}``
    among the ``filters`` of ``LOGGING``.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the two attributes; return True."""
        record.probe_run, record.probe_label = _marks_here()
        return True


def _marks_here() -> tuple[str, str]:
    """Return (run, label); a plain thread of a probe has its label while no other one runs."""
    run = current_run.get()
    if run or not _marks or is_stranger():
        return run, current_label.get()
    running = set(_marks.values())
    run, label = running.pop()
    return run, "" if running else label


def _trace_id(run: str) -> str:
    """Return the run's id where it is a trace id already, as ours are, else one made of it."""
    if _TRACE_ID.fullmatch(run):
        return run
    from hashlib import sha256

    return sha256(run.encode("utf-8", "replace")).hexdigest()[:32]
