"""Tables in the documents that come from tests: ``make tables`` writes them anew."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["check_table", "put_table", "row"]


def check_table(document: Path, name: str, lines: Sequence[str]) -> None:
    """Compare a table with the document that shows it; ``UPDATE_TABLES=1`` puts it there.

    It stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``.
    """
    found, wanted = _place(document, name), _text(lines)
    if not put_table(document, name, lines):
        assert found[0] == found[1] + wanted + found[2], "make tables"


def put_table(document: Path, name: str, lines: Sequence[str]) -> bool:
    """Put a table into its place with ``UPDATE_TABLES=1``; return whether that was said.

    For figures, which are never the same again.
    """
    found = _place(document, name)
    if os.environ.get("UPDATE_TABLES") != "1":
        return False
    text = document.read_text(encoding="utf-8")
    document.write_text(
        text.replace(found[0], found[1] + _text(lines) + found[2]), encoding="utf-8"
    )
    return True


def _place(document: Path, name: str) -> re.Match[str]:
    place = re.compile(rf"(<!-- table: {name}[^>]*-->\n).*?(<!-- end of table -->)", re.DOTALL)
    found = place.search(document.read_text(encoding="utf-8"))
    assert found is not None, f"{document.name} has no place for the table {name!r}"
    return found


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"
