"""What a process has started, and what those have: nothing of it is left behind (Linux)."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Container
from pathlib import Path

__all__ = ["adopt_orphans", "end_orphans"]

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
_SWEEPS = 20


def adopt_orphans() -> None:
    """Be the parent of all that descends from this process, daemons too."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def end_orphans(spared: Container[int] = ()) -> None:
    """Kill the children of this process, and those that come in their place.

    Args:
        spared: processes that go on.
    """
    for _ in range(_SWEEPS):
        orphans = [child for child in _children() if child not in spared]
        if not orphans:
            return
        for child in orphans:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(child, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(child, 0)


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        return [int(process) for process in listed.read_text().split()]
    except (OSError, ValueError):
        return []
