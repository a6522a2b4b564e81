"""Whose output it is: what a probe prints and logs belongs to its result.

``routed()`` puts streams in the place of ``sys.stdout`` and ``sys.stderr`` that
ask a context variable whose text it is. Context variables follow tasks and
``to_thread``, not plain threads: what those print goes to stderr, marked.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, TextIO

from django_probe.bounded import BoundedText

__all__ = ["Sink", "current_sink", "routed"]

current_sink: ContextVar[Sink | None] = ContextVar("django_probe_sink", default=None)


class Sink:
    """Collect the output of one probe."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[str, BoundedText] = {}

    def write(self, stream: str, text: str) -> None:
        """Add text to ``stdout`` or ``stderr``."""
        kept = self._texts.get(stream)
        if kept is None:
            kept = self._texts[stream] = BoundedText()
        kept.write(text)

    @property
    def used(self) -> bool:
        """Return whether anything came."""
        return bool(self._texts)

    def get(self, stream: str) -> BoundedText | None:
        """Return what came to a stream, None for nothing."""
        return self._texts.get(stream)


class _RoutedText(io.TextIOBase):
    """Stand in for ``sys.stdout`` or ``sys.stderr`` while probes run."""

    def __init__(self, name: str, original: TextIO | None) -> None:
        self._name = name
        self._original = original
        self._owner = threading.get_ident()
        self.buffer = _RoutedBytes(self)

    def write(self, text: str) -> int:
        sink = current_sink.get()
        if sink is not None:
            sink.write(self._name, text)
        elif self._original is not None and text:
            strange = threading.get_ident() != self._owner and text.strip()
            self._original.write(f"[unattributed] {text}" if strange else text)
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        if current_sink.get() is None and self._original is not None:
            self._original.flush()

    def fileno(self) -> int:
        if self._original is None:
            raise io.UnsupportedOperation("fileno")
        return self._original.fileno()

    def isatty(self) -> bool:
        return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "replace"


class _RoutedBytes(io.RawIOBase):
    """Take what is written to ``sys.stdout.buffer``."""

    def __init__(self, text: _RoutedText) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class _SinkHandler(logging.Handler):
    """Log to the current probe what no console handler has shown already."""

    def emit(self, record: logging.LogRecord) -> None:
        sink = current_sink.get()
        if sink is None or getattr(record, "probe_captured", False):
            return
        try:
            sink.write("stderr", self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def _mark_captured(record: logging.LogRecord) -> bool:
    record.probe_captured = True
    return True


@contextlib.contextmanager
def routed() -> Iterator[None]:
    """Route output and logs to the probe they come from, while this lasts."""
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}
    # Both fall back to stderr: stdout is the report's alone.
    stand_ins = {name: _RoutedText(name, streams["stderr"]) for name in streams}
    moved = _console_handlers(streams)
    root, handler = logging.getLogger(), _SinkHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    for console, name in moved:
        console.addFilter(_mark_captured)
        console.setStream(stand_ins[name])
    root.addHandler(handler)
    sys.stdout, sys.stderr = stand_ins["stdout"], stand_ins["stderr"]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams["stdout"], streams["stderr"]
        root.removeHandler(handler)
        for console, name in moved:
            console.removeFilter(_mark_captured)
            console.setStream(streams[name])


def _console_handlers(
    streams: dict[str, TextIO],
) -> list[tuple[logging.StreamHandler[Any], str]]:
    """Return the log handlers that write to the process's own stdout or stderr."""
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    found: dict[logging.StreamHandler[Any], str] = {}
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            for name, stream in streams.items():
                if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                    found[handler] = name
    return list(found.items())
