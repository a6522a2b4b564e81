"""What Django does not ask of a database connection, by the means of its vendor."""

from __future__ import annotations

import contextlib
from typing import Any

__all__ = ["cancel", "is_spoilt"]


def cancel(connection: Any) -> None:
    """Cancel the query of a Django connection; nothing is raised where that is not possible."""
    raw = connection.connection
    if raw is None:
        return
    # The probe is given up where this does not help.
    with contextlib.suppress(Exception):
        if connection.vendor in ("postgresql", "oracle"):
            raw.cancel()
        elif connection.vendor == "sqlite":
            raw.interrupt()
        elif connection.vendor == "mysql":
            _kill_query(connection, raw.thread_id())


def is_spoilt(connection: Any) -> bool:
    """Return whether the driver says what Django does not know: closed, or in a transaction."""
    raw = connection.connection
    if raw is None:
        return False
    try:
        if connection.vendor == "postgresql":
            return bool(raw.closed or raw.info.transaction_status)
        if connection.vendor == "sqlite":
            return bool(raw.in_transaction or raw.total_changes < 0)  # Both raise when closed.
        if connection.vendor == "mysql":
            return not raw.open
    except Exception:  # What cannot be asked does not work.
        return True
    return False


def _kill_query(connection: Any, thread_id: int) -> None:
    helper = connection.copy()
    try:
        with helper.cursor() as cursor:
            cursor.execute(f"KILL QUERY {int(thread_id)}")
    finally:
        helper.close()
