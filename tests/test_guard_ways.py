"""Every way to write, on every kind of connection: refused, and the document says by whom."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest
from write_ways import BEGIN, COLUMNS, DOCUMENT, END, WAYS, documented, tried

BY_NAME = {column.name: column for column in COLUMNS}


def marked(column):
    """Return a column as a parameter: those that depend on Python or Django run everywhere."""
    marks = [] if column.name in ("PostgreSQL, plain", "SQLite, plain") else [pytest.mark.once]
    if column.vendor != "sqlite":
        marks.append(pytest.mark.service)
    return pytest.param(column, marks=marks, id=column.name.replace("`", ""))


@pytest.mark.parametrize("column", [marked(column) for column in COLUMNS])
def test_each_way_to_write_is_refused_by_whom_the_document_says(column, tmp_path):
    if column.needs and find_spec(column.needs) is None:
        pytest.skip(f"needs {column.needs}")
    cells = tried(column, tmp_path)
    found = {way.name: cell for way, cell in zip(WAYS, cells, strict=True)}
    assert found == documented()[column.name], "run `make tables`"


def test_the_table_in_the_document_has_all_ways_and_columns():
    found = documented()
    assert sorted(found) == sorted(BY_NAME)
    assert all(list(cells) == [way.name for way in WAYS] for cells in found.values())
    text = DOCUMENT.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)


@pytest.mark.once
def test_what_is_tried_would_write_if_it_were_let(tmp_path):
    column = replace(BY_NAME["SQLite, plain"], before="PROBE_ALLOW_WRITES = True\n")
    with pytest.raises(AssertionError, match="SQLite, plain: something was written"):
        tried(column, tmp_path)
