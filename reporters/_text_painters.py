"""The changing line: as plain text, or drawn by rich where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from django_probe.reporters._live import Painter, cells
from django_probe.reporters._text_lines import counter
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_progress import Progress
from django_probe.reporters._text_words import clock

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["make_painter"]

BAR = 20
"""Columns of the progress bar."""


def make_painter(progress: Progress, look: Look, stream: TextIO) -> Painter:
    """Return who draws the line: rich (the extra ``rich``) or, without it, plain text."""
    try:
        return _RichPainter(progress, look, stream)
    except Exception:  # Not installed, or not as we know it: a line is no reason to fail.
        return _PlainPainter(progress, look)


class _PlainPainter:
    """``24/200  22 ok, 2 not ok  45 s  shop.Checkout.test_pay 12 s (+3)``."""

    def __init__(self, progress: Progress, look: Look) -> None:
        self._progress = progress
        self._look = look

    def __call__(self, width: int) -> tuple[str, int]:
        progress = self._progress
        bad = f", {progress.bad} not ok" if progress.bad else ""
        head = f"{counter(progress)}  {progress.done - progress.bad} ok{bad}"
        head = f"{head}  {clock(progress.elapsed)}"
        line = head + _now(progress, self._look, width - cells(head), cells)
        line = line if cells(line) <= width else line[: max(0, width)]
        return line, cells(line)


class _RichPainter:
    """The same with a bar and colours."""

    def __init__(self, progress: Progress, look: Look, stream: TextIO) -> None:
        from rich.cells import cell_len
        from rich.console import Console
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        self._progress, self._look, self._cells = progress, look, cell_len
        self._text, self._bar = Text, ProgressBar
        self._console = Console(
            file=stream,
            force_terminal=True,
            legacy_windows=False,
            color_system="auto" if look.color else None,
            highlight=False,
        )

    def __call__(self, width: int) -> tuple[str, int]:
        progress = self._progress
        line = self._text(no_wrap=True, end="")
        if width >= 3 * BAR:
            self._draw_bar(line)
        line.append(counter(progress), "bold")
        line.append(f"  {progress.done - progress.bad} ok", "green")
        if progress.bad:
            line.append(f"  {progress.bad} not ok", "bold red")
        line.append(f"  {clock(progress.elapsed)}", "dim")
        line.append(_now(progress, self._look, width - line.cell_len, self._cells))
        line.truncate(max(1, width))
        with self._console.capture() as captured:
            self._console.print(line, end="", width=max(1, width), soft_wrap=True)
        return captured.get(), line.cell_len

    def _draw_bar(self, line: Text) -> None:
        progress, console = self._progress, self._console
        style = "red" if progress.bad else "green"
        bar = self._bar(
            total=progress.planned,
            completed=progress.done,
            width=BAR,
            complete_style=style,
            finished_style=style,
        )
        for segment in console.render(bar, console.options.update_width(BAR)):
            if not segment.control:
                line.append(segment.text.rstrip("\n"), segment.style)
        line.append("  ")


def _now(progress: Progress, look: Look, room: int, width_of: Callable[[str], int]) -> str:
    """Return what runs now, the longest first; its end says most, so its start is cut."""
    running = progress.running()
    if not running:
        return ""
    label, target, elapsed = running[0]
    more = f" (+{len(running) - 1})" if len(running) > 1 else ""
    tail = f" {clock(elapsed)}{more}"
    name = look.name(label, target)
    room -= 2 + len(tail)
    if room < 2:
        return ""
    cut = name
    while width_of(cut) > room:
        cut = f"…{cut.removeprefix('…')[1:]}"
    return f"  {cut}{tail}"
