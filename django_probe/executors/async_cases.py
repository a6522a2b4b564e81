"""What unittest's async test cases need, to be run and stopped by an executor."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from django_probe.exceptions import ProbeTimeout

__all__ = ["is_async", "prepare", "restart_loop", "stop_loop"]

OLD = sys.version_info < (3, 11)
"""Whether one task runs all parts of a test case, and stays with one that does not end."""


def is_async(case: Any) -> bool:
    """Return whether it is an ``IsolatedAsyncioTestCase``."""
    return hasattr(case, "_setupAsyncioLoop" if OLD else "_setupAsyncioRunner")


def prepare(case: Any) -> None:
    """Let an async test case see the worker's context, and end at an interrupt.

    ``IsolatedAsyncioTestCase`` copies the context where it is made, which may
    have been long before its turn.
    """
    if OLD:
        case._asyncioLoopRunner = partial(_run_calls, case)
        case._callAsync = partial(_call, case, case._callAsync)
        case._callMaybeAsync = partial(_call, case, case._callMaybeAsync)
    else:
        case._asyncioTestContext = contextvars.copy_context()


def restart_loop(case: Any) -> None:
    """Give a test case whose run was broken off an event loop for its cleanups."""
    if OLD:
        case._setupAsyncioLoop()
    else:
        case._asyncioRunner = None
        case._setupAsyncioRunner()
        case._asyncioRunner.get_loop()


def stop_loop(case: Any) -> None:
    """Close the event loop again."""
    if OLD:
        case._tearDownAsyncioLoop()
    else:
        case._tearDownAsyncioRunner()


# For Python 3.10.


class _Raised:
    """What a part of a test case raised, as a value."""

    def __init__(self, exc: BaseException) -> None:
        self.exc = exc


async def _run_calls(case: Any, ready: Any) -> None:
    """Await what a test case asks for, one after the other, as unittest does.

    But neither a ``SystemExit`` nor a cancelling that comes too late ends the
    task: asyncTearDown would wait for it for ever.
    """
    queue: asyncio.Queue[Any] = asyncio.Queue()
    case._asyncioCallsQueue = queue
    ready.set_result(None)
    while True:
        try:
            query = await queue.get()
        except asyncio.CancelledError:
            continue
        queue.task_done()
        if query is None:
            return
        future, awaitable = query
        try:
            value = await awaitable
            if not future.cancelled():
                future.set_result(value)
        except (SystemExit, KeyboardInterrupt) as exc:
            future.set_result(_Raised(exc))  # The loop would not stop for them as exceptions.
        except BaseException as exc:
            if not future.cancelled():
                future.set_exception(exc)
                future.exception()  # Who waited may be gone: asyncio would log a whole stack.


def _call(case: Any, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Cancel what a part of a test case awaits when it is interrupted: the next part comes."""
    try:
        value = original(*args, **kwargs)
    except ProbeTimeout:
        case._asyncioCallsTask.cancel()
        raise
    if isinstance(value, _Raised):
        raise value.exc
    return value
