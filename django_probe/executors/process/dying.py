"""How a worker came to its end, in words for a report."""

from __future__ import annotations

import linecache
import re
import signal
import traceback
import unittest
from pathlib import Path

from django_probe.details import OURS, Problem
from django_probe.results import ErrorDetail, Outcome

__all__ = ["exited", "how_ended", "stack_in"]

EXITED = "WorkerExited"

_FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')
_UNITTEST = str(Path(unittest.__file__).parent)
_MACHINERY = tuple(f"{OURS}{name}" for name in ("executors", "fixtures"))


def exited(status: int | None, where: str = "") -> Problem:
    """Return the verdict on a probe whose process has ended; ``where`` is its last stack."""
    message = f"its process {how_ended(status)}"
    text = f"Where it was (most recent call last):\n{where}" if where else ""
    error = ErrorDetail(
        exception_class_path=EXITED, message=message, traceback=f"{text}{EXITED}: {message}"
    )
    return Problem(outcome=Outcome.ERRORED, error=error)


def how_ended(status: int | None) -> str:
    """Return how a process has ended, as the end of a sentence."""
    if status is None:
        return "is gone, and nobody knows how it ended"
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "a signal"
    more = ": the system kills so when memory runs out" if status == -signal.SIGKILL else ""
    return f"was killed by {name} (signal {-status}){more}"


def stack_in(dump: str) -> str:
    """Return what ``faulthandler`` has written last as the frames of a traceback."""
    frames: list[traceback.FrameSummary] = []
    for line in dump.rpartition("(most recent call first):")[2].splitlines():
        found = _FRAME.fullmatch(line)
        if found is None:
            if frames:
                break
            continue
        file, number, name = found[1], int(found[2]), found[3]
        text = linecache.getline(file, number).strip()
        frames.append(traceback.FrameSummary(file, number, name, lookup_line=False, line=text))
    return "".join(traceback.StackSummary.from_list(_own(frames[::-1])).format())


def _own(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Leave out what runs the probe: all down to the last of ours, and unittest below it."""
    ours = [place for place, frame in enumerate(frames) if frame.filename.startswith(_MACHINERY)]
    start = ours[-1] + 1 if ours else 0
    while start < len(frames) and frames[start].filename.startswith(_UNITTEST):
        start += 1
    return frames[start:] or frames
