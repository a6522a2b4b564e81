"""Text of any length in bounded memory: its head and its tail."""

from __future__ import annotations

from collections import deque

__all__ = ["LIMIT", "MARGIN", "BoundedText"]

LIMIT = 64 * 1024
"""Characters of each stream that a result keeps: the first and the last half."""

MARGIN = 4096
"""Characters kept beyond each cut until the text is redacted: no secret is longer to us."""


class BoundedText:
    """Keep the head and the tail of a text of any length in bounded memory."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._half = limit // 2
        self._head: list[str] = []
        self._head_room = self._half + MARGIN
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._written = 0

    def write(self, text: str) -> None:
        """Add text; the middle is given up when there is too much."""
        self._written += len(text)
        if self._head_room:
            taken, text = text[: self._head_room], text[self._head_room :]
            self._head.append(taken)
            self._head_room -= len(taken)
        if text:
            self._add_to_tail(text[-(self._half + MARGIN) :])

    def _add_to_tail(self, text: str) -> None:
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0]) >= self._half + MARGIN:
            self._tail_size -= len(self._tail.popleft())

    @property
    def written(self) -> int:
        """Return how many characters came in."""
        return self._written

    def parts(self) -> tuple[str, str]:
        """Return (head, tail), each with its margin; the tail is empty while all fits."""
        return "".join(self._head), "".join(self._tail)

    @property
    def half(self) -> int:
        """Return how much of head and of tail may be shown."""
        return self._half
