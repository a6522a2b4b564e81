"""A wire that comes in pieces, to lines: in bounded memory, whoever sends it."""

from __future__ import annotations

from collections.abc import Iterator

from django_probe.exceptions import WireError

__all__ = ["LINE_LIMIT", "WIRE_LIMIT", "WireLines"]

LINE_LIMIT = 1024 * 1024
"""Bytes of a line that comes from another deployment."""
WIRE_LIMIT = 64 * 1024 * 1024
"""Bytes of one whole wire."""


class WireLines:
    """Cut what comes in at its newlines.

    Args:
        longest: bytes of a line; None is as many as the whole may have.
        most: bytes of the whole.
    """

    def __init__(self, *, longest: int | None = None, most: int = WIRE_LIMIT) -> None:
        self._longest = most if longest is None else longest
        self._most = most
        self._size = 0
        self._begun: list[bytes] = []
        self._length = 0

    @property
    def rest(self) -> bytes:
        """Return what has come of a line that has not ended."""
        return b"".join(self._begun)

    def take(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that a piece ends, without their newlines.

        Raises:
            WireError: a line is too long, or all of it; the lines before it were yielded.
        """
        if self._size > self._most:  # Not at once: what came before it is told first.
            raise WireError(f"Its wire is longer than {_told(self._most)}.")
        self._size += len(data)
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            whole, self._begun, self._length = self.rest, [], 0
            yield whole
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._longest:
            raise WireError(f"A line of its wire is longer than {_told(self._longest)}.")
        self._begun.append(part)


def _told(size: int) -> str:
    return f"{size / 1024 / 1024:g} MiB"
