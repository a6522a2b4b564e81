"""The write guard: a probe that writes to a database is refused, unless it says that it does.

While probes run, every connection that this process opens is a guarded one.
Each wrapper is a class of Django's with a guard mixed in front, so that what is
derived from it (``copy()``, a connection without a database) is guarded too.
"""

from __future__ import annotations

import atexit
import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from importlib import import_module
from typing import Any

from django.db import connections
from django.db.utils import ConnectionHandler

from django_probe.guarding import permits
from django_probe.guarding.base import GuardedWrapper
from django_probe.guarding.permits import WriteRefused, acting
from django_probe.guarding.statements import is_ours, is_refusal
from django_probe.marks import EVERY_ALIAS

__all__ = [
    "Unguardable",
    "WriteRefused",
    "explanation",
    "for_a_run",
    "mark_told",
    "only_reading",
    "replaced",
    "unknown_aliases",
    "watch",
]

GUARDS = {
    "mysql": "mysql.GuardedMySQL",
    "postgresql": "postgresql.GuardedPostgreSQL",
    "sqlite": "sqlite.GuardedSQLite",
}
"""Vendor -> the guard that is mixed into its wrapper; any other fails closed."""

RAW = (
    "this probe may only read{}. To allow it: @allow_writes above the probe or its class; or, for"
    " all probes, --allow-writes or PROBE_ALLOW_WRITES = True"
)


_create_bare: Any = ConnectionHandler.create_connection
"""Django's own."""


def watch() -> None:
    """Let the connections that are opened while probes run be guarded ones.

    Where no probe runs, Django's own are made as ever. Calling it again changes nothing.
    """
    ConnectionHandler.create_connection = _create  # type: ignore[method-assign, assignment]
    permits.note_strangers()


@contextmanager
def for_a_run(*, allow_writes: bool) -> Iterator[None]:
    """Guard all that belongs to a run and to none of its probes, unless that may write.

    Threads that probes leave are such, what is imported, and hooks for the end of the process.
    """
    watch()
    hooks = nullcontext() if allow_writes else _guarded_hooks()
    with permits.probing(everything=allow_writes), hooks:
        yield


@contextmanager
def _guarded_hooks() -> Iterator[None]:
    """Guard the hooks that are given to ``atexit`` meanwhile.

    What was given last runs first: one hook comes before them, and one after them.
    """
    exiting, before = ExitStack(), atexit._ncallbacks()
    atexit.register(exiting.close)
    try:
        yield
    finally:
        if atexit._ncallbacks() == before + 1:
            atexit.unregister(exiting.close)
        else:
            atexit.register(exiting.enter_context, only_reading())


@contextmanager
def only_reading() -> Iterator[None]:
    """Let the code of this thread only read: a probe module that is imported, hooks at the end."""
    watch()
    with acting(permits.of_loading()), replaced():
        yield


@contextmanager
def replaced() -> Iterator[None]:
    """Put the connections of this thread away, and back at the end; others are closed then."""
    before = {wrapper.alias: wrapper for wrapper in connections.all(initialized_only=True)}
    for alias in before:
        del connections[alias]
    try:
        yield
    finally:
        for wrapper in connections.all(initialized_only=True):
            with suppress(Exception):
                wrapper.close()
            del connections[wrapper.alias]
        for alias, wrapper in before.items():
            connections[alias] = wrapper


def explanation(exc: BaseException) -> str:
    """Return what to add to what a probe raised, where the guard refused a write; else "".

    The driver's own exception comes here where the probe went past Django.
    """
    permit = permits.current.get()
    refused = mark_told(exc)
    if permit is None or refused or permit.aliases >= EVERY_ALIAS or not is_refusal(exc):
        return ""
    aliases = ", ".join(map(repr, sorted(permit.guarded)))
    by = "" if is_ours(exc) else "the write guard refused it: "
    return f" - {by}{RAW.format(f' from {aliases}' if aliases else '')}"


def mark_told(exc: BaseException) -> bool:
    """Mark the refusals in a chain of exceptions as told; return whether there are any."""
    seen: set[int] = set()
    following: BaseException | None = exc
    found = False
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        if isinstance(following, WriteRefused):
            found = following.told = True
        following = following.__cause__ or following.__context__
    return found


def unknown_aliases(writes: frozenset[str]) -> list[str]:
    """Return what ``@allow_writes`` names and ``DATABASES`` has not."""
    return sorted(alias for alias in writes - EVERY_ALIAS if alias not in connections.settings)


def _create(handler: ConnectionHandler, alias: str) -> Any:
    """Return a new wrapper: guarded where a probe runs, without a pool, closed after each use."""
    wrapper: Any = _create_bare(handler, alias)
    if not permits.of_this_code():
        return wrapper
    options = wrapper.settings_dict.get("OPTIONS", {})
    own = {key: value for key, value in options.items() if key != "pool"}
    settings = {**wrapper.settings_dict, "CONN_MAX_AGE": 0, "OPTIONS": own}
    kind: Any = type(wrapper)
    return _guarded(kind)(settings, alias)


@functools.cache
def _guarded(kind: Any) -> Any:
    """Return a class of wrappers with the guard of its vendor in front."""
    path = GUARDS.get(kind.vendor)
    if path is None:
        mixin: Any = Unguardable
    else:
        module, _, name = path.partition(".")
        mixin = getattr(import_module(f"django_probe.guarding.{module}"), name)
    return type(f"Guarded{kind.__name__}", (mixin, kind), {"__module__": kind.__module__})


class Unguardable(GuardedWrapper):
    """Open no connection to a database of which nobody knows how to guard it."""

    def open_guarded(self, params: dict[str, Any]) -> Any:
        """Refuse to open it.

        Raises:
            WriteRefused: always.
        """
        known = "PostgreSQL, MySQL, MariaDB and SQLite"
        raise self.unguardable(f"its vendor is {self.vendor!r}, and the guard knows {known}")
