"""Cursors of psycopg 3 that run each statement in a read-only transaction.

A statement that is surely one goes out together with its BEGIN and ROLLBACK, as
one string: one round trip, and less work than a pipeline. Any other goes out in
a pipeline, where the server takes no more than one statement at a time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import pq

from django_probe.guarding.blocks import (
    BEGIN,
    END,
    KEEP,
    PAST,
    end_of,
    refuse_explained,
    refuse_several,
)
from django_probe.guarding.statements import is_single

__all__ = [
    "ReadOnlyCursor",
    "ReadOnlyNamedCursor",
    "WatchedCursor",
    "guard",
    "guard_named",
    "options_of",
    "prepared",
    "watch",
]

_Cursor: Any = object


def prepared(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a connection that can be guarded: any can."""
    return params


def options_of(raw: Any) -> str | None:
    """Return the startup options of a connection, wherever libpq has found them."""
    options: str | None = raw.info.get_parameters().get("options")
    return options


def guard(raw: Any) -> None:
    """Let a connection make guarded cursors only, and begin all transactions as read-only."""
    if raw.pgconn.transaction_status:
        raw.rollback()
    raw.read_only = True
    kind: Any = type(raw)
    raw.__class__ = _connection(kind)
    raw.cursor_factory = _mixed(ReadOnlyCursor, raw.cursor_factory)
    raw.server_cursor_factory = _mixed(ReadOnlyNamedCursor, raw.server_cursor_factory)


def guard_named(cursor: Any) -> None:
    """Make a named cursor a guarded one."""
    if not isinstance(cursor, ReadOnlyNamedCursor):
        kind: Any = type(cursor)
        cursor.__class__ = _mixed(ReadOnlyNamedCursor, kind)


def watch(raw: Any) -> None:
    """Let the cursors of a connection that is read-only refuse what its server does not."""
    raw.cursor_factory = _mixed(WatchedCursor, raw.cursor_factory)


@functools.cache
def _mixed(mixin: Any, kind: Any) -> Any:
    return type(kind.__name__, (mixin, kind), {})


@functools.cache
def _connection(kind: Any) -> Any:
    """Return a class of connections that run what guarded cursors hold, and refuse the rest.

    It has one base: an open connection can become one by its class alone.
    """

    class ReadOnlyConnection(kind):  # type: ignore[misc]
        guarding = False
        """Whether a guarded cursor holds a transaction around what runs."""

        def pipeline(self) -> Any:
            refuse_past(self)
            return super().pipeline()

        def _start_query(self) -> Any:  # Before each statement of any cursor.
            refuse_past(self)
            return super()._start_query()

    def refuse_past(raw: Any) -> None:
        if raw.autocommit and not raw.guarding and _is_idle(raw):
            raise psycopg.ProgrammingError(PAST)

    return ReadOnlyConnection


class WatchedCursor(_Cursor):  # type: ignore[misc]
    """A mixin in front of a client-side cursor of a read-only session."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run what it is given, unless it makes a table by way of EXPLAIN ANALYZE."""
        self._look_at(query)
        return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Do the same, several times."""
        self._look_at(query)
        super().executemany(query, params_seq, **options)

    def stream(self, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        """Do the same; yield the rows as they come."""
        self._look_at(query)
        yield from super().stream(query, params, **options)

    def _look_at(self, query: Any) -> None:
        refuse_explained(_text(query, self.connection), psycopg.ProgrammingError)


class ReadOnlyCursor(_Cursor):  # type: ignore[misc]
    """A mixin in front of a client-side cursor."""

    _alone = False
    """Whether the result is one of three, the other two ours."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run one statement in a transaction that can only read."""
        self._alone = False
        raw = self.connection
        template = _text(query, raw)
        refuse_explained(template, psycopg.ProgrammingError)
        single = is_single(template)
        if not _is_idle(raw) or not raw.autocommit:
            with contextlib.nullcontext() if single else raw.pipeline():
                return super().execute(query, params, **options)
        with _rolled_back(raw):
            if single and hasattr(self, "mogrify") and not options.get("binary"):
                sql = template if params is None else self.mogrify(query, params)
                self._execute_as_one(sql, end_of(template))
            else:
                with raw.pipeline():
                    _run(raw, BEGIN)
                    super().execute(query, params, **options)
                    _run(raw, end_of(template))
        return self

    def _execute_as_one(self, sql: str, end: str) -> None:
        super().execute(f"{BEGIN};{sql}\n;{end}")
        super().nextset()
        self._alone = True

    def nextset(self) -> bool | None:
        """Return whether there is another result: never, of one statement."""
        return None if self._alone else super().nextset()

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Run a statement several times, all in one transaction that can only read."""
        self._alone = False
        with _block(self.connection, query):
            super().executemany(query, params_seq, **options)

    def stream(self, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        """Yield the rows of one statement as they come."""
        self._alone = False
        with _block(self.connection, query):
            yield from super().stream(query, params, **options)

    @contextlib.contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        """Copy, out of the database only."""
        self._alone = False
        with (
            _block(self.connection, statement),
            super().copy(statement, params, **options) as copy,
        ):
            yield copy


class ReadOnlyNamedCursor(_Cursor):  # type: ignore[misc]
    """A mixin in front of a server-side cursor."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Declare the cursor; outside of a transaction only its commit keeps it."""
        with _block(self.connection, query, end=KEEP):
            super().execute(query, params, **options)
        return self


@contextlib.contextmanager
def _block(raw: Any, query: Any, end: str = END) -> Iterator[None]:
    """Hold a transaction that can only read around what runs one statement."""
    refuse_several(_text(query, raw), psycopg.ProgrammingError)
    if not _is_idle(raw) or not raw.autocommit:
        yield
        return
    with _rolled_back(raw):
        _run(raw, BEGIN)
        yield
        _run(raw, end)


@contextlib.contextmanager
def _rolled_back(raw: Any) -> Iterator[None]:
    """Let what runs pass, and end the transaction that an error has left open."""
    raw.guarding = True
    try:
        yield
    finally:
        raw.guarding = False
        if not _is_idle(raw):
            with contextlib.suppress(psycopg.Error):
                raw.rollback()


def _is_idle(raw: Any) -> bool:
    return bool(raw.pgconn.transaction_status == pq.TransactionStatus.IDLE)


def _run(raw: Any, sql: str) -> None:
    psycopg.Cursor(raw).execute(sql)


def _text(query: Any, raw: Any) -> str:
    if isinstance(query, str):
        return query
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    return str(query.as_string(raw))
