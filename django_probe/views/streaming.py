"""A run as it happens: its wire, line by line, to one who reads it live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django_probe.views.record import Run
from django_probe.views.rendering import events_of
from django_probe.wire import encode

__all__ = ["AsyncLines", "Lines", "wait", "wait_async"]

TICK = 1.0
"""Seconds until a waiting thread looks by itself; it is woken sooner when there is something."""


def wait(run: Run, seen: int | None = None) -> None:
    """Wait until a run has more lines than were seen, or has ended."""
    while not (run.ended if seen is None else run.has_more(seen)):
        run.wait(2**62 if seen is None else seen, TICK)


async def wait_async(run: Run, seen: int | None = None) -> None:
    """Wait as ``wait`` does, in an event loop, without a thread."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(changed.set)

    with run.waking(wake):
        while not (run.ended if seen is None else run.has_more(seen)):
            await changed.wait()
            changed.clear()


class _Reader:
    """The wire of a run that was joined; closed, it is left.

    A class and not a generator: one that was never begun must leave, too.
    """

    def __init__(self, run: Run, scope: str) -> None:
        self._run = run
        # Counts alone can be told: they are there when all is over.
        self._at_the_end = scope == "verdict"
        self._seen = 0
        self._left = False

    def close(self) -> None:
        """Leave the run."""
        if not self._left:
            self._left = True
            self._run.leave()

    @property
    def _until(self) -> int | None:
        return None if self._at_the_end else self._seen

    def _take(self) -> bytes:
        """Return the lines that were not seen yet; none when all is over, and the run left."""
        lines = self._run.lines[self._seen :]
        self._seen += len(lines)
        if not lines:
            self.close()
        elif self._at_the_end:
            lines = [encode(event) for event in events_of(lines, "verdict")]
        return "".join(f"{line}\n" for line in lines).encode()


class Lines(_Reader):
    """For a thread."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        wait(self._run, self._until)
        text = self._take()
        if not text:
            raise StopIteration
        return text


class AsyncLines(_Reader):
    """For an event loop."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await wait_async(self._run, self._until)
        text = self._take()
        if not text:
            raise StopAsyncIteration
        return text
