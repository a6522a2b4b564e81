"""What the guard has to know of a statement, and of what a driver says to it."""

from __future__ import annotations

import re
from types import TracebackType

from django_probe.details import text_of

__all__ = ["OURS", "is_ours", "is_refusal", "is_single", "sql_of", "verb_of"]

OURS = "the write guard refuses it"
"""What stands in an error of a driver's kind that the guard has raised, not the database."""

_PLAIN = re.compile(r"""'[^']*'|"[^"]*\"""")
_TRICKY = ("--", "/*", "\\", "$")
"""With one of these, where a string begins and ends is for the server alone to say."""

_SQLITE = ("not authorized", "authorization denied", "attempt to write a readonly database")

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE|REPLACE)\b", re.IGNORECASE)


def is_single(sql: str) -> bool:
    """Return whether it is sure that a text holds one statement: no more, whoever reads it.

    False does not mean that there are several.
    """
    sql = sql.rstrip("; \t\r\n")
    if ";" not in sql:
        return True
    return not any(mark in sql for mark in _TRICKY) and ";" not in _PLAIN.sub("", sql)


def is_ours(exc: BaseException) -> bool:
    """Return whether the guard itself has refused what the database would let pass."""
    return OURS in text_of(exc)


def is_refusal(exc: BaseException) -> bool:
    """Return whether a driver's exception says that a write was refused: any driver's."""
    if is_ours(exc):
        return True
    code = getattr(exc, "sqlstate", None) or getattr(exc, "pgcode", None)
    if code == "25006":  # read_only_sql_transaction
        return True
    number = exc.args[0] if exc.args else None
    if isinstance(number, int) and number == 1792:  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
        return True
    return type(exc).__module__ == "sqlite3" and str(exc).startswith(_SQLITE)


def verb_of(sql: str) -> str:
    """Return the verb of a statement in capitals: ``INSERT``; "" where there is none."""
    words = _WORD.findall(_COMMENTS.sub(" ", sql)[:1000])
    if not words:
        return ""
    verb = str(words[0]).upper()
    if verb in ("WITH", "EXPLAIN", "ANALYZE"):
        found = _WRITES.search(_COMMENTS.sub(" ", sql))
        return found[1].upper() if found else verb
    return verb


def sql_of(frames: TracebackType | None) -> str:
    """Return the statement that the first frames of a traceback were to run, "" if unknown.

    Django's cursors call it ``sql``, or ``procname``.
    """
    while frames is not None:
        seen = frames.tb_frame.f_locals
        if isinstance(seen.get("sql"), str):
            return str(seen["sql"])
        if isinstance(seen.get("procname"), str):
            return f"CALL {seen['procname']}"
        frames = frames.tb_next
    return ""
