"""Descriptors 1 and 2 of a worker process: whatever is written there is the probe's."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import termios
import threading

from django_probe.capture import Sink

__all__ = ["PipeSink", "Pipes", "pending"]

ROOM = 32 * 1024
"""Bytes that wait in a pipe before they are taken out: a full one stops who writes."""
PIECE = 4096

_DESCRIPTORS = {"stdout": 1, "stderr": 2}


class Pipes:
    """Two pipes that the worker itself reads, when a probe ends or when they fill up.

    What a probe has written before it crashes is thus still in them, and the
    parent has a hold on their other ends.

    Args:
        readers: the descriptors to read what goes to stdout and to stderr.
        outside: where output goes that is no probe's.
    """

    def __init__(self, readers: tuple[int, int], outside: int) -> None:
        self._readers = dict(zip(_DESCRIPTORS, readers, strict=True))
        self._writers = {number: os.dup(number) for number in _DESCRIPTORS.values()}
        self._places = {number: _place(number) for number in _DESCRIPTORS.values()}
        self._poll = select.poll()
        for reader in readers:
            self._poll.register(reader, select.POLLIN)
        self._outside = outside
        self._lock = threading.RLock()
        self.sink: PipeSink | None = None

    def next_sink(self) -> PipeSink:
        """Return what collects from now on; what came in between is nobody's."""
        self.pass_on()
        self._mend()
        self.sink = PipeSink(self)
        return self.sink

    def _mend(self) -> None:
        """Put back what a probe has closed: else its number goes to the next file opened."""
        for number, place in self._places.items():
            if _place(number) != place:
                with contextlib.suppress(OSError):
                    os.dup2(self._writers[number], number)

    def pass_on(self) -> None:
        """Let out what came after the last probe, or before the first."""
        if self.are_empty:
            return
        for stream in _DESCRIPTORS:
            with contextlib.suppress(OSError):
                os.write(self._outside, self.take(stream))

    def tend(self) -> bool:
        """Make room; return whether there was none."""
        full = [stream for stream in _DESCRIPTORS if self.waiting(stream) >= ROOM]
        for stream in full:
            if self.sink is None or self.sink.closed:
                self.pass_on()
            else:
                self.sink.collect(stream)
        return bool(full)

    @property
    def are_empty(self) -> bool:
        """Return whether nothing waits: one system call for what is nearly always so."""
        return not self._poll.poll(0)

    def waiting(self, stream: str) -> int:
        """Return how many bytes wait."""
        return pending(self._readers[stream])

    def take(self, stream: str) -> bytes:
        """Return the bytes that wait."""
        with self._lock:
            size = self.waiting(stream)
            return os.read(self._readers[stream], size) if size else b""


class PipeSink(Sink):
    """Collect what one probe writes, its threads and its child processes included."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes

    def write(self, stream: str, text: str) -> None:
        """Write to the descriptor: so it stands in order with what others write there."""
        data = _encoded(text)
        for begin in range(0, len(data), PIECE):
            if self._pipes.waiting(stream) > ROOM:
                self.collect(stream)
            try:
                _write_all(_DESCRIPTORS[stream], data[begin : begin + PIECE])
            except OSError:  # The probe has closed it.
                super().write(stream, text)
                return

    def collect(self, stream: str) -> None:
        """Take what waits in the pipe."""
        data = self._pipes.take(stream)
        if data:
            super().write(stream, self.decode(stream, data))

    @property
    def used(self) -> bool:
        """Return whether anything came, up to now."""
        if not self._pipes.are_empty:
            for stream in _DESCRIPTORS:
                self.collect(stream)
        return super().used


def _place(descriptor: int) -> tuple[int, int]:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return -1, -1
    return found.st_dev, found.st_ino


def pending(descriptor: int) -> int:
    """Return how many bytes can be read at once."""
    found = array.array("i", [0])
    try:
        fcntl.ioctl(descriptor, termios.FIONREAD, found)
    except OSError:
        return 0
    return found[0]


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # A lone surrogate becomes one mark of replacement.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
