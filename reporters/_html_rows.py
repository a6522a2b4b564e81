"""The rows of the page, class by class: what needs a look, then all the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from django_probe.pages import Stencil, escaped, hole
from django_probe.reporters._html_kinds import KINDS, counted
from django_probe.reporters._html_table import Cell, Table
from django_probe.reporters._text_words import joined, seconds
from django_probe.reporting import shown_target
from django_probe.spooling import Spool

__all__ = ["Rows", "row_text"]

FEW = 40
"""Rows up to which the classes in which all is well are unfolded."""
WIDTH = 60
"""Length of the longest bar."""

_ABOUT = ("label", "name", "source", "tags", "about")
_LINE = "\x1f"
"""Stands between the texts of a row in the spool: no text of a record has it."""


def row_text(label: str, source: str, tags: Sequence[str], about: str) -> str:
    """Return what all results of a row have in common, as it waits in the spool."""
    name = label.rpartition(".")[2]
    return escaped(_LINE.join((label, name, source, " ".join(tags), about)))


_RANKS = {kind: rank for rank, kind in enumerate((*KINDS, "-"))}


class Rows:
    """Writes the sections of the page.

    Args:
        table: all results.
        spool: where their texts wait.
        targets: of the run.
    """

    def __init__(self, table: Table, spool: Spool, targets: tuple[str, ...]) -> None:
        self._table, self._spool = table, spool
        self._names = [shown_target(targets, name) for name in table.targets]
        self._longest = max(table.slowest, 1e-9)
        fixed = {"span": f"{len(self._names) + 1}", "wide": f"{WIDTH}"}
        holes = {name: hole(name) for name in (*_ABOUT, "kinds", "kind", "cells")}
        self._plain = Stencil("_row.html", {**fixed, **holes})
        self._told = Stencil("_row.html", {**fixed, **holes, "more": hole("more")})
        self._cells: dict[tuple[str, str], Stencil] = {}
        self._fixed = fixed

    def sections(self, failures: Sequence[Mapping[str, object]]) -> Iterator[str]:
        """Yield what is not ok, then everything else.

        Args:
            failures: of fixtures and targets, by the template's names.
        """
        loud, quiet = self._table.groups(loud=True), self._table.groups(loud=False)
        if loud or failures:
            yield from self._section(loud, loud=True, failures=failures, alone=False)
        if quiet:
            yield from self._section(quiet, loud=False, failures=(), alone=not (loud or failures))

    def _section(
        self,
        groups: list[tuple[str, list[int]]],
        *,
        loud: bool,
        failures: Sequence[Mapping[str, object]],
        alone: bool,
    ) -> Iterator[str]:
        values = {"loud": loud, "alone": alone, "failures": failures, "groups": hole("groups")}
        before, after = Stencil("_section.html", values).around("groups", {})
        unfolded = sum(len(rows) for _, rows in groups) <= FEW
        holes = {name: hole(name) for name in ("label", "app", "name", "told", "took", "rows")}
        fixed = {"loud": loud, "open": unfolded, "targets": self._names}
        group = Stencil("_group.html", {**fixed, **holes})
        yield before
        for label, rows in groups:
            head, foot = group.around("rows", self._about(label, rows))
            yield head
            for row in rows:
                yield self._row(row)
            yield foot
        yield after

    def _about(self, label: str, rows: list[int]) -> dict[str, str]:
        """Return what the head of a class says."""
        kinds: Counter[str] = Counter()
        took = 0.0
        for row in rows:
            for cell in self._table.cells(row):
                if cell is not None:
                    kinds[cell[0]] += 1
                    took += cell[1]
        app, _, name = label.partition(".")
        told = joined(
            f"{kinds[kind]} {counted(kind, kinds[kind])}" for kind in KINDS if kinds[kind]
        )
        texts = {"label": label, "app": app, "name": name, "told": told, "took": seconds(took)}
        return {key: escaped(text) for key, text in texts.items()}

    def _row(self, row: int) -> str:
        markup = dict(zip(_ABOUT, self._table.head(row).split(_LINE, 4), strict=True))
        cells = self._table.cells(row)
        kinds = [cell[0] if cell else "-" for cell in cells]
        markup["kinds"] = " ".join(kinds)
        markup["kind"] = kinds[0] if len(kinds) == 1 else min(kinds, key=_RANKS.__getitem__)
        markup["cells"] = "".join(map(self._cell, cells, self._names))
        more = [piece for cell in cells if cell and cell[2][1] for piece in self._more(cell)]
        if not more:
            return self._plain.fill(markup)
        markup["more"] = "".join(more)
        return self._told.fill(markup)

    def _more(self, cell: Cell) -> Iterator[str]:
        return self._spool.read(*cell[2])

    def _cell(self, cell: Cell | None, target: str) -> str:
        kind, duration = cell[:2] if cell else ("", 0.0)
        stencil = self._cells.get((kind, target))
        if stencil is None:
            holes = {"took": hole("took"), "width": hole("width")}
            values = {"kind": kind, "word": KINDS.get(kind, ""), "target": target}
            stencil = Stencil("_cell.html", {**self._fixed, **holes, **values})
            self._cells[kind, target] = stencil
        width = WIDTH * duration / self._longest
        return stencil.fill({"took": seconds(duration), "width": f"{width:.1f}"})
