"""SQLite: two locks, one at the writing, one at the preparing of a statement.

``query_only`` refuses every write when it comes to it, also by ways that are no
SQL. A pragma would undo it, so the authorizer lets no pragma through that
changes something, nor what makes files (``ATTACH``, ``VACUUM INTO``) or loads
code. The authorizer alone cannot do it: SQLite prepares writes where it only
reads, for any virtual table (``json_each``, full text search, R-trees).
"""

from __future__ import annotations

import sqlite3
from typing import Any

from django_probe.guarding.base import GuardedWrapper

__all__ = ["GuardedSQLite"]

READING = frozenset(
    "application_id auto_vacuum automatic_index busy_timeout cache_size cache_spill cell_size_check"
    " checkpoint_fullfsync collation_list compile_options data_version database_list"
    " defer_foreign_keys encoding foreign_key_check foreign_key_list foreign_keys freelist_count"
    " fullfsync function_list hard_heap_limit ignore_check_constraints index_info index_list"
    " index_xinfo integrity_check journal_mode journal_size_limit legacy_alter_table locking_mode"
    " max_page_count mmap_size module_list page_count page_size pragma_list query_only quick_check"
    " read_uncommitted recursive_triggers reverse_unordered_selects schema_version secure_delete"
    " soft_heap_limit synchronous table_info table_list table_xinfo temp_store threads"
    " trusted_schema user_version wal_autocheckpoint writable_schema".split()
)
"""Pragmas that tell something when they are given no value."""
TELLING = frozenset(
    "foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check"
    " quick_check table_info table_list table_xinfo".split()
)
"""Pragmas whose value says what to tell of."""
PREPARED = frozenset(
    {
        sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT,
        # ``query_only`` refuses these when they are run.
        sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE,
    }
)  # fmt: skip


class GuardedSQLite(GuardedWrapper):
    """Let no statement write to any file, nor to temporary tables."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return Django's, without a transaction mode that takes locks only writers need."""
        params: dict[str, Any] = super().get_connection_params()
        if not self.writable:
            self.transaction_mode = None
        return params

    def guard(self) -> None:
        """Turn both locks."""
        self.connection.execute("PRAGMA query_only = ON")
        self.connection.set_authorizer(_authorize)

    def switch(self, writable: bool) -> None:
        """Turn the locks of a database in memory, which closing would empty."""
        self.writable = writable
        self.connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
        self.connection.execute("PRAGMA query_only = OFF")
        self._arm()


def _authorize(
    action: int, first: str | None, second: str | None, database: str | None, source: str | None
) -> int:
    if action in PREPARED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in (READING if second is None else TELLING)
    else:
        loads = (second or "").lower() == "load_extension"
        allowed = action == sqlite3.SQLITE_FUNCTION and not loads
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
