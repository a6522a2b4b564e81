"""Threads that were there before probes ran: who called us, reporters, other work."""

from __future__ import annotations

import threading
from weakref import WeakSet

__all__ = ["is_stranger", "note"]

_strangers: WeakSet[threading.Thread] = WeakSet()


def note() -> None:
    """Take the threads that there are for those of others, and no other."""
    _strangers.clear()
    _strangers.update(threading.enumerate())


def is_stranger() -> bool:
    """Return whether the calling thread was there before probes ran."""
    return threading.current_thread() in _strangers
