"""Text that waits on disk until the report can be written: counts come before cases."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator

__all__ = ["Segments", "Spool"]

IN_MEMORY = 1024 * 1024
"""Bytes that a spool keeps in memory before it goes to disk."""
AT_ONCE = 64 * 1024
"""Bytes that are gathered before they are written."""


class Spool:
    """One temporary file; it is gone when it is closed, or when the process ends.

    Raises:
        OSError: the disk is full.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._end = 0
        self._written = 0
        self._waiting: list[bytes] = []

    def write(self, text: str) -> tuple[int, int]:
        """Add text; return where it lies: (offset, length), in bytes."""
        data = text.encode("utf-8")
        offset, length = self._end, len(data)
        self._end += length
        self._waiting.append(data)
        if self._end - self._written >= AT_ONCE:
            self._flush()
        return offset, length

    def read(self, offset: int, length: int) -> Iterator[str]:
        """Yield the text that lies there, in pieces of whole lines."""
        self._flush()
        self._file.seek(offset)
        while length > 0:
            piece = self._file.read(min(length, IN_MEMORY))
            if length > IN_MEMORY:
                piece += self._file.readline()
            length -= len(piece)
            yield piece.decode("utf-8")

    def close(self) -> None:
        """Give the file up."""
        self._file.close()

    def _flush(self) -> None:
        if self._waiting:
            self._file.seek(self._written)
            self._file.write(b"".join(self._waiting))
            self._waiting.clear()
            self._written = self._end


class Segments:
    """Where the parts of one text lie in a spool, to be read in another order."""

    def __init__(self) -> None:
        self._orders, self._offsets, self._lengths = array("q"), array("q"), array("q")
        self._next = (-1, -1)

    def add(self, order: int, place: tuple[int, int]) -> None:
        """Add a part; what follows the part before in order and place becomes one with it."""
        offset, length = place
        if self._next == (order, offset):
            self._lengths[-1] += length
        else:
            self._orders.append(order)
            self._offsets.append(offset)
            self._lengths.append(length)
        self._next = (order + 1, offset + length)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) in order."""
        for n in sorted(range(len(self._orders)), key=self._orders.__getitem__):
            yield self._offsets[n], self._lengths[n]

    @property
    def first(self) -> int:
        """Return the lowest order."""
        return min(self._orders, default=0)
