"""Cursors of psycopg2 that run each statement in a read-only transaction.

Its ``readonly`` attribute is not used: in autocommit it is a ``SET`` of the
session, which a pooler would hand to others.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import psycopg2
from psycopg2 import extensions

from django_probe.guarding.blocks import (
    BEGIN,
    END,
    FIRST,
    KEEP,
    PAST,
    end_of,
    refuse_explained,
    refuse_several,
)

__all__ = [
    "GuardedConnection",
    "ReadOnlyCursor",
    "WatchedCursor",
    "guard",
    "options_of",
    "prepared",
    "watch",
]

_Connection: Any = object
_Cursor: Any = object
IDLE = extensions.TRANSACTION_STATUS_IDLE


def prepared(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a connection that can be guarded once it is open."""
    kind = params.get("connection_factory") or extensions.connection
    return {**params, "connection_factory": _mixed(GuardedConnection, kind)}


def options_of(raw: Any) -> str | None:
    """Return the startup options of a connection, wherever libpq has found them."""
    options: str | None = raw.info.dsn_parameters.get("options")
    return options


def guard(raw: Any) -> None:
    """Let a connection make guarded cursors only."""
    if raw.info.transaction_status != IDLE:
        raw.rollback()
    raw.mixin = ReadOnlyCursor


def watch(raw: Any) -> None:
    """Let the cursors of a connection that is read-only refuse what its server does not."""
    raw.mixin = WatchedCursor


@functools.cache
def _mixed(mixin: Any, kind: Any) -> Any:
    return type(kind.__name__, (mixin, kind), {})


class GuardedConnection(_Connection):  # type: ignore[misc]
    """A mixin in front of a connection: it makes guarded cursors, of whatever kind."""

    mixin: Any = None
    """What guards its cursors, None until it is guarded."""

    def cursor(self, name: Any = None, cursor_factory: Any = None, **options: Any) -> Any:
        """Return a cursor."""
        kind = cursor_factory or self.cursor_factory or extensions.cursor
        kind = _mixed(self.mixin, kind) if self.mixin else kind
        return super().cursor(name, cursor_factory=kind, **options)

    def tpc_begin(self, xid: Any) -> None:
        """Begin the first of two phases, where the server's session is read-only."""
        self._refuse_past()
        super().tpc_begin(xid)

    def lobject(self, *args: Any, **options: Any) -> Any:
        """Open a large object, where the server's session is read-only."""
        self._refuse_past()
        return super().lobject(*args, **options)

    def _refuse_past(self) -> None:
        """Refuse what would begin a transaction by itself."""
        if self.mixin is ReadOnlyCursor:
            raise psycopg2.ProgrammingError(PAST)


class WatchedCursor(_Cursor):  # type: ignore[misc]
    """A mixin in front of a cursor of a read-only session."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run what it is given, unless it makes a table by way of EXPLAIN ANALYZE."""
        refuse_explained(_text(query, self.connection), psycopg2.ProgrammingError)
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Do the same, several times."""
        refuse_explained(_text(query, self.connection), psycopg2.ProgrammingError)
        super().executemany(query, vars_list)


class ReadOnlyCursor(_Cursor):  # type: ignore[misc]
    """A mixin in front of a cursor."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run one statement in a transaction that can only read."""
        raw = self.connection
        if self.name or raw.info.transaction_status != IDLE:
            with _block(raw, query, end=KEEP):
                super().execute(query, vars)
            return
        refuse_several(_text(query, raw), psycopg2.ProgrammingError)
        with _rolled_back(raw):
            begin = BEGIN if raw.autocommit else FIRST
            super().execute(f"{begin};".encode() + self.mogrify(query, vars))
            if raw.autocommit:
                _run(raw, end_of(_text(query, raw)))

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Run a statement several times, all in one transaction that can only read."""
        with _block(self.connection, query):
            super().executemany(query, vars_list)

    def callproc(self, procname: str, *args: Any) -> Any:
        """Call a function, which may read."""
        with _block(self.connection, procname):
            return super().callproc(procname, *args)

    def copy_expert(self, sql: Any, file: Any, *args: Any) -> None:
        """Copy, out of the database only."""
        with _block(self.connection, sql):
            super().copy_expert(sql, file, *args)

    def copy_from(self, file: Any, table: str, *args: Any, **options: Any) -> None:
        """Be refused by the server: this copies into the database."""
        with _block(self.connection, table):
            super().copy_from(file, table, *args, **options)

    def copy_to(self, file: Any, table: str, *args: Any, **options: Any) -> None:
        """Copy out of the database."""
        with _block(self.connection, table):
            super().copy_to(file, table, *args, **options)


@contextlib.contextmanager
def _block(raw: Any, query: Any, end: str = END) -> Iterator[None]:
    """Hold a transaction that can only read around what runs one statement."""
    refuse_several(_text(query, raw), psycopg2.ProgrammingError)
    if raw.info.transaction_status != IDLE:
        yield
        return
    with _rolled_back(raw):
        _run(raw, BEGIN if raw.autocommit else FIRST)
        yield
        if raw.autocommit:
            _run(raw, end)


@contextlib.contextmanager
def _rolled_back(raw: Any) -> Iterator[None]:
    """End the transaction of a statement in autocommit, if it has not been ended."""
    try:
        yield
    finally:
        if raw.autocommit and not raw.closed and raw.info.transaction_status != IDLE:
            with contextlib.suppress(psycopg2.Error):
                _run(raw, END)


def _run(raw: Any, sql: str) -> None:
    extensions.cursor(raw).execute(sql)


def _text(query: Any, raw: Any) -> str:
    if isinstance(query, str):
        return query
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    return str(query.as_string(raw))
