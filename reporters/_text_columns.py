"""How the matrix of a text report is laid out: by the names of targets, by numbers, or counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import joined
from django_probe.results import NON_BLOCKING, Outcome, ProbeResult

__all__ = ["PASSED", "Columns", "kind_of", "layout", "legend"]

WIDTH = 60
"""Characters of a line, at most, for the cells of a probe."""
TEN = 10
"""Columns that stand together."""
NAMED = 3
"""Targets that a line names."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")

# From the best to the worst: where a label comes twice on a target, the worst is shown.
_NOTHING, PASSED, _SKIPPED, _SOFT, _NOT_RUN, _BAD = range(6)
_SYMBOLS = "·✓-!?✗"
_MEANS = ("no result", "passed", "skipped", "does not block", "did not run", "blocks")
_STYLES = ("dim", "good", "dim", "warn", "bad", "bad")


def kind_of(result: ProbeResult) -> int:
    """Return what a cell is: the greater, the worse; 0 is none."""
    outcome = result.outcome
    if outcome is Outcome.PASSED and not result.blocking:
        return _SOFT if result.flaky else PASSED
    if outcome is Outcome.NOT_RUN:
        return _NOT_RUN
    if result.blocking:
        return _BAD
    return _SKIPPED if outcome in NON_BLOCKING else _SOFT


def legend(kinds: Collection[int]) -> str:
    """Return what the symbols of these kinds mean."""
    return joined(f"{_SYMBOLS[kind]} {_MEANS[kind]}" for kind in sorted(kinds))


class Columns:
    """A column for each target, with its name above.

    Args:
        names: of the targets.
    """

    def __init__(self, names: Sequence[str], look: Look) -> None:
        self.names = names
        self._cells = [look.paint(*pair) for pair in zip(_STYLES, _SYMBOLS, strict=True)]

    def head(self) -> str:
        """Return the line above."""
        return "  ".join(self.names)

    def row(self, cells: bytes) -> str:
        """Return the cells of a probe."""
        pairs = zip(cells, self.names, strict=True)
        return "  ".join(self._cells[cell] + " " * (len(name) - 1) for cell, name in pairs)

    def standing_out(self, cells: bytes) -> str:
        """Return the targets to name beside the cells of a probe."""
        return ""


class _Numbers(Columns):
    """A character for each target, in tens."""

    def head(self) -> str:
        return " ".join(f"{n + 1:<{TEN}}" for n in range(0, len(self.names), TEN)).rstrip()

    def row(self, cells: bytes) -> str:
        tens = (cells[start : start + TEN] for start in range(0, len(cells), TEN))
        return " ".join("".join(self._cells[cell] for cell in ten) for ten in tens)

    def standing_out(self, cells: bytes) -> str:
        """Return the targets where a probe came to something else than on most, worst first."""
        usual, _ = Counter(cells).most_common(1)[0]
        found = sorted((-cell, n) for n, cell in enumerate(cells) if cell not in (usual, PASSED))
        more = f"and {len(found) - NAMED} more" if len(found) > NAMED else ""
        return joined([*(self.names[n] for _, n in found[:NAMED]), more])


class _Counts(_Numbers):
    """How many of each."""

    def head(self) -> str:
        return ""

    def row(self, cells: bytes) -> str:
        counts = sorted(Counter(cells).items(), reverse=True)
        return "  ".join(f"{self._cells[kind]} {number}" for kind, number in counts)


def layout(names: Sequence[str], look: Look) -> Columns:
    """Return the layout that leaves room for labels."""
    are_plain = all(_PLAIN.fullmatch(name) for name in names)
    if are_plain and sum(len(name) + 2 for name in names) <= WIDTH:
        return Columns(names, look)
    return _Numbers(names, look) if len(names) <= WIDTH else _Counts(names, look)
