"""Threads that Python waits for at its end, though nobody else does."""

from __future__ import annotations

import sys
import threading

__all__ = ["busy_pool_threads"]


def busy_pool_threads(patience: float = 0.2) -> list[threading.Thread]:
    """Return the threads of ``ThreadPoolExecutor``s that still work.

    At the end of the process Python waits for them, daemons or not: for ever,
    where one hangs. Those that wait for work end by themselves.

    Args:
        patience: seconds for each to come to its end.
    """
    pools = sys.modules.get("concurrent.futures.thread")
    threads = list(getattr(pools, "_threads_queues", ()))
    for thread in threads:
        if _works(thread):
            thread.join(patience)
    return [thread for thread in threads if _works(thread)]


def _works(thread: threading.Thread) -> bool:
    """Tell by its innermost frame: one that waits for work is in its pool's own loop."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_name != "_worker"
