"""SIGINT, SIGTERM and the deadline: stop asking, and write whole reports.

A second signal leaves at once. While probes run, their executor watches over
the deadline. Before that, while probe modules are imported, nobody does: there
a signal or an alarm interrupts the import itself (``interruptible``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import FrameType

from django_probe.deadline import Deadline
from django_probe.exceptions import RunEnded

__all__ = ["before_leaving", "handled", "interruptible", "is_handled"]

_leave = os._exit  # While probes run, that name is not for leaving: `no_leaving`.

SIGNALS = (signal.SIGINT, signal.SIGTERM)
RING_AGAIN = 1.0
"""Seconds between two alarms, for code that swallowed the first one."""
PATIENCE = 5
"""Alarms until an import that swallows them all is left, and the process with it."""


class _Guard:
    """What the handlers of one run know."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.importing = False
        self._signalled = False
        self._alarms = 0

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            for last in tuple(_before_leaving):
                with contextlib.suppress(Exception):
                    last()
            _leave(128 + number)
        self._signalled = True
        name = signal.Signals(number).name
        self.deadline.expire(f"interrupted ({name})", signal=number)
        _tell(f"\n{name}: writing the reports; once more to leave at once.\n")
        self._unwind()

    def on_alarm(self, number: int, frame: FrameType | None) -> None:
        self._alarms += 1
        if self.importing and self._alarms > PATIENCE:
            _tell(f"No verdict: {self.deadline.reason}, and an import cannot be interrupted.\n")
            _leave(2)
        self._unwind()

    def ended(self, *, at_once: bool = False) -> RunEnded:
        deadline = self.deadline
        return RunEnded(deadline.reason, interrupted=deadline.interrupted, at_once=at_once)

    def _unwind(self) -> None:
        if self.importing:
            raise self.ended()


_before_leaving: list[Callable[[], object]] = []

_current: ContextVar[_Guard | None] = ContextVar("django_probe_guard", default=None)


@contextlib.contextmanager
def handled(deadline: Deadline) -> Iterator[None]:
    """Let a signal end the run's deadline; the handlers before are given back at the end.

    A signal that is ignored (as of a process that a shell started in the
    background) stays so. Python allows handlers in the main thread only:
    elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    guard = _Guard(deadline)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    token = _current.set(guard)
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, guard.on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        _current.reset(token)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let the end of the run interrupt what is done in here: the import of a probe module.

    It does nothing outside of ``handled``. What holds the interpreter in C code
    cannot be interrupted, and without ``SIGALRM`` (Windows) only signals interrupt.

    Raises:
        RunEnded: the run has ended, before or meanwhile.
    """
    guard = _current.get()
    if guard is None:
        yield
        return
    if guard.deadline.passed:
        raise guard.ended(at_once=True)
    with _alarm(guard):
        guard.importing = True
        try:
            yield
        finally:
            guard.importing = False


@contextlib.contextmanager
def before_leaving(function: Callable[[], object]) -> Iterator[None]:
    """Let a function be called, for the time, before a second signal ends the process at once."""
    _before_leaving.append(function)
    try:
        yield
    finally:
        _before_leaving.remove(function)


def is_handled() -> bool:
    """Return whether a run's handlers stand here: no ``KeyboardInterrupt`` is the user's then."""
    return _current.get() is not None


@contextlib.contextmanager
def _alarm(guard: _Guard) -> Iterator[None]:
    """Ring at the deadline; whoever else uses the alarm gets it back afterwards."""
    seconds = guard.deadline.remaining()
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return
    handler = signal.signal(signal.SIGALRM, guard.on_alarm)
    timer = signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), RING_AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler if handler is not None else signal.SIG_DFL)


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
