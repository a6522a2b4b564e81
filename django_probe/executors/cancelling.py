"""Cancel what a database connection runs, from another thread, by the means of its vendor."""

from __future__ import annotations

import contextlib
from typing import Any

__all__ = ["cancel"]


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


def _kill_query(connection: Any, thread_id: int) -> None:
    helper = connection.copy()
    try:
        with helper.cursor() as cursor:
            cursor.execute(f"KILL QUERY {int(thread_id)}")
    finally:
        helper.close()
