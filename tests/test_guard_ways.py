"""Every way to write, on every kind of connection: refused, and the document says by whom."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest
from write_ways import BEGIN, COLUMNS, DOCUMENT, END, WAYS, documented, table, tried

BY_NAME = {column.name: column for column in COLUMNS}


def marked(column):
    """Return a column as a parameter: those that depend on Python or Django run everywhere."""
    marks = [] if column.name in ("PostgreSQL", "SQLite") else [pytest.mark.once]
    if column.vendor != "sqlite":
        marks.append(pytest.mark.service)
    return pytest.param(column, marks=marks, id=column.name.replace("`", ""))


@pytest.mark.parametrize("column", [marked(column) for column in COLUMNS])
def test_each_way_to_write_is_refused_by_whom_the_document_says(column, tmp_path):
    if column.needs and find_spec(column.needs) is None:
        pytest.skip(f"needs {column.needs}")
    number = COLUMNS.index(column) + 1
    cells = [[cell.strip() for cell in line.split(" | ")] for line in documented().splitlines()[2:]]
    told = [line[number].removesuffix(" |") for line in cells]
    assert dict(zip([way.name for way in WAYS], tried(column, tmp_path), strict=True)) == dict(
        zip([way.name for way in WAYS], told, strict=True)
    ), "run `make tables`"


def test_the_table_in_the_document_has_all_ways_and_columns():
    names = table([(column, ["x"] * len(WAYS)) for column in COLUMNS]).splitlines()
    found = documented().splitlines()
    assert found[:2] == names[:2]
    assert [line.split(" | ")[0] for line in found] == [line.split(" | ")[0] for line in names]
    text = DOCUMENT.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)


@pytest.mark.once
def test_what_is_tried_would_write_if_it_were_let(tmp_path):
    column = replace(BY_NAME["SQLite"], before="PROBE_ALLOW_WRITES = True\n")
    with pytest.raises(AssertionError, match="SQLite: something was written"):
        tried(column, tmp_path)
