"""One test case: made, called, unwound where unittest does not."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any
from unittest import SkipTest, TestCase

from django_probe.exceptions import ProbeTimeout
from django_probe.executors import async_cases
from django_probe.executors.leaving import leave_child
from django_probe.plan import Planned
from django_probe.recording import Recorder

__all__ = ["call"]

_PLAIN: Any = TestCase._callTestMethod  # type: ignore[attr-defined]
_ASYNC = "unittest.async_case"  # Imported by who needs it, with all of asyncio.
_KEPT: Any = functools._lru_cache_wrapper
"""What ``functools.cache`` makes, without the copying of names and documents."""


def call(planned: Planned, recorder: Recorder) -> None:
    """Make a test case and run it; what it raises is recorded.

    Raises:
        ProbeTimeout: it was interrupted, where unittest did not record it.
    """
    case: Any = None
    process = os.getpid()
    try:
        case = planned.make()
        if type(case)._callTestMethod is _PLAIN:
            case._callTestMethod = functools.partial(_callTestMethod, process)
        elif async_cases.is_async(case):
            async_cases.prepare(case)
            if type(case)._callTestMethod.__module__ == _ASYNC:
                case._callTestMethod = functools.partial(_call_in_loop, process, case)
        case(recorder)
    except ProbeTimeout as exc:
        _unwind(case, recorder, exc.__traceback__)
        raise
    except BaseException as exc:
        recorder.add_raised(case, sys.exc_info())
        _unwind(case, recorder, exc.__traceback__)
    finally:
        if os.getpid() != process:
            leave_child()


def _callTestMethod(process: int, method: Callable[[], object]) -> None:
    """Call a test method; one whose body has not run has not passed.

    unittest lets it pass, with a warning that nobody sees by default.
    """
    # It stands below unittest's own frame, not one of ours: warnings are put down to callers by
    # counting frames. A cache calls it without a frame, and has what it returned.
    kept = _KEPT(method, None, False, functools._CacheInfo)
    try:
        _PLAIN(getattr(method, "__self__", None), kept)
    except DeprecationWarning:
        if kept.cache_info().currsize:  # It has returned: the warning is unittest's, of its value.
            _refuse_lazy(kept())
        raise
    finally:
        if os.getpid() != process:  # Before a child tears down what is its parent's.
            leave_child()
    value = kept()
    if value is not None:
        _refuse_lazy(value)


def _call_in_loop(process: int, case: Any, method: Callable[[], object]) -> None:
    """Call a test method of an async test case, whose event loop runs what it can."""
    _callTestMethod(process, functools.partial(case._callMaybeAsync, method))


def _refuse_lazy(value: object) -> None:
    """Raise an error where a method returned what would have to be run."""
    if not isinstance(value, (Awaitable, Generator, AsyncGenerator)):
        return
    if isinstance(value, (Coroutine, Generator)):
        value.close()  # Else Python warns that it was never awaited.
    instead = "it must not yield"
    if isinstance(value, Awaitable):
        instead = "await it, in a class derived from unittest.IsolatedAsyncioTestCase"
    raise TypeError(
        f"It returned a {type(value).__name__}, so that its body did not run: {instead}."
    )


def _unwind(case: Any, recorder: Recorder, frames: TracebackType | None) -> None:
    """Call the tearDown and the cleanups that unittest leaves out after ``KeyboardInterrupt``.

    On production they matter even then. tearDown is due once setUp is through.
    """
    in_body = _passed(frames, "_callTestMethod")
    if case is None or not (in_body or getattr(case, "_cleanups", None)):
        return
    needs_loop = async_cases.is_async(case)
    if needs_loop:
        async_cases.restart_loop(case)
    try:
        if in_body:
            _try(case, recorder, case._callTearDown)
        while case._cleanups:
            function, args, kwargs = case._cleanups.pop()
            _try(case, recorder, case._callCleanup, function, *args, **kwargs)
    finally:
        if needs_loop:
            async_cases.stop_loop(case)


def _passed(frames: TracebackType | None, name: str) -> bool:
    while frames is not None:
        if frames.tb_frame.f_code.co_name == name:
            return True
        frames = frames.tb_next
    return False


def _try(
    case: Any, recorder: Recorder, function: Callable[..., Any], *args: Any, **kwargs: Any
) -> None:
    try:
        function(*args, **kwargs)
    except SkipTest:
        pass
    except BaseException:
        recorder.add_raised(case, sys.exc_info())
