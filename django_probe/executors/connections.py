"""The database connections of one worker: found, cancelled, closed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import connections
from django.db.backends.signals import connection_created

from django_probe import guards
from django_probe.executors.cancelling import cancel, is_spoilt
from django_probe.guarding.base import GuardedWrapper
from django_probe.guarding.permits import Permit, acting
from django_probe.guards import WriteRefused

__all__ = [
    "WorkerConnections",
    "close_own",
    "permit_writes",
    "untold_refusals",
    "watch_connections",
]

_owner: ContextVar[WorkerConnections | None] = ContextVar("django_probe_connections", default=None)

CANCEL_PATIENCE = 0.5
"""Seconds to wait for servers that have been asked to cancel."""


class WorkerConnections:
    """What one worker, and the async code of its probes, has opened.

    Thread-sensitive async code (Django's async ORM) runs in a thread of the
    worker's own and shares the worker's connections: the worker waits for its
    event loop meanwhile, so that one connection for each alias is enough.

    Args:
        allow_writes: all probes may write to all databases.
    """

    def __init__(self, *, allow_writes: bool = False) -> None:
        self.permit = Permit(everything=allow_writes)
        self.in_use = False
        """Whether a probe has opened any, or has run async code that may."""
        self._opened: list[Any] = []
        self._cancelling: list[threading.Thread] = []
        self._async_thread = _SharingThread(self)
        self._context = ThreadSensitiveContext()
        self._left = contextlib.ExitStack()

    def enter(self) -> None:
        """Make the calling thread's connections this worker's: guarded ones, until ``leave()``."""
        self._left.enter_context(guards.replaced())
        self._left.enter_context(acting(self.permit))
        self.permit.begin()
        self._left.callback(self.permit.end)
        self._take()

    def _take(self) -> None:
        self._thread = threading.get_ident()
        _owner.set(self)
        SyncToAsync.thread_sensitive_context.set(self._context)
        SyncToAsync.context_to_thread_executor[self._context] = self._async_thread

    def add(self, connection: Any) -> None:
        """Take note of a connection that was opened, by whatever thread of the probe."""
        self.in_use = True
        if all(connection is not known for known in self._opened):
            connection.inc_thread_sharing()
            self._opened.append(connection)

    def after_probe(self, *, shares: bool) -> None:
        """Close what the next probe must not inherit.

        That is what Django closes after a request, and a transaction that was
        left open, unless a fixture that it ``shares`` may want it.
        """
        for connection in tuple(self._opened):
            if connection._thread_ident != self._thread:
                _close(connection)  # Of a thread that the probe has had.
                self._opened.remove(connection)
            elif connection.in_atomic_block:
                if not shares:
                    _close(connection)
            elif is_spoilt(connection):
                _close(connection)
            else:
                _close_like_django(connection)
        if self._async_thread.is_stuck:
            self._replace_async_thread()

    def after_interrupt(self) -> None:
        """Close everything: a cancel that comes late must not hit the next probe's query."""
        while self._cancelling:
            self._cancelling.pop().join(CANCEL_PATIENCE)
        if self._async_thread.is_stuck:
            self._replace_async_thread()
        self.close()

    def close(self) -> None:
        """Close all that is open; a transaction that was left open is rolled back."""
        while self._opened:
            _close(self._opened.pop())

    def leave(self) -> None:
        """Close everything at the end of the worker."""
        self.close()
        self._async_thread.shutdown(wait=False)
        _owner.set(None)
        self._left.close()

    def permit_writes(self, aliases: frozenset[str]) -> None:
        """Let the code that runs next write to these and no others.

        A connection that may do more, or less, is opened anew when it is needed.
        """
        if self.permit.give(aliases):
            for connection in tuple(self._opened):
                if isinstance(connection, GuardedWrapper):
                    connection.follow_permit()

    def cancel(self) -> None:
        """Ask the servers to cancel what runs, without waiting for their answer."""
        for connection in tuple(self._opened):
            thread = threading.Thread(target=cancel, args=(connection,), daemon=True)
            self._cancelling.append(thread)
            thread.start()

    @property
    def busy_thread(self) -> int | None:
        """Return the identifier of the async code's thread while it works."""
        return self._async_thread.thread if self._async_thread.is_stuck else None

    def _replace_async_thread(self) -> None:
        """Leave a thread that does not come back, with the connections that it may use."""
        self._async_thread.shutdown(wait=False)
        self._async_thread = _SharingThread(self)
        for connection in connections.all(initialized_only=True):
            del connections[connection.alias]
        left, self._opened = self._opened, []
        # A connection in use may keep the one who closes it waiting.
        threading.Thread(target=lambda: list(map(_close, left)), daemon=True).start()
        self._take()


class _SharingThread(ThreadPoolExecutor):
    """Run thread-sensitive code on the connections of the thread that submits it."""

    def __init__(self, owner: WorkerConnections) -> None:
        super().__init__(max_workers=1, thread_name_prefix="probe-async")
        self._owner = owner
        self._shared = False
        self._last: Future[Any] | None = None

    @property
    def is_stuck(self) -> bool:
        """Return whether it still runs what it was given last."""
        return self._last is not None and not self._last.done()

    @property
    def thread(self) -> int | None:
        """Return the identifier of its thread, None while there is none."""
        return next((thread.ident for thread in self._threads), None)

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self._shared:
            self._shared = self._owner.in_use = True
            super().submit(_share, _connections_of_thread())
        self._last = super().submit(function, *args, **kwargs)
        return self._last


def _connections_of_thread() -> dict[str, Any]:
    """Return the calling thread's connections; Django has others while an event loop runs."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return {connection.alias: connection for connection in connections.all()}
    finally:
        asyncio._set_running_loop(loop)


def _share(shared: dict[str, Any]) -> None:
    for alias, connection in shared.items():
        connection.inc_thread_sharing()
        connections[alias] = connection


def watch_connections() -> None:
    """Guard what is opened from now on, and let workers know of it; more calls change nothing."""
    guards.watch()
    connection_created.connect(_opened, dispatch_uid="django_probe.connections", weak=False)


def _opened(connection: Any, **kwargs: object) -> None:
    owner = _owner.get()
    if owner is not None:
        owner.add(connection)


def permit_writes(aliases: frozenset[str]) -> None:
    """Let the code that the calling worker runs next write to these aliases and no others."""
    owner = _owner.get()
    if owner is not None and owner.permit.aliases != aliases:
        owner.permit_writes(aliases)


def untold_refusals() -> list[WriteRefused]:
    """Return what the guard refused the calling worker's code and no result tells of yet."""
    owner = _owner.get()
    return owner.permit.take_untold() if owner is not None and owner.permit.refused else []


def close_own() -> None:
    """Close the calling thread's connections: what was opened while modules were imported."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _close_like_django(connection: Any) -> None:
    try:
        connection.close_if_unusable_or_obsolete()
    except Exception:  # What cannot be asked whether it works does not.
        _close(connection)


def _close(connection: Any) -> None:
    """Close a connection, whatever state it is in."""
    # Or Django keeps the closed connection, unusable.
    connection.in_atomic_block = connection.closed_in_transaction = False
    with contextlib.suppress(Exception):  # The server is gone, say.
        connection.close()
        return
    connection.connection = None
