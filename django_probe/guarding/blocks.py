"""What both drivers of PostgreSQL need to know: what to put around a statement, what to refuse."""

from __future__ import annotations

import re

from django_probe.guarding.statements import OURS, is_single

__all__ = [
    "BEGIN",
    "END",
    "FIRST",
    "KEEP",
    "PAST",
    "end_of",
    "is_several",
    "refuse_explained",
    "refuse_several",
]

BEGIN = "BEGIN READ ONLY"
END = "ROLLBACK"
KEEP = "COMMIT"
"""In place of END, for a cursor WITH HOLD."""
FIRST = "SET TRANSACTION READ ONLY"
"""In place of BEGIN, where the driver begins the transaction."""

SEVERAL = (
    f"{OURS}: behind this pooler a probe runs one statement at a time, and this may be several;"
    " give each to execute() on its own, without comments or strings that hold a semicolon"
)

PAST = (
    f"{OURS}: behind this pooler nothing else holds what goes past the guarded cursors; take one by"
    " connection.cursor(), without a pipeline, two phases or large objects"
)

_EXPLAINED = re.compile(r"\bexplain\b.*\banaly[sz]e\b.*\b(into|create)\b", re.DOTALL)
EXPLAINED = (
    f"{OURS}: the server would make a table under EXPLAIN ANALYZE in a read-only transaction, too"
)


def refuse_explained(sql: str, kind: type[Exception]) -> None:
    """Raise a driver's error where EXPLAIN ANALYZE would make a table.

    It runs ``CREATE TABLE AS`` and ``SELECT INTO`` without asking whether the
    transaction is read-only (PostgreSQL 15).
    """
    lower = sql.lower()
    if "explain" in lower and _EXPLAINED.search(lower):
        raise kind(EXPLAINED)


def end_of(sql: str) -> str:
    """Return how the transaction of a statement ends: what ``SET`` sets must outlive it."""
    return KEEP if sql.lstrip()[:5].upper().startswith(("SET ", "RESET")) else END


def refuse_several(sql: str, kind: type[Exception]) -> None:
    """Raise a driver's error unless a text is surely one statement, and no such EXPLAIN.

    The second could end the transaction that the first is read-only in.
    """
    refuse_explained(sql, kind)
    if not is_single(sql):
        raise kind(SEVERAL)


def is_several(exc: BaseException) -> bool:
    """Return whether an exception means that a text is not surely one statement."""
    return "multiple commands into a prepared statement" in str(exc) or SEVERAL in str(exc)
