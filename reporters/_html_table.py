"""Which results there are, a few numbers for each: rows are probes, columns targets."""

from __future__ import annotations

from array import array

from django_probe.reporters._html_kinds import KINDS
from django_probe.results import ProbeResult
from django_probe.spooling import Spool

__all__ = ["Cell", "Column", "Table"]

_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_NAMES = tuple(KINDS)
QUIET = _NUMBERS["expected_failure"]
"""From this kind on nothing needs a look."""
NOTHING = -1

Cell = tuple[str, float, tuple[int, int]]
"""Kind, seconds, and where in the spool the rest of it lies."""


class Column:
    """The results of one target, by row."""

    def __init__(self, rows: int) -> None:
        self.kinds = array("b", [NOTHING] * rows)
        self.durations = array("d", [0.0] * rows)
        self.offsets = array("q", [0] * rows)
        self.lengths = array("q", [0] * rows)

    def append(self) -> None:
        """Add an empty place for a new row."""
        self.kinds.append(NOTHING)
        self.durations.append(0.0)
        self.offsets.append(0)
        self.lengths.append(0)

    def cell(self, row: int) -> Cell | None:
        """Return the cell in a row, None where there is none."""
        kind = self.kinds[row]
        if kind == NOTHING:
            return None
        return _NAMES[kind], self.durations[row], (self.offsets[row], self.lengths[row])


class Table:
    """All results: texts wait in a spool, numbers in arrays.

    Args:
        targets: of the run; one that is not among them gets a column when it comes.
        spool: where the texts of rows and cells wait.
    """

    def __init__(self, targets: tuple[str, ...], spool: Spool) -> None:
        self._spool = spool
        self._columns = {target: Column(0) for target in targets}
        self._places = {target: n << 40 for n, target in enumerate(targets)}
        self._several = len(targets) > 1
        self._rows: dict[str, int] = {}
        self._twins: dict[tuple[str, str], int] = {}
        self._groups: dict[str, int] = {}
        self._orders, self._owners = array("q"), array("q")
        self._heads: tuple[array[int], array[int]] = array("q"), array("q")

    @property
    def targets(self) -> list[str]:
        """Return the targets, in the order of their columns."""
        return list(self._columns)

    @property
    def slowest(self) -> float:
        """Return the longest duration, in seconds."""
        return max(max(column.durations, default=0.0) for column in self._columns.values())

    def add(self, result: ProbeResult, kind: str, head: str, more: str) -> None:
        """Add a result; ``head`` is what its row says, ``more`` what the result alone does."""
        column = self._column(result.target)
        row = self._row(result, column, head)
        order = self._places[result.target] + result.probe.index
        self._orders[row] = min(self._orders[row], order)
        column.kinds[row] = _NUMBERS[kind]
        column.durations[row] = result.duration
        if more:
            column.offsets[row], column.lengths[row] = self._spool.write(more)

    def count(self) -> dict[str, int]:
        """Return how many results there are of each kind that occurs."""
        counts = {
            kind: sum(column.kinds.count(number) for column in self._columns.values())
            for kind, number in _NUMBERS.items()
        }
        return {kind: number for kind, number in counts.items() if number}

    def groups(self, *, loud: bool) -> list[tuple[str, list[int]]]:
        """Return the classes with their rows, in the order of the plan.

        Args:
            loud: those rows that need a look, on any target; else all others.
        """
        names = list(self._groups)
        found: dict[str, list[int]] = {}
        for row in sorted(range(len(self._orders)), key=self._orders.__getitem__):
            if self._is_loud(row) is loud:
                found.setdefault(names[self._owners[row]], []).append(row)
        return list(found.items())

    def head(self, row: int) -> str:
        """Return what a row says."""
        return "".join(self._spool.read(self._heads[0][row], self._heads[1][row]))

    def cells(self, row: int) -> list[Cell | None]:
        """Return the cell of each target, None where it was not asked."""
        return [column.cell(row) for column in self._columns.values()]

    def _is_loud(self, row: int) -> bool:
        for column in self._columns.values():
            if NOTHING < column.kinds[row] < QUIET:
                return True
        return False

    def _column(self, target: str) -> Column:
        column = self._columns.get(target)
        if column is None:
            column = self._columns[target] = Column(len(self._orders))
            self._places[target] = len(self._places) << 40
        return column

    def _row(self, result: ProbeResult, column: Column, head: str) -> int:
        """Return the row of a probe: an id that comes again on a target has one more."""
        if not self._several:
            return self._new_row(result, head)
        key = result.probe.id
        row = self._rows.get(key)
        if row is not None and column.kinds[row] != NOTHING:
            twin = (result.target, key)
            self._twins[twin] = self._twins.get(twin, 1) + 1
            key = f"{key} {self._twins[twin]}"
            row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._new_row(result, head)
        return row

    def _new_row(self, result: ProbeResult, head: str) -> int:
        group = result.probe.label.rpartition(".")[0]
        self._owners.append(self._groups.setdefault(group, len(self._groups)))
        self._orders.append(1 << 62)
        offset, length = self._spool.write(head)
        self._heads[0].append(offset)
        self._heads[1].append(length)
        for column in self._columns.values():
            column.append()
        return len(self._orders) - 1
