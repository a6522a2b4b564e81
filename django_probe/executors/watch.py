"""Watch over what one worker thread does now, and stop it when it takes too long."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable

from django_probe.deadline import Deadline
from django_probe.details import Problem, kinds_of
from django_probe.exceptions import ProbeTimeout
from django_probe.executors.leaving import leave_child
from django_probe.results import ErrorDetail, Outcome
from django_probe.tracebacks import TIMEOUT

__all__ = ["SETTLING", "Abandoned", "Step", "Watch", "bounded", "cut_short", "overran", "timed_out"]

SETTLING = 1.0
"""Seconds for taking back what a step had that was stopped."""

_set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
# Written in Python, these leave a lock taken when an exception comes in them: before the
# `try` or `with` of their caller has begun, or before the lock is free.
_UNSAFE = frozenset(
    "acquire release handle __enter__ __exit__ __aenter__ __aexit__ _acquireLock _releaseLock"
    " _acquire_restore _release_save".split()
)

Step = tuple[float, "float | None"]
"""When a step began, by the monotonic clock, and the seconds that it may take."""


class Abandoned(BaseException):
    """Unwind a worker whose probe came back after it had been given up."""


class Watch:
    """Bound each step (a probe, a fixture) of a worker in time.

    The worker says ``begin`` and ``end``, by way of ``bounded``; the thread that
    watches asks ``overdue``, then ``interrupt``s and, when that does not help,
    ``abandon``s. A step is one tuple, never changed: what was seen of one can
    not be taken for the next.
    """

    def __init__(self) -> None:
        self.abandoned = False
        self.steps = 0
        """Steps that have ended: a sign of life."""
        self.step: Step | None = None
        """What is under way."""
        self._lock = threading.Lock()
        self._thread = 0
        self._thread_id = ctypes.c_ulong(0)
        self._verdict: Problem | None = None
        self._interrupted_at = 0.0

    def begin(self, now: float, limit: float | None) -> None:
        """Start a step that may take ``limit`` seconds from now on."""
        if not self._thread:
            self._thread = threading.get_ident()
            self._thread_id = ctypes.c_ulong(self._thread)
        self._verdict = None
        self.step = (now, limit)

    def end(self) -> Problem | None:
        """End the step; return why it was interrupted, None if it was not.

        Raises:
            Abandoned: the step took so long that it was given up.
        """
        while True:
            try:
                with self._lock:
                    if self._verdict is not None:
                        _set_exception(self._thread_id, None)  # Take it back.
                    if self.abandoned:
                        raise Abandoned
                    self.step = None
                    self.steps += 1
                    return self._verdict
            except ProbeTimeout:
                continue  # The interrupt came as late as this.

    def overdue(self, now: float) -> Step | None:
        """Return a step that has outlived its limit, if nobody has said so yet."""
        step = self.step
        if step is None or self._verdict is not None:
            return None
        began, limit = step
        return step if limit is not None and now - began > limit else None

    def unresponsive(self, now: float, grace: float) -> Step | None:
        """Return a step that was interrupted and goes on after ``grace`` seconds."""
        step = self.step
        waits = self._verdict is not None and now - self._interrupted_at >= grace
        return step if waits else None

    def interrupt(self, step: Step, verdict: Problem) -> bool:
        """Raise ``ProbeTimeout`` in a step, once.

        Return False where it is over, or just takes or frees a lock: ask again.
        """
        exception = ctypes.py_object(ProbeTimeout)
        with self._lock:
            if self.step is not step or self._verdict is not None:
                return False
            self._verdict, self._interrupted_at = verdict, time.monotonic()
            # The thread stands where it will raise. Nothing may come between the next two.
            frame = sys._current_frames().get(self._thread)
            if frame is not None and frame.f_code.co_name not in _UNSAFE:
                _set_exception(self._thread_id, exception)
                return True
            self._verdict = None
            return False

    def abandon_at(self, step: Step | None) -> bool:
        """Give the worker up if it still is where it was seen: in a step, or in none.

        Return False where it has gone on meanwhile: it is at something else by now.
        """
        with self._lock:
            self.abandoned = self.abandoned or self.step is step
            return self.abandoned

    def abandon(self) -> Problem | None:
        """Give the worker up: its step ends with ``Abandoned``. Return the step's verdict."""
        with self._lock:
            self.abandoned = True
            return self._verdict if self.step is not None else None


def bounded(
    watch: Watch, limit: float | None, function: Callable[[], object]
) -> tuple[Problem | None, float]:
    """Call a function as one step; return why it was stopped, and the seconds it took.

    ``ProbeTimeout`` may come at any bytecode until ``end()`` has returned, once:
    hence the second ``try``. A child that the function has forked does not return from here.
    """
    began, process = time.monotonic(), os.getpid()
    try:
        try:
            watch.begin(began, limit)
            function()
        except ProbeTimeout:
            pass
        finally:
            if os.getpid() != process:
                leave_child()
        verdict = watch.end()
    except ProbeTimeout:
        verdict = watch.end()
    except BaseException:
        watch.end()
        raise
    return verdict, time.monotonic() - began


def overran(limit: float | None, where: str = "") -> Problem:
    """Return the verdict on a step that took longer than its timeout."""
    return timed_out(f"took longer than its timeout of {limit:g} s", where)


def cut_short(deadline: Deadline, where: str) -> Problem:
    """Return the verdict on a step that the end of the run has stopped."""
    if deadline.interrupted:
        return Problem(outcome=Outcome.NOT_RUN, reason=f"{deadline.reason} while it ran")
    return timed_out(deadline.reason, where)


def timed_out(message: str, where: str = "") -> Problem:
    """Return a verdict of ``timed_out``; ``where`` is the stack at which it hangs."""
    text = f"Where it was (most recent call last):\n{where}" if where else ""
    error = ErrorDetail(
        exception_class_path=TIMEOUT, message=message, traceback=f"{text}{TIMEOUT}: {message}"
    )
    return Problem(outcome=Outcome.TIMED_OUT, error=error, kinds=kinds_of(ProbeTimeout))
