"""Rows on the write guard: a small query under it, in parts of the same query without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.lab import CHILDREN, Lab, Row

__all__ = ["guarding"]

ROWS = (
    ("PostgreSQL", "postgresql", "session", 1.1, ()),
    ("PostgreSQL, as behind PgBouncer", "postgresql", "blocks", 1.6, ("three", "pipeline")),
    ("MariaDB", "mariadb", "session", 1.1, ()),
    ("SQLite", "sqlite", "session", 1.1, ()),
)
PEERS = {"three": "BEGIN, query, ROLLBACK one by one", "pipeline": "the three in a pipeline"}
QUERIES = 300
"""In a row, bare and guarded in turn."""


def guarding(lab: Lab) -> Iterator[Row]:
    """Time each way of guarding, on the servers that answer here."""
    print("guarding", file=sys.stderr)
    for name, database, way, budget, peers in ROWS:
        found = _measure(lab, database, way)
        if isinstance(found, str):
            lab.absent[f"a query on {name}"] = f"cannot be asked here: {found}"
            continue
        bare, guarded = found
        yield Row(
            what=f"a guarded query, {name}",
            budget=budget,
            value=guarded / bare,
            unit="x bare query",
            peers={PEERS[peer]: _ratio(_measure(lab, database, peer)) for peer in peers},
            note=f"{guarded * 1e6:.0f} us; bare {bare * 1e6:.0f} us",
        )


def _ratio(found: tuple[float, float] | str) -> float | str:
    return found if isinstance(found, str) else found[1] / found[0]


def _measure(lab: Lab, database: str, way: str) -> tuple[float, float] | str:
    """Return (seconds of a bare query, of a guarded one), or why they cannot be had."""
    rounds = lab.scale.rounds * 3 if lab.scale.warm else 1
    argv = [database, way, str(rounds), str(QUERIES if lab.scale.warm else 5)]
    done = subprocess.run(
        [lab.python, str(CHILDREN / "guarded_queries.py"), *argv],
        cwd=lab.folder,
        env=lab.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    verdict, _, rest = done.stdout.strip().rpartition("\n")[2].partition(" ")
    if verdict != "measured":
        return rest or done.stderr.strip().rpartition("\n")[2]
    bare, _, guarded = rest.partition(" ")
    return float(bare), float(guarded)
