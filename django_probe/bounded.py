"""Text of any length in bounded memory: its head and its tail."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["LIMIT", "MARGIN", "BoundedText"]

LIMIT = 64 * 1024
"""Characters of each stream that a result keeps: the first and the last half."""

MARGIN = 4096
"""Characters kept beyond each cut until the text is redacted: no secret's spelling is longer."""


class BoundedText:
    """Keep the head and the tail of a text of any length in bounded memory.

    Safe to use from several threads: a probe's tasks and threads share it, and
    it is read while one that was given up may still write.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.half = limit // 2
        """Characters of the head, and of the tail, that may be shown."""
        self.written = 0
        """Characters that came in."""
        # Reentrant: a destructor may print while the collector runs inside write().
        self._lock = threading.RLock()
        self._head: list[str] = []
        self._head_room = self.half + MARGIN
        self._tail: deque[str] = deque()
        self._tail_size = 0

    def write(self, text: str) -> None:
        """Add text; the middle is given up when there is too much."""
        if not text:
            return
        with self._lock:
            self.written += len(text)
            taken = text[: self._head_room] if self._head_room > 0 else ""
            if taken:
                self._head_room -= len(taken)
                self._head.append(taken)
            if len(taken) < len(text):
                self._add_to_tail(text[max(len(taken), len(text) - self.half - MARGIN) :])

    def parts(self) -> tuple[str, str]:
        """Return (head, tail), each with its margin; the tail is empty while all fits."""
        with self._lock:
            return "".join(self._head), "".join(self._tail)

    def _add_to_tail(self, text: str) -> None:
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0]) >= self.half + MARGIN:
            self._tail_size -= len(self._tail.popleft())
