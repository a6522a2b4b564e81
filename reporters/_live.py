"""The line on a terminal that shows how far a run is, drawn anew ten times a second."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from time import monotonic
from typing import Protocol, TextIO

from django_probe.reporters._text_screen import Screen

__all__ = ["LiveLine", "Painter", "can_be_live", "cells"]

FRAME = 0.1
"""Seconds between two drawings."""


class Painter(Protocol):
    """Draw the changing line."""

    def __call__(self, width: int) -> tuple[str, int]:
        """Return the line, and how many of the ``width`` columns it takes."""


def can_be_live(stream: TextIO) -> bool:
    """Return whether a line may be rewritten here: on a terminal, not in a CI log."""
    if os.environ.get("TERM") == "dumb":
        return False
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return not in_ci and stream.isatty()


def cells(text: str) -> int:
    """Return how many columns text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def _nothing(width: int) -> tuple[str, int]:
    return "", 0


class LiveLine(Screen):
    """Lines that stay, and below them one that is drawn anew until ``stop()`` erases it.

    One line, and no cursor that moves up: what others write to the terminal
    meanwhile is never drawn over.

    Args:
        make_painter: called by the thread, at the first drawing: a short run
            neither draws nor imports anything.
    """

    period = FRAME

    def __init__(self, stream: TextIO, make_painter: Callable[[], Painter]) -> None:
        super().__init__(stream)
        self._make_painter = make_painter
        self._painter: Painter | None = None
        self._shown = ""
        self._taken = 0
        self._painted_at = 0.0

    def stop(self) -> None:
        """End the thread and erase the line."""
        super().stop()
        if self._taken:
            self._stream.write(self._erased())
            self._stream.flush()

    def _put(self, text: str) -> None:
        due = monotonic() - self._painted_at >= self.period
        self._stream.write(self._erased() + text + (self._painted() if due else ""))
        self._stream.flush()

    def _tick(self) -> None:
        if self._painter is None:
            self._painter = self._make_painter()
        drawing = self._painted()
        if drawing:
            self._stream.write(drawing)
            self._stream.flush()

    def _erased(self) -> str:
        if not self._taken:
            return ""
        blanks = " " * min(self._taken, self._width() - 1)
        self._taken, self._shown = 0, ""
        return f"\r{blanks}\r"

    def _painted(self) -> str:
        if self._painter is None:
            return ""
        self._painted_at = monotonic()
        try:
            line, taken = self._painter(self._width() - 1)
        except Exception:  # No drawing is worth a report.
            self._painter, line, taken = _nothing, "", 0
        if line == self._shown:
            return ""
        rest = self._taken - taken
        self._shown, self._taken = line, taken
        return f"\r{line}" + " " * rest + "\b" * rest

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80
