"""What went wrong, and where, as plain text."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from typing import Any

from django_probe.results import ErrorDetail, Outcome

__all__ = ["Problem", "class_path", "relative", "source_of", "text_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a probe has its result before it runs."""

    outcome: Outcome
    error: ErrorDetail | None = None
    reason: str = ""
    source: str = ""

    @classmethod
    def skipped(cls, reason: str) -> Problem:
        """Return that something is to be skipped."""
        return cls(outcome=Outcome.SKIPPED, reason=reason)

    @classmethod
    def raised(cls, exc: BaseException, *, at: str = "", skip_importers: bool = False) -> Problem:
        """Return that something raised, with the frames of its own code only."""
        frames = exc.__traceback__
        while skip_importers and frames is not None and _is_importer(frames):
            frames = frames.tb_next
        told = traceback.TracebackException(type(exc), exc, frames)
        text = "".join(told.format())
        last = told.stack[-1] if told.stack else None
        error = ErrorDetail(
            exception_class_path=class_path(type(exc)),
            message=text_of(exc) or f"raised in {at}",
            traceback=text,
        )
        source = f"{relative(last.filename)}:{last.lineno}" if last else ""
        return cls(outcome=Outcome.ERRORED, error=error, source=source)


def class_path(kind: type) -> str:
    """Return the dotted path of an exception class, without ``builtins``."""
    name = getattr(kind, "__qualname__", str(kind))
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


_RELATIVE: dict[str, str] = {}


def relative(filename: str) -> str:
    """Return a file name relative to the working directory where it lies below it."""
    known = _RELATIVE.get(filename)
    if known is None:
        known = os.path.relpath(filename) if os.path.isabs(filename) else filename
        known = _RELATIVE[filename] = filename if known.startswith("..") else known
    return known


def source_of(function: Any) -> str:
    """Return ``file:line`` of a method, from its code object; "" where there is none."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    return f"{relative(code.co_filename)}:{code.co_firstlineno}" if code else ""


def _is_importer(frames: Any) -> bool:
    name = frames.tb_frame.f_globals.get("__name__", "")
    return name.startswith(("importlib", "_frozen_importlib", "django_probe.", "<frozen"))


def text_of(value: object) -> str:
    try:
        return str(value)
    except Exception as exc:
        return f"<{type(value).__name__} that cannot be shown: str() raised {type(exc).__name__}>"
