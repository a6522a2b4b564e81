"""The entries of a document, in the order of the plan, on disk until they are written."""

from __future__ import annotations

from typing import TextIO

from django_probe.results import ProbeResult
from django_probe.spooling import Segments, Spool

__all__ = ["Entries"]

AFTER_ALL = 1 << 61
"""Where entries stand that are no probe: after those that are."""


class Entries:
    """Texts of a list, put in order and joined with commas when they are written.

    Args:
        targets: those of the run, in the order in which their results are to stand.
    """

    def __init__(self, targets: tuple[str, ...]) -> None:
        self._places = {target: n << 40 for n, target in enumerate(targets)}
        self._spool = Spool()
        self._segments = Segments()
        self._others = AFTER_ALL

    def add(self, result: ProbeResult, text: str) -> None:
        """Add the entry of a result."""
        place = self._places.get(result.target, 1 << 60) + result.probe.index
        self._segments.add(place, self._spool.write(f",\n{text}"))

    def add_other(self, target: str, text: str) -> None:
        """Add the entry of what is no probe."""
        place = self._others + self._places.get(target, 1 << 60)
        self._segments.add(place, self._spool.write(f",\n{text}"))
        self._others += 1

    def write(self, stream: TextIO) -> None:
        """Write all entries; nothing can be added after it."""
        separator = ","
        for offset, length in self._segments:
            for piece in self._spool.read(offset, length):
                stream.write(piece.removeprefix(separator))
                separator = ""
        self._spool.close()
