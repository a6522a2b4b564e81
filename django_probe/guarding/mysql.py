"""MySQL and MariaDB: a session of our own whose transactions are all read-only.

The server then refuses writes to every engine, and DDL, whether in a
transaction or not, at no cost for each query.
"""

from __future__ import annotations

from typing import Any

from django_probe.guarding.base import GuardedWrapper

__all__ = ["GuardedMySQL"]

READ_ONLY = "SET SESSION TRANSACTION READ ONLY"


class GuardedMySQL(GuardedWrapper):
    """Let the server refuse every write of the session."""

    def open_guarded(self, params: dict[str, Any]) -> Any:
        """Make it the first command: a driver that reconnects by itself gives it again.

        There can be one only, so that the project's own is given after it.
        """
        raw = super().open_guarded({**params, "init_command": READ_ONLY})
        if params.get("init_command"):
            with raw.cursor() as cursor:
                cursor.execute(params["init_command"])
        return raw

    def guard(self) -> None:
        """Ask the server whether it holds: what is between us may have dropped it."""
        name = "tx_read_only" if self.mysql_is_mariadb else "transaction_read_only"
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT @@SESSION.{name}")
            if cursor.fetchone()[0] != 1:
                raise self.unguardable(f"after {READ_ONLY!r} the session is not read-only")
        self.connection.cursorclass = _telling(self.connection.cursorclass, self)


def _telling(kind: Any, wrapper: GuardedMySQL) -> Any:
    """Return a class of cursors that tell a refusal when they are closed.

    Only then is it known of the second statement in a string, and Django passes
    over what the driver raises there.
    """

    class TellingCursor(kind):  # type: ignore[misc]
        def close(self) -> None:
            try:
                super().close()
            except Exception as exc:
                if not wrapper.is_refusal(exc):
                    raise
                with wrapper.wrap_database_errors:
                    raise

    return TellingCursor
