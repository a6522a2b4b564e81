"""The rows as a Markdown table, and what was measured around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.lab import Row
from benchmarks.measuring import Sample

__all__ = ["lines", "sample_lines"]

HEADS = ("what", "budget", "ours", "verdict", "peers")


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the table, a line each."""
    cells = [
        (
            row.what,
            f"<= {_number(row.budget)} {row.unit}",
            _number(row.value) + (f" ({row.note})" if row.note else ""),
            "within" if row.within else "OVER",
            ", ".join(f"{name} {_number(value)}" for name, value in row.peers.items()),
        )
        for row in rows
    ]
    yield from _table(HEADS, cells)


def sample_lines(samples: dict[str, dict[str, list[Sample]]]) -> Iterator[str]:
    """Yield what each contender took, in absolute figures."""
    cells = [
        (race, name, *_told(found))
        for race, contenders in samples.items()
        for name, found in contenders.items()
        if not race.endswith(", once")
    ]
    yield from _table(
        ("race", "contender", "rounds", "CPU s, lowest", "median", "clock s, lowest", "peak MiB"),
        cells,
    )


def _told(samples: list[Sample]) -> tuple[str, ...]:
    times = [sample.cpu for sample in samples]
    spread = median(times) / min(times) - 1
    return (
        str(len(samples)),
        f"{min(times):.2f}",
        f"+{spread:.0%}",
        f"{min(sample.wall for sample in samples):.2f}",
        f"{median(sample.peak for sample in samples):.0f}",
    )


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return f"({value})"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"


def _table(heads: tuple[str, ...], cells: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, tuple("-" * width for width in widths), *cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
