"""The database wrapper of a guarded connection: opened for reading, unless writes are allowed."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

from django_probe.guarding.permits import Permit, WriteRefused, is_allowed, of_this_code
from django_probe.guarding.statements import is_ours, is_refusal, sql_of, verb_of

__all__ = ["GuardedWrapper", "Refusals", "how_to_allow"]

_Wrapper: Any = object
"""Stands for the ``DatabaseWrapper`` of a vendor, behind which a guard is mixed in."""


class GuardedWrapper(_Wrapper):  # type: ignore[misc]
    """Open connections that cannot write, and say so when somebody tries.

    A mixin in front of a vendor's ``DatabaseWrapper``. What may be written is
    asked each time a connection is opened, and holds for that connection.
    """

    connection: Any
    in_atomic_block: bool
    writable = False
    """Whether the connection that is open may write."""

    def connect(self) -> None:
        """Open a connection; it is guarded when this returns, or it is closed."""
        self.writable = is_allowed(self.alias)
        try:
            super().connect()
        finally:
            self._arm()

    def ensure_connection(self) -> None:
        """Open a connection, anew where the code that runs now may not write any more.

        A thread may have outlived the probe that allowed it.
        """
        if self.writable and self.connection is not None and not is_allowed(self.alias):
            self.follow_permit()
        super().ensure_connection()

    def get_new_connection(self, params: dict[str, Any]) -> Any:
        """Open a connection of the driver's, for reading alone where no write is allowed."""
        if self.writable:
            return super().get_new_connection(params)
        return self.open_guarded(params)

    def open_guarded(self, params: dict[str, Any]) -> Any:
        """Open a connection that is guarded from the first statement on, where that can be."""
        return super().get_new_connection(params)

    def guard(self) -> None:
        """Guard the connection that is open, or check that it is guarded.

        It comes after what Django and the project do with each new connection.

        Raises:
            WriteRefused: it cannot be.
        """
        raise NotImplementedError

    def is_refusal(self, exc: BaseException) -> bool:
        """Return whether an exception of the driver means that a write was refused."""
        return is_refusal(exc)

    def verb(self, exc: BaseException, sql: str) -> str:
        """Return what was refused: the statement's verb."""
        return verb_of(sql) or "A write"

    def unguardable(self, why: str) -> WriteRefused:
        """Return what to raise where a connection cannot be guarded."""
        return WriteRefused(
            f"The database {self.alias!r} cannot be guarded against writes: {why}."
            f" {how_to_allow(self.alias)}"
        )

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        """Return what turns the driver's exceptions into Django's, and refusals into ours."""
        return Refusals(self)

    def follow_permit(self) -> None:
        """Close the connection where the code that runs now may do less than it can, or more.

        One in a transaction that is read-only is left: its fixture owns it.
        """
        allowed = is_allowed(self.alias)
        if self.connection is None or allowed == self.writable:
            return
        if self.in_atomic_block and not self.writable:
            return
        self.in_atomic_block = self.closed_in_transaction = False
        self.close()
        if self.connection is not None:  # A database in memory is never closed.
            self.switch(allowed)

    def switch(self, writable: bool) -> None:
        """Change what a connection may do that cannot be opened anew."""
        raise NotImplementedError

    def _arm(self) -> None:
        if self.connection is None or self.writable:
            return
        if self.alias != NO_DB_ALIAS:
            for permit in of_this_code():
                permit.guarded.add(self.alias)
        try:
            self.guard()
        except BaseException:
            raw, self.connection = self.connection, None
            with contextlib.suppress(Exception):
                raw.close()
            raise


class Refusals(DatabaseErrorWrapper):
    """Turn what the driver raises into Django's exceptions, and a refused write into ours."""

    wrapper: Any

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_value is None:
            return
        wrapper = self.wrapper
        if wrapper.writable or not wrapper.is_refusal(exc_value):
            super().__exit__(exc_type, exc_value, traceback)
            return
        wrapper.errors_occurred = True
        refused = WriteRefused(
            f"{wrapper.verb(exc_value, sql_of(traceback))} was refused on the database"
            f" {wrapper.alias!r}: this probe may only read. {how_to_allow(wrapper.alias)}"
            f" The {'guard' if is_ours(exc_value) else 'database'} says: {_text(exc_value)}"
        )
        permits: list[Permit] = of_this_code()
        if len(permits) == 1:
            permits[0].note(refused)
        raise refused.with_traceback(traceback) from exc_value


def how_to_allow(alias: str) -> str:
    """Return how a write to an alias is allowed; one of Django's own has no name to give."""
    named = "" if alias == NO_DB_ALIAS else f"({alias!r})"
    return (
        f"To allow it: @allow_writes{named} above the probe or its class; or, for all probes,"
        " --allow-writes or PROBE_ALLOW_WRITES = True."
    )


def _text(exc: BaseException) -> str:
    said = [str(arg) for arg in exc.args if isinstance(arg, str)]
    return " ".join((said[-1] if said else str(exc)).split())
