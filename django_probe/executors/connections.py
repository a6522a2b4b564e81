"""The database connections of one worker: found, cancelled, closed."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import connections
from django.db.backends.signals import connection_created

__all__ = ["WorkerConnections", "close_all", "watch_connections"]

_owner: ContextVar[WorkerConnections | None] = ContextVar("django_probe_connections", default=None)

_aliases: set[str] = set()
"""Aliases that workers have used since ``close_all()``: Django keeps one pool for each."""


class WorkerConnections:
    """What one worker, and the async code of its probes, has opened.

    Thread-sensitive async code (Django's async ORM) runs in a thread of the
    worker's own and shares the worker's connections: the worker waits for its
    event loop meanwhile, so that one connection for each alias is enough.
    """

    def __init__(self) -> None:
        self._opened: list[Any] = []
        self._async_thread = _SharingThread()
        self._context = ThreadSensitiveContext()

    def enter(self) -> None:
        """Make the calling thread's connections this worker's."""
        _owner.set(self)
        SyncToAsync.thread_sensitive_context.set(self._context)
        SyncToAsync.context_to_thread_executor[self._context] = self._async_thread

    def add(self, connection: Any) -> None:
        """Take note of a connection that was opened."""
        if connection not in self._opened:
            self._opened.append(connection)

    def after_probe(self, *, shares: bool) -> None:
        """Close what the next probe must not inherit.

        That is what Django closes after a request, and a transaction that was
        left open, unless the class ``shares`` fixtures that may want it.
        """
        for connection in self._opened:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            elif not shares:
                _close(connection)
        if self._async_thread.stuck:
            self._async_thread.shutdown(wait=False)
            self._async_thread = _SharingThread()
            self.enter()

    def close(self) -> None:
        """Close all that is open; a transaction that was left open is rolled back."""
        while self._opened:
            _close(self._opened.pop())

    def leave(self) -> None:
        """Close everything at the end of the worker."""
        self.close()
        self._async_thread.shutdown(wait=False)

    def cancel(self) -> None:
        """Ask the servers to cancel what runs, without waiting for their answer."""
        for connection in tuple(self._opened):
            threading.Thread(target=_cancel, args=(connection,), daemon=True).start()


class _SharingThread(ThreadPoolExecutor):
    """Run thread-sensitive code on the connections of the thread that submits it."""

    def __init__(self) -> None:
        super().__init__(max_workers=1, thread_name_prefix="probe-async")
        self._shared = False
        self._last: Future[Any] | None = None

    @property
    def stuck(self) -> bool:
        """Return whether it still runs what it was given last."""
        return self._last is not None and not self._last.done()

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self._shared:
            self._shared = True
            shared = {connection.alias: connection for connection in connections.all()}
            super().submit(_share, shared)
        self._last = super().submit(function, *args, **kwargs)
        return self._last


def _share(shared: dict[str, Any]) -> None:
    for alias, connection in shared.items():
        connection.inc_thread_sharing()
        connections[alias] = connection


def watch_connections() -> None:
    """Let workers know of the connections they open; calling it again changes nothing."""
    connection_created.connect(_opened, dispatch_uid="django_probe.connections", weak=False)


def _opened(connection: Any, **kwargs: object) -> None:
    owner = _owner.get()
    if owner is not None:
        owner.add(connection)


def close_all() -> None:
    """Close the calling thread's connections, and the pools of all that workers used."""
    for connection in connections.all(initialized_only=True):
        connection.close()
    while _aliases:
        close_pool = getattr(connections[_aliases.pop()], "close_pool", None)
        if close_pool is not None:
            close_pool()


def _close(connection: Any) -> None:
    connection.in_atomic_block = False  # Or Django keeps the closed connection, unusable.
    connection.close()
    _aliases.add(connection.alias)


def _cancel(connection: Any) -> None:
    """Cancel what a connection runs, from another thread, by the means of its vendor."""
    raw = connection.connection
    if raw is None:
        return
    try:
        if connection.vendor == "postgresql":
            raw.cancel()
        elif connection.vendor == "sqlite":
            raw.interrupt()
        elif connection.vendor == "mysql":
            _kill_query(connection, raw.thread_id())
    except Exception:  # noqa: S110 - the probe is given up if this did not help
        pass


def _kill_query(connection: Any, thread_id: int) -> None:
    helper = connection.copy()
    try:
        with helper.cursor() as cursor:
            cursor.execute(f"KILL QUERY {int(thread_id)}")
    finally:
        helper.close()
