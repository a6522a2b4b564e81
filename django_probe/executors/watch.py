"""Watch over what one worker thread does now, and stop it when it takes too long."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import Any

from django_probe.details import Problem
from django_probe.exceptions import ProbeTimeout
from django_probe.results import ErrorDetail, Outcome

__all__ = ["Abandoned", "Watch", "overran", "timed_out"]


class Abandoned(BaseException):
    """Unwind a worker whose probe came back after it had been given up."""


class Watch:
    """Bound each step (a probe, a fixture) of a worker in time.

    The worker says ``begin`` and ``end``; the thread that watches asks
    ``overdue``, then ``interrupt``s and, when that does not help, ``abandon``s.
    """

    def __init__(self) -> None:
        self.abandoned = False
        self._lock = threading.Lock()
        self._thread = 0
        self._began: float | None = None
        self._limit: float | None = None
        self._verdict: Problem | None = None
        self._interrupted_at = 0.0

    def begin(self, limit: float | None) -> float:
        """Start a step that may take ``limit`` seconds; return the monotonic clock."""
        self._thread = threading.get_ident()
        self._limit = limit
        self._verdict = None
        self._began = now = time.monotonic()
        return now

    def end(self) -> Problem | None:
        """End the step; return why it was interrupted, None if it was not.

        Raises:
            Abandoned: the step took so long that it was given up.
        """
        while True:
            try:
                with self._lock:
                    self._began = None
                    if self.abandoned:
                        raise Abandoned
                    if self._verdict is not None:
                        _raise_in(self._thread, None)
                    return self._verdict
            except ProbeTimeout:
                continue  # The interrupt came as late as this.

    def overdue(self, now: float) -> bool:
        """Return whether the step has outlived its limit and nobody has said so yet."""
        began, limit = self._began, self._limit
        return (
            began is not None
            and limit is not None
            and self._verdict is None
            and now - began > limit
        )

    def unresponsive(self, now: float, grace: float) -> bool:
        """Return whether an interrupted step goes on after ``grace`` seconds."""
        return (
            self._began is not None
            and self._verdict is not None
            and now - self._interrupted_at >= grace
        )

    @property
    def busy(self) -> bool:
        """Return whether a step is under way."""
        return self._began is not None and not self.abandoned

    @property
    def elapsed(self) -> float:
        """Return the seconds that the step under way has taken."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    @property
    def limit(self) -> float | None:
        """Return the seconds that the step may take."""
        return self._limit

    def interrupt(self, verdict: Problem) -> bool:
        """Raise ``ProbeTimeout`` in the step; return whether there still is one."""
        with self._lock:
            if self._began is None or self._verdict is not None:
                return False
            self._verdict = verdict
            self._interrupted_at = time.monotonic()
            _raise_in(self._thread, ProbeTimeout)
            return True

    def abandon(self) -> Problem | None:
        """Give the step up; return its verdict, None if it has ended by itself."""
        with self._lock:
            if self._began is None:
                return None
            self.abandoned = True
            return self._verdict

    def stack(self) -> str:
        """Return where the step is now: the frames of the probe's own side of unittest."""
        frame = sys._current_frames().get(self._thread)
        if frame is None:
            return ""
        summary = list(traceback.walk_stack(frame))
        summary.reverse()
        told = traceback.StackSummary.extract(iter(_own_frames(summary)))
        return "".join(told.format())


def overran(limit: float | None, where: str = "") -> Problem:
    """Return the verdict on a step that took longer than its timeout."""
    return timed_out(f"took longer than its timeout of {limit:g} s", where)


def timed_out(message: str, stack: str = "") -> Problem:
    """Return a verdict of ``timed_out``; the stack says where it hangs."""
    text = f"Where it was (most recent call last):\n{stack}" if stack else ""
    error = ErrorDetail(exception_class_path="Timeout", message=message, traceback=text + message)
    return Problem(outcome=Outcome.TIMED_OUT, error=error)


def _own_frames(frames: list[Any]) -> list[Any]:
    """Leave out the frames above the probe: the worker's and unittest's."""
    last = -1
    for position, (frame, _line) in enumerate(frames):
        name = frame.f_globals.get("__name__", "")
        if "__unittest" in frame.f_globals or name.startswith("django_probe."):
            last = position
    return frames[last + 1 :] or frames


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in a thread at its next bytecode; None takes it back."""
    import ctypes

    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)
