"""What a probe raised, and its traceback without the frames of what ran it."""

from __future__ import annotations

import functools
import unittest
from types import TracebackType
from typing import Any

from django_probe.details import class_path, text_of
from django_probe.exceptions import ProbeTimeout
from django_probe.guards import explanation
from django_probe.results import ErrorDetail

__all__ = ["TIMEOUT", "formatted", "is_of_cleanup", "raised"]

TIMEOUT = "Timeout"
"""What stands for the class of the exception where a probe was stopped."""

_RUNNERS = ("unittest.", "asyncio.", "django_probe.")
_CALLING = "django_probe.executors.calling"
_CLEANUPS = frozenset({"_callTearDown", "_callCleanup", "doCleanups"})


class _Anyone:
    """Stand in for a test case that could not be made."""

    failureException = AssertionError


def raised(err: Any, traceback: str) -> ErrorDetail:
    """Return an exception, as ``sys.exc_info()`` tells it, as a record: not yet fit to be shown."""
    kind, message = _class_path(err[0]), text_of(err[1])
    if more := explanation(err[1]):
        message, traceback = f"{message.rstrip()}{more}", f"{traceback.rstrip()}{more}\n"
    if issubclass(err[0], ProbeTimeout):
        kind, message = TIMEOUT, message or "interrupted: it ran out of time"
    return ErrorDetail(exception_class_path=kind, message=message, traceback=traceback)


def formatted(result: unittest.TestResult, err: Any, test: Any) -> str:
    """Return a traceback as unittest writes it, from the first frame of the probe's own code."""
    kind, value, frames = err
    told_by: Any = result
    try:
        return str(told_by._exc_info_to_string((kind, value, _own(frames)), test or _Anyone))
    except Exception as exc:
        return f"<traceback that cannot be shown: {type(exc).__name__}>"


def is_of_cleanup(frames: TracebackType | None) -> bool:
    """Tell whether unittest was in tearDown or a cleanup, by its own frames."""
    while frames is not None and _is_runner(_module(frames)):
        if frames.tb_frame.f_code.co_name in _CLEANUPS:
            return True
        frames = frames.tb_next
    return False


def _own(frames: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of unittest and of its event loop: they are in every traceback."""
    own = last = frames
    while own is not None and _is_runner(_module(own)):
        last, own = own, own.tb_next
    if own is None and last is not None and _module(last) == _CALLING:
        return None  # It says all.
    return own or frames


@functools.lru_cache(maxsize=256)
def _is_runner(module: str) -> bool:
    return module.startswith(_RUNNERS)


def _module(frames: TracebackType) -> str:
    return str(frames.tb_frame.f_globals.get("__name__", ""))


def _class_path(kind: type) -> str:
    try:
        return class_path(kind)
    except Exception:  # A class made at run time may lack what every class has.
        return type.__repr__(kind)
