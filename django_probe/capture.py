"""Whose output it is: what a probe prints and logs belongs to its result.

``routed()`` puts streams in the place of ``sys.stdout`` and ``sys.stderr`` that
ask a context variable whose text it is. Context variables follow tasks and
``to_thread``, not plain threads: what those print goes to stderr, marked.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TextIO

from django_probe.bounded import BoundedText

__all__ = ["RoutedText", "Routing", "Sink", "current_sink", "own_all", "routed", "sink_here"]

current_sink: ContextVar[Sink | None] = ContextVar("django_probe_sink", default=None)

_of_all: list[Sink | None] = [None]

_decoder = codecs.getincrementaldecoder("utf-8")


class Sink:
    """Collect the output of one probe, until its result is made."""

    # Of the class, for most probes write nothing: there is one of these for each.
    closed = False
    """What comes now (from a task or thread that the probe left) is nobody's."""
    _texts: dict[str, BoundedText] | None = None
    _decoders: dict[str, codecs.IncrementalDecoder] | None = None

    def write(self, stream: str, text: str) -> None:
        """Add text to ``stdout`` or ``stderr``."""
        if self._texts is None:
            self._texts = {}
        kept = self._texts.get(stream)
        if kept is None:
            kept = self._texts.setdefault(stream, BoundedText())
        kept.write(text)

    def decode(self, stream: str, data: bytes) -> str:
        """Return bytes as text; a character may come in two writes."""
        if self._decoders is None:
            self._decoders = {}
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders.setdefault(stream, _decoder("replace"))
        return decoder.decode(data)

    @property
    def used(self) -> bool:
        """Return whether anything came."""
        return self._texts is not None

    def told(self, stream: str) -> str:
        """Return the beginning of what came to a stream."""
        kept = self.get(stream)
        return kept.parts()[0] if kept is not None else ""

    def get(self, stream: str) -> BoundedText | None:
        """Return what came to a stream, None for nothing."""
        return self._texts.get(stream) if self._texts else None


def own_all(sink: Sink | None) -> None:
    """Give a probe what no context tells apart: it is the only one of its process."""
    _of_all[0] = sink


def sink_here() -> Sink | None:
    """Return the sink of the probe that writes now; None where that is not known."""
    return current_sink.get() or _of_all[0]


class RoutedText(io.TextIOBase):
    """Stand in for ``sys.stdout`` or ``sys.stderr`` while probes run."""

    encoding = "utf-8"
    errors = "replace"
    line_buffering = True

    def __init__(self, name: str, original: TextIO | None, shown: Callable[[str], str]) -> None:
        self.name = f"<{name}>"
        self.mode = "w"
        self.buffer = _RoutedBytes(self)
        self._stream = name
        self._original = original
        self._shown = shown
        self._owner = threading.get_ident()
        self._within_line = threading.local()

    def write(self, text: str) -> int:
        """Give text to the probe that writes it, else to stderr; return its length."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        sink = sink_here()
        if sink is None or sink.closed:
            self._pass_on(text)
        else:
            sink.write(self._stream, text)
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Take what is written to ``buffer``."""
        sink = sink_here()
        if sink is None or sink.closed:
            self._pass_on(data.decode("utf-8", "replace"))
        else:
            sink.write(self._stream, sink.decode(self._stream, data))

    def writable(self) -> bool:
        """Return True."""
        return True

    def flush(self) -> None:
        """Flush what it stands for, unless a probe asks."""
        if sink_here() is None and self._original is not None:
            with contextlib.suppress(OSError, ValueError):
                self._original.flush()

    def close(self) -> None:
        """Stay open: a probe must not close the output of the next."""

    def reconfigure(self, **options: Any) -> None:
        """Take nothing: it is always UTF-8 and never waits for a newline."""

    def fileno(self) -> int:
        """Return the descriptor of what it stands for: subprocesses write there."""
        if self._original is None:
            raise io.UnsupportedOperation("fileno")
        return self._original.fileno()

    def isatty(self) -> bool:
        """Return False: no terminal reads what a probe prints."""
        return False

    def _pass_on(self, text: str) -> None:
        """Write text that is no probe's to stderr; mark each line that an unknown thread begins."""
        if self._original is None or not text:
            return
        if threading.get_ident() != self._owner:
            fresh = not getattr(self._within_line, "now", False)
            self._within_line.now = not text.endswith("\n")
            if fresh and text.strip():
                text = f"[unattributed] {text}"
        with contextlib.suppress(OSError, ValueError):
            self._original.write(self._shown(text))


class _RoutedBytes(io.RawIOBase):
    """Stand in for ``sys.stdout.buffer``."""

    def __init__(self, text: RoutedText) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._text.write_bytes(data)
        return len(data)

    def close(self) -> None:
        """Stay open, whatever wraps it."""


class Routing:
    """What stands in the place of ``sys.stdout`` and ``sys.stderr``.

    Args:
        shown: masks the secrets in what is no probe's, and so in no record.
    """

    def __init__(self, shown: Callable[[str], str]) -> None:
        self._streams = (sys.stdout, sys.stderr)
        # Both fall back to stderr: stdout is the report's alone.
        self.stdout = RoutedText("stdout", sys.stderr, shown)
        self.stderr = RoutedText("stderr", sys.stderr, shown)

    def install(self) -> None:
        """Put the stand-ins in place, again where a probe has left something else there."""
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def remove(self) -> None:
        """Give the streams back."""
        sys.stdout, sys.stderr = self._streams

    def stand_in(self, stream: object) -> RoutedText | None:
        """Return what stands in for one of the process's own streams."""
        if stream is None:
            return None
        if stream is self._streams[0] or stream is sys.__stdout__:
            return self.stdout
        if stream is self._streams[1] or stream is sys.__stderr__:
            return self.stderr
        return None

    def original(self, stream: object) -> TextIO | None:
        """Return what a stand-in stands for, None for any other stream."""
        if stream is self.stdout:
            return self._streams[0]
        return self._streams[1] if stream is self.stderr else None


@contextlib.contextmanager
def routed(shown: Callable[[str], str] = str) -> Iterator[Routing]:
    """Route output and logs to the probe they come from, while this lasts."""
    from django_probe.capture_logs import LogRouting

    routing = Routing(shown)
    logs = LogRouting(routing)
    logs.install()
    routing.install()
    try:
        yield routing
    finally:
        routing.remove()
        logs.remove()
