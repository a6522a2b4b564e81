"""What both drivers of PostgreSQL put around a statement, behind a pooler."""

from __future__ import annotations

from django_probe.guarding.statements import is_single

__all__ = ["BEGIN", "END", "FIRST", "KEEP", "is_several", "refuse_several"]

BEGIN = "BEGIN READ ONLY"
END = "ROLLBACK"
KEEP = "COMMIT"
"""In place of END, for a cursor WITH HOLD."""
FIRST = "SET TRANSACTION READ ONLY"
"""In place of BEGIN, where the driver begins the transaction."""

SEVERAL = (
    "behind this pooler a probe runs one statement at a time, and this may be several: give each"
    " to execute() on its own, without comments or strings that hold a semicolon"
)


def refuse_several(sql: str, kind: type[Exception]) -> None:
    """Raise a driver's error unless a text is surely one statement.

    The second could end the transaction that the first is read-only in.
    """
    if not is_single(sql):
        raise kind(SEVERAL)


def is_several(exc: BaseException) -> bool:
    """Return whether an exception means that a text is not surely one statement."""
    return "multiple commands into a prepared statement" in str(exc) or SEVERAL in str(exc)
