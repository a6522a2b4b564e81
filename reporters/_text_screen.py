"""Who writes a text report while it grows: lines, and signs of life between them.

A thread looks after what no event would bring: it flushes what waits, tells
that a long run is alive, draws a changing line anew (``_live``). It writes
under the same lock as the reporter, and has ended before the last lines are
written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TextIO

__all__ = ["Log", "Screen"]

QUIET = 0.25
"""Seconds that a line may wait in a log before it can be read."""


class Screen:
    """Write lines; the base of both kinds, and all there is where nothing may change."""

    period = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to look after the screen between events."""
        self._thread = threading.Thread(target=self._look_after, name="probe-text", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Write whole lines."""
        try:
            with self._lock:
                self._put(text)
        except BaseException:
            self._stopped.set()  # The report is lost: its thread must not go on.
            raise

    def stop(self) -> None:
        """End the thread; from now on nobody else writes."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _look_after(self) -> None:
        # What fails here fails again at the next write of the reporter, where it is told.
        try:
            while not self._stopped.wait(self.period):
                with self._lock:
                    if not self._stopped.is_set():
                        self._tick()
        except Exception:
            return

    def _put(self, text: str) -> None:
        self._stream.write(text)

    def _tick(self) -> None:
        """Do what is due."""


class Log(Screen):
    """Lines that stay: what waits is flushed, and a long silence is broken.

    Args:
        still: returns the line that says that the run is alive.
        heartbeat: seconds of silence before it does.
    """

    period = QUIET

    def __init__(self, stream: TextIO, still: Callable[[], str], heartbeat: float) -> None:
        super().__init__(stream)
        self._still = still
        self._heartbeat = heartbeat
        self._waits = True
        self._quiet_since = monotonic()
        self.period = min(QUIET, heartbeat)

    def _put(self, text: str) -> None:
        self._stream.write(text)
        self._waits = True

    def _tick(self) -> None:
        now = monotonic()
        if not self._waits and now - self._quiet_since < self._heartbeat:
            return
        if not self._waits:
            self._stream.write(self._still())
        self._waits = False
        self._quiet_since = now
        self._stream.flush()
