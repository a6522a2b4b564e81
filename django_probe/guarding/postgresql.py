"""PostgreSQL: the server refuses, by a startup option; behind a pooler, block by block.

A startup option costs nothing for each query, and belongs to the one server
session that is ours. Where a pooler refuses such options the sessions are
shared: a ``SET`` would make other clients' writes fail. Each statement then
gets a read-only transaction of its own.
"""

from __future__ import annotations

import os
from typing import Any

from django_probe.guarding.base import GuardedWrapper
from django_probe.guarding.blocks import is_explained, is_several

__all__ = ["GuardedPostgreSQL"]

OPTION = "-c default_transaction_read_only=on"

_refusing: set[tuple[str, ...]] = set()
"""The servers that were found not to take startup options."""


class GuardedPostgreSQL(GuardedWrapper):
    """Let the server refuse every write: in all transactions, or in each one."""

    block_by_block = False
    """Whether the open connection is one of a pooler's."""

    def open_guarded(self, params: dict[str, Any]) -> Any:
        """Open a session whose transactions are read-only; else a plain one."""
        raw = None if self._server in _refusing else self._open_with_option(params)
        self.block_by_block = raw is None
        return super().open_guarded(params) if raw is None else raw

    def guard(self) -> None:
        """Watch the statements; put each into a read-only transaction, if the session's are not."""
        if hasattr(self.Database, "Pipeline"):
            from django_probe.guarding import psycopg3 as driver
        else:
            from django_probe.guarding import psycopg2 as driver  # type: ignore[no-redef]
        if self.block_by_block:
            driver.guard(self.connection)
        else:
            driver.watch(self.connection)

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor; Django makes named ones itself, without asking the connection."""
        cursor = super().create_cursor(name)
        if name and self.block_by_block and not self.writable and hasattr(cursor, "scrollable"):
            from django_probe.guarding import psycopg3

            psycopg3.guard_named(cursor)
        return cursor

    def is_refusal(self, exc: BaseException) -> bool:
        """Return whether the server, or one of our cursors, says so."""
        if super().is_refusal(exc) or is_explained(exc):
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
    def _server(self) -> tuple[str, ...]:
        settings = self.settings_dict
        return tuple(str(settings[key]) for key in ("HOST", "PORT", "NAME", "USER"))

    def _open_with_option(self, params: dict[str, Any]) -> Any:
        """Return a connection whose transactions are read-only, None where that cannot be had."""
        given = params.get("options") or os.environ.get("PGOPTIONS", "")
        try:
            raw = super().open_guarded({**params, "options": f"{given} {OPTION}".strip()})
        except self.Database.OperationalError as exc:
            if "option" not in str(exc):  # "unsupported startup parameter: options"
                raise
        else:
            if _is_read_only(raw):
                return raw
            raw.close()
        _refusing.add(self._server)
        return None


def _is_read_only(raw: Any) -> bool:
    """Return whether the option has reached the server: a pooler may have dropped it."""
    told = raw.info.parameter_status("default_transaction_read_only")
    if told is None:  # Before PostgreSQL 14 it is not reported.
        with raw.cursor() as cursor:
            cursor.execute("SHOW default_transaction_read_only")
            told = cursor.fetchone()[0]
        raw.rollback()
    return bool(told == "on")
