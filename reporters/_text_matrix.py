"""The matrix of a text report: what each probe came to on each target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django_probe.reporters._text_columns import PASSED, kind_of, layout, legend
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import count, short
from django_probe.results import ProbeResult

__all__ = ["Matrix"]

LONGEST = 100
"""Characters of a label."""
ALL = 15
"""Probes, at most, that have a line each though nothing is wrong with them."""
MOST = 40
"""Lines, at most."""


class Matrix:
    """One byte for each probe on each target."""

    def __init__(self, targets: Sequence[str]) -> None:
        self._targets = targets
        self._columns = {name: n for n, name in enumerate(targets)}
        self._rows: dict[str, bytearray] = {}
        self._places: dict[str, int] = {}

    def add(self, result: ProbeResult) -> None:
        """Take a result."""
        column = self._columns.get(result.target)
        if column is None:
            return
        label, index = result.probe.label, result.probe.index
        row = self._rows.get(label)
        if row is None:
            row = self._rows[label] = bytearray(len(self._columns))
        row[column] = max(row[column], kind_of(result))
        self._places[label] = min(self._places.get(label, index), index)

    def lines(self, look: Look) -> Iterator[str]:
        """Yield the matrix: all of a small one, else the probes that differ or are not ok."""
        rows = sorted(self._rows, key=lambda label: (self._places[label], label))
        if not rows:
            return
        some = rows if len(rows) <= ALL else [one for one in rows if self._stands_out(one)]
        shown = self._worst(some)
        title = look.paint("bold", "Probe × target")
        yield f"\n{title}{_left_out(len(rows), len(some), len(shown))}\n"
        if shown:
            yield from self._table(shown, look)
            there = {kind for label in shown for kind in self._rows[label]}
            yield f"  {look.paint('dim', legend(there))}\n"

    def _stands_out(self, label: str) -> bool:
        return set(self._rows[label]) != {PASSED}

    def _worst(self, rows: Sequence[str]) -> Sequence[str]:
        """Return as many rows as may be shown, in their order; what is worst goes first."""
        worst = set(sorted(rows, key=lambda label: -max(self._rows[label]))[:MOST])
        return [label for label in rows if label in worst]

    def _table(self, rows: Sequence[str], look: Look) -> Iterator[str]:
        """Yield the lines: a column for each target by its name, by its number, or none at all."""
        columns = layout([look.target(name) for name in self._targets], look)
        if head := columns.head():
            yield f"  {head}\n"
        for label in rows:
            # What is not ours stands behind what is: no label can be taken for a line of ours.
            cells = bytes(self._rows[label])
            where = columns.standing_out(cells)
            yield f"  {columns.row(cells)}  {short(label, LONGEST)}{where and f' [{where}]'}\n"


def _left_out(rows: int, some: int, shown: int) -> str:
    if some == rows:
        return ":"
    of = count(rows, "probe")
    if not some:
        return f": each of {of} passed everywhere"
    more = f", the worst {shown} of them" if shown < some else ""
    return f" ({some} of {of} are not ok, or not the same everywhere{more}):"
