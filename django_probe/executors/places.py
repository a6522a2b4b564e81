"""Where a thread is now, told for a report."""

from __future__ import annotations

import sys
import traceback
from asyncio import AbstractEventLoop, all_tasks
from types import FrameType
from typing import Any, NamedTuple

__all__ = ["Place", "look"]

TASKS_TOLD = 5
"""Tasks of an event loop whose stack is told."""

_OURS = ("django_probe.executors.", "django_probe.fixtures")
_WORKER = "django_probe.executors.worker"
_RUNNERS = ("unittest.", "concurrent.", *_OURS)
_LOOP = ("asyncio.", "selectors")


class Place(NamedTuple):
    """Where a thread is."""

    stack: str
    """The frames of the probe's own side, as in a traceback; those of its tasks too."""
    loop: AbstractEventLoop | None
    """The event loop that it runs."""


def look(thread: int | None) -> Place:
    """Return where a thread is, by its identifier."""
    frames = _frames(sys._current_frames().get(thread or 0))
    loop = _loop_in(frames)
    own = _own(frames)
    stack = _told(own) if own else ""
    if loop is not None:
        stack += "".join(map(_task_told, _waiting_tasks(loop)))
    return Place(stack or _told(_below_ours(frames)), loop)


def _frames(frame: FrameType | None) -> list[FrameType]:
    """Return the frames of a stack, the outermost first."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def _own(frames: list[FrameType]) -> list[FrameType]:
    """Leave out what runs the probe: its worker, all that has started it, unittest, its loop."""
    workers = (place for place, frame in enumerate(frames) if _module(frame) == _WORKER)
    start = max(workers, default=0)
    while start < len(frames) and _is_runner(_module(frames[start])):
        start += 1
    return [frame for frame in frames[start:] if not _module(frame).startswith(_LOOP)]


def _below_ours(frames: list[FrameType]) -> list[FrameType]:
    """Leave out what is in every stack, where all of it is machinery: a hanging cleanup's."""
    ours = [place for place, frame in enumerate(frames) if _module(frame).startswith(_OURS)]
    return frames[ours[-1] + 1 :] if ours and ours[-1] + 1 < len(frames) else frames


def _is_runner(module: str) -> bool:
    return module in ("threading", "contextlib") or module.startswith((*_RUNNERS, *_LOOP))


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _told(frames: list[FrameType]) -> str:
    summary = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in frames)
    return "".join(summary.format())


def _loop_in(frames: list[FrameType]) -> AbstractEventLoop | None:
    for frame in reversed(frames):
        if frame.f_code.co_name == "run_forever":
            loop = frame.f_locals.get("self")
            return loop if isinstance(loop, AbstractEventLoop) else None
    return None


def _waiting_tasks(loop: AbstractEventLoop) -> list[tuple[str, list[FrameType]]]:
    """Return (name, frames of its own side) for tasks that wait; frames are by the outermost."""
    try:
        tasks = sorted(all_tasks(loop), key=lambda task: task.get_name())
    except RuntimeError:  # They change too quickly to be listed.
        return []
    found = ((task.get_name(), _own(_awaited(task.get_coro()))) for task in tasks)
    return [(name, frames) for name, frames in found if frames][:TASKS_TOLD]


def _awaited(coroutine: Any) -> list[FrameType]:
    """Return the frames of a coroutine that waits, and of those that it waits for."""
    frames = []
    while coroutine is not None and not getattr(coroutine, "cr_running", False):
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            frames.append(frame)
        awaited = getattr(coroutine, "cr_await", None)
        coroutine = awaited or getattr(coroutine, "gi_yieldfrom", None)
    return frames


def _task_told(task: tuple[str, list[FrameType]]) -> str:
    name, frames = task
    return f"  Task {name} waits at:\n{_told(frames)}"
