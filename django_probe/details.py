"""What went wrong, and where, as plain text."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from django_probe.exceptions import ProbeTimeout, RunEnded
from django_probe.results import ErrorDetail, Outcome

__all__ = ["OURS", "Problem", "class_path", "kinds_of", "relative", "source_of", "text_of"]

OURS = str(Path(__file__).parent) + os.sep
"""How the paths of our own files begin."""

WRAPPED = ("__wrapped__", "_partialmethod", "__partialmethod__", "func")
"""Where decorators, ``functools.partialmethod`` and ``partial`` keep what they wrap."""
WRAPPERS = 50
"""How many decorators are looked through for the function below them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a probe has its result before it runs."""

    outcome: Outcome
    error: ErrorDetail | None = None
    reason: str = ""
    source: str = ""
    kinds: tuple[str, ...] = ()
    """Dotted paths of the class of what was raised, and of its bases."""

    @classmethod
    def skipped(cls, reason: str) -> Problem:
        """Return that something is to be skipped."""
        return cls(outcome=Outcome.SKIPPED, reason=reason)

    @classmethod
    def errored(cls, kind: str, message: str) -> Problem:
        """Return that something is wrong which no exception tells."""
        error = ErrorDetail(exception_class_path=kind, message=message)
        return cls(outcome=Outcome.ERRORED, error=error)

    @classmethod
    def raised(cls, exc: BaseException, *, at: str = "", skip_importers: bool = False) -> Problem:
        """Return that something raised.

        Args:
            at: what raised, for an exception without a message.
            skip_importers: leave out the frames before the code that was loaded.
        """
        frames = _below_importers(exc.__traceback__) if skip_importers else exc.__traceback__
        told = traceback.TracebackException(type(exc), exc, frames)
        error = ErrorDetail(
            exception_class_path=class_path(type(exc)),
            message=text_of(exc) or f"raised in {at}",
            traceback="".join(told.format()),
        )
        place = _place(exc, told)
        return cls(outcome=Outcome.ERRORED, error=error, source=place, kinds=kinds_of(type(exc)))

    @classmethod
    def ended(cls, exc: RunEnded, what: str) -> Problem:
        """Return that the run ended before ``what`` (a probe module) was loaded."""
        if exc.at_once:
            return cls(outcome=Outcome.NOT_RUN, reason=exc.reason)
        reason = f"{exc.reason} while {what} was loaded"
        if exc.interrupted:
            return cls(outcome=Outcome.NOT_RUN, reason=reason)
        told = traceback.TracebackException(type(exc), exc, _below_importers(exc.__traceback__))
        while told.stack and told.stack[-1].filename.startswith(OURS):
            del told.stack[-1]  # Where the alarm rang.
        text = f"Where it was (most recent call last):\n{''.join(told.stack.format())}{reason}"
        error = ErrorDetail(exception_class_path="Timeout", message=reason, traceback=text)
        return cls(outcome=Outcome.TIMED_OUT, error=error, source=_place(exc, told))


def class_path(kind: type) -> str:
    """Return the dotted path of an exception class, without ``builtins``."""
    name = getattr(kind, "__qualname__", str(kind))
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


def kinds_of(kind: type) -> tuple[str, ...]:
    """Return the dotted paths of an exception class and of all its bases.

    What interrupts a probe at its timeout counts as ``TimeoutError``.
    """
    try:
        return _kinds_of(kind)
    except Exception:  # A class made at run time may lack what every class has.
        return ()


@lru_cache(maxsize=64)  # Probes often fail alike.
def _kinds_of(kind: type) -> tuple[str, ...]:
    bases = (TimeoutError if issubclass(kind, ProbeTimeout) else kind).__mro__
    return tuple(map(class_path, bases))


_RELATIVE: dict[str, str] = {}


def relative(filename: str) -> str:
    """Return a file name relative to the working directory where it lies below it."""
    known = _RELATIVE.get(filename)
    if known is None:
        known = os.path.relpath(filename) if Path(filename).is_absolute() else filename
        known = _RELATIVE[filename] = filename if known.startswith("..") else known
    return known


def source_of(function: Any) -> str:
    """Return ``file:line`` of a function, from its code object; "" where there is none."""
    code = getattr(function, "__code__", None)
    for name in WRAPPED:  # Its ``__dict__`` would stay in memory.
        if code is None or hasattr(function, name):
            code = _innermost_code(function)
            break
    return f"{relative(code.co_filename)}:{code.co_firstlineno}" if code else ""


def _innermost_code(function: Any) -> Any:
    """Return the code of what decorators wrap; of most probes nothing is wrapped."""
    for _ in range(WRAPPERS):
        inner = next(filter(None, (getattr(function, name, None) for name in WRAPPED)), None)
        if inner is None:
            break
        function = inner
    return getattr(function, "__code__", None)


def text_of(value: object) -> str:
    """Return ``str(value)``, whatever that raises."""
    try:
        return str(value)
    except Exception as exc:
        return f"<{type(value).__name__} that cannot be shown: str() raised {type(exc).__name__}>"


def _below_importers(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and _is_importer(frames):
        frames = frames.tb_next
    return frames


def _is_importer(frames: TracebackType) -> bool:
    name = str(frames.tb_frame.f_globals.get("__name__", ""))
    return name.startswith(("importlib", "_frozen_importlib", "django_probe.", "<frozen"))


def _place(exc: BaseException, told: traceback.TracebackException) -> str:
    """Return ``file:line`` of what raised, or of what called us; a syntax error names its own."""
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{relative(exc.filename)}:{exc.lineno or 1}"
    frames = [frame for frame in told.stack if not frame.filename.startswith(OURS)] or told.stack
    return f"{relative(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
