"""Leaving a process: a probe may not end that of the run, a child that it forks has to end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

__all__ = ["leave_child", "no_leaving"]

_leave = os._exit
_lock = threading.Lock()
_runs = 0
_process = 0


@contextmanager
def no_leaving() -> Iterator[None]:
    """Let ``os._exit`` raise ``SystemExit`` for the time, in this process alone.

    A run that ends in the middle has no reports, and with ``os._exit(0)`` it would look
    green. A child process that a probe has forked leaves as ever.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def leave_child() -> NoReturn:
    """End a child that a probe has forked and that has come back out of the probe.

    All that follows is its parent's to do: to tear down, to tell the result, to run the
    other probes. Nothing is flushed: what waits in buffers is the parent's too. The status
    is Python's for a program: 0, 1 after an exception, or what ``sys.exit`` was given.
    """
    exc = sys.exc_info()[1]
    status: object = exc.code if isinstance(exc, SystemExit) else exc and 1
    _leave(status & 0xFF if isinstance(status, int) else int(status is not None))


def _count(more: int) -> None:
    """Take note that a run begins or ends: several may be under way, for several targets."""
    global _runs, _process
    with _lock:
        _runs, _process = _runs + more, os.getpid()
        os._exit = _stay if _runs else _leave


def _stay(status: int) -> NoReturn:
    if os.getpid() != _process:
        _leave(status)
    raise SystemExit(f"os._exit({status}) would have ended the whole run")
