"""Tables in the documents that come from tests: ``make tables`` writes them anew."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["check_table"]


def check_table(document: Path, name: str, lines: Sequence[str]) -> None:
    """Compare a table with the document that shows it; ``UPDATE_TABLES=1`` puts it there.

    It stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``.
    """
    text = document.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- table: {name}[^>]*-->\n).*?(<!-- end of table -->)", re.DOTALL)
    found = place.search(text)
    assert found is not None, f"{document.name} has no place for the table {name!r}"
    wanted = "".join(f"{line}\n" for line in lines)
    if os.environ.get("UPDATE_TABLES") == "1":
        document.write_text(text.replace(found[0], found[1] + wanted + found[2]), encoding="utf-8")
    else:
        assert found[0] == found[1] + wanted + found[2], "make tables"


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"
