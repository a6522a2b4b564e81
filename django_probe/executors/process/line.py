"""The worker's end of the socket to its parent."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections import deque
from typing import Any, NoReturn

from django_probe.encoding import encode
from django_probe.events import Event, ProbeFinished
from django_probe.executors.process.frames import Frames, word

__all__ = ["Line", "Outbox", "end_group"]

CHUNK = 256 * 1024


class Line:
    """Tell the parent what happens, and hear what it wants.

    A result goes out with what comes after it: the start of the next probe, or of
    a fixture, or else by ``flush()``, which the watching thread calls all the time.
    So it has gone before anything runs that may end this process.

    Where the parent is gone, there is nobody to work for: the worker ends, and
    what its probes have started with it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._frames = Frames()
        self._heard: deque[Any] = deque()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self.sending = False
        """Whether it waits for a parent that is slow to read."""

    def say(self, name: str, *values: object) -> None:
        """Tell something of the worker itself."""
        self._send(word(name, *values))

    def tell(self, event: Event) -> None:
        """Tell an event."""
        if type(event) is ProbeFinished:
            with self._lock:
                self._waiting.append(encode(event))
        else:
            self._send(encode(event))

    def flush(self, *words: str) -> None:
        """Let out what waits, and some words, unless something is on its way already."""
        if self._lock.acquire(blocking=False):
            waits = bool(self._waiting)
            self._lock.release()
            if waits or words:
                self._send(*map(word, words))

    def hear(self, seconds: float | None) -> Any:
        """Return the next record of the parent, None where none comes in time.

        Raises:
            EOFError: the parent says nothing more.
        """
        if not self._heard and self._poll.poll(None if seconds is None else seconds * 1000):
            data = self._socket.recv(CHUNK)
            if not data:
                raise EOFError
            self._heard.extend(self._frames.feed(data))
        return self._heard.popleft() if self._heard else None

    def _send(self, *lines: str) -> None:
        with self._lock:
            self.sending = True
            self._waiting += lines
            text = "\n".join((*self._waiting, ""))
            self._waiting.clear()
            try:
                self._socket.sendall(text.encode("ascii"))
            except OSError:
                end_group()
            self.sending = False


class Outbox(deque[Event]):
    """Stand in for the events of a ledger: each goes out as it comes."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def append(self, event: Event) -> None:
        """Tell it."""
        self._line.tell(event)


def end_group() -> NoReturn:
    """End this worker and all that its probes have started."""
    os.killpg(0, signal.SIGKILL)
    os._exit(1)
