"""PostgreSQL: the server refuses, by a startup option; behind a pooler, block by block.

A startup option costs nothing for each query, and belongs to the one server
session that is ours. Where a pooler refuses such options the sessions are
shared: a ``SET`` would make other clients' writes fail. Each statement then
gets a read-only transaction of its own.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from django_probe.guarding.base import GuardedWrapper
from django_probe.guarding.blocks import is_several

__all__ = ["GuardedPostgreSQL"]

OPTION = "-c default_transaction_read_only=on"

_WHERE = ("HOST", "PORT", "NAME", "USER", "service", "host", "port")

_refusing: set[tuple[str, ...]] = set()
"""The servers that were found not to take startup options."""
_of_services: dict[tuple[str, ...], str] = {}
"""The startup options of a service that is named in their place."""


class GuardedPostgreSQL(GuardedWrapper):
    """Let the server refuse every write: in all transactions, or in each one."""

    block_by_block = False
    """Whether the open connection is one of a pooler's."""

    def open_guarded(self, params: dict[str, Any]) -> Any:
        """Open a session whose transactions are read-only; else a plain one."""
        params = self._driver.prepared(params)
        raw = None if self._server in _refusing else self._open_with_option(params)
        self.block_by_block = raw is None
        return super().open_guarded(params) if raw is None else raw

    def guard(self) -> None:
        """Watch the statements; put each into a read-only transaction, if the session's are not."""
        guard = self._driver.guard if self.block_by_block else self._driver.watch
        guard(self.connection)

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor; Django makes named ones itself, without asking the connection."""
        cursor = super().create_cursor(name)
        if name and self.block_by_block and not self.writable and hasattr(cursor, "scrollable"):
            self._driver.guard_named(cursor)
        return cursor

    def is_refusal(self, exc: BaseException) -> bool:
        """Return whether the server or the guard says so."""
        if super().is_refusal(exc):
            return True
        code = getattr(exc, "sqlstate", None) or getattr(exc, "pgcode", None)
        # "25001": VACUUM and its like, in the transaction that we have begun.
        return self.block_by_block and (code == "25001" or is_several(exc))

    def verb(self, exc: BaseException, sql: str) -> str:
        """Return the verb that the server names, or the statement's own."""
        if is_several(exc):
            return "More than one statement at a time"
        _, _, rest = str(exc).partition("cannot execute ")
        named, found, _ = rest.partition(" in a read-only transaction")
        return named if found else super().verb(exc, sql)

    @property
    def _driver(self) -> Any:
        """Return what knows the driver that Django has found."""
        name = "psycopg3" if hasattr(self.Database, "Pipeline") else "psycopg2"
        return import_module(f"django_probe.guarding.{name}")

    @property
    def _server(self) -> tuple[str, ...]:
        settings = {**self.settings_dict.get("OPTIONS", {}), **self.settings_dict}
        return tuple(str(settings.get(key)) for key in _WHERE)

    def _open_with_option(self, params: dict[str, Any]) -> Any:
        """Return a connection whose transactions are read-only, None where that cannot be had."""
        options = f"{self._options(params)} {OPTION}".strip()
        try:
            raw = super().open_guarded({**params, "options": options})
        except self.Database.OperationalError as exc:
            if "option" not in str(exc):  # "unsupported startup parameter: options"
                raise
        else:
            if _is_read_only(raw):
                return raw
            raw.close()
        _refusing.add(self._server)
        return None

    def _options(self, params: dict[str, Any]) -> str:
        """Return the options that a connection has anyhow: ours are to be added to them."""
        given = str(params.get("options") or os.environ.get("PGOPTIONS", ""))
        if params.get("options") or not (params.get("service") or os.environ.get("PGSERVICE")):
            return given
        if self._server not in _of_services:  # Nobody but libpq reads the file of services.
            raw = super().open_guarded(params)
            _of_services[self._server] = str(self._driver.options_of(raw) or given)
            raw.close()
        return _of_services[self._server]


def _is_read_only(raw: Any) -> bool:
    """Return whether the option has reached the server: a pooler may have dropped it."""
    told = raw.info.parameter_status("default_transaction_read_only")
    if told is None:  # Before PostgreSQL 14 it is not reported.
        with raw.cursor() as cursor:
            cursor.execute("SHOW default_transaction_read_only")
            told = cursor.fetchone()[0]
        raw.rollback()
    return bool(told == "on")
