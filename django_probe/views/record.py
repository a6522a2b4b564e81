"""A run as the web process has it: its wire so far, and who waits for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

__all__ = ["Ending", "Run"]


class Ending(str, Enum):
    """How a run came to its end."""

    FINISHED = "finished"
    REFUSED = "refused"
    """Nothing could be asked: an unknown label, say."""
    DEADLINE = "deadline"
    STOPPED = "stopped"
    """By DELETE."""
    ABANDONED = "abandoned"
    """Nobody asked any more."""
    BROKEN = "broken"
    """Its process ended before it had told all."""
    LOST = "lost"
    """The web worker that had started it is gone."""

    @property
    def lasts(self) -> bool:
        """Return whether it answers the next one who asks, too."""
        return self in (Ending.FINISHED, Ending.REFUSED, Ending.DEADLINE)


class Run:
    """One asking, fed by one thread, read by any number of requests.

    Args:
        run_id: in its wire and its URL.
        key: of the question that it answers.
    """

    def __init__(self, run_id: str, key: str) -> None:
        self.id = run_id
        self.key = key
        self.lines: list[str] = []
        """Its wire, without newlines; only ever longer."""
        self.size = 0
        """Characters that it holds: its lines, and what was made of them."""
        self.planned: int | None = None
        self.done = 0
        self.ending: Ending | None = None
        self.refusal: tuple[str, str] = ("", "")
        """The name of the error and its message, where it was refused."""
        self.kept = False
        """Whether it goes on when nobody waits: ``async=1``."""
        self.stopping = False
        """Whether somebody has asked it to end."""
        self.rendered: dict[Any, Any] = {}
        """What reporters have made of it, once it has ended."""
        self._ended_at = 0.0
        """By this process's own clock: that of another host may be wrong."""
        self._askers = 0
        self._left = False
        self._changed = threading.Condition()
        self._wakers: set[Callable[[], None]] = set()

    @property
    def ended(self) -> bool:
        """Return whether its wire is whole."""
        return self.ending is not None

    @property
    def age(self) -> float:
        """Return the seconds since it ended."""
        return time.monotonic() - self._ended_at

    def join(self) -> bool:
        """Become one who asks it; return False where it has been given up already."""
        with self._changed:
            if self._left:
                return False
            self._askers += 1
            return True

    def leave(self) -> None:
        """Ask no more."""
        with self._changed:
            self._askers -= 1

    def is_asked(self) -> bool:
        """Return whether somebody waits."""
        return self.kept or self._askers > 0

    def give_up(self) -> bool:
        """Return whether nobody asks it any more; then nobody can join it from now on."""
        with self._changed:
            self._left = not self.is_asked()
            return self._left

    def add(self, lines: list[str]) -> None:
        """Take lines of the wire."""
        if lines:
            with self._changed:
                self.lines.extend(lines)
                self.size += sum(map(len, lines))
                self._tell()

    def end(self, ending: Ending, age: float = 0.0) -> None:
        """Take its end.

        Args:
            age: the seconds since then.
        """
        with self._changed:
            self._ended_at = time.monotonic() - age
            self.ending = ending
            self._tell()

    def wait(self, seen: int, seconds: float) -> bool:
        """Wait until it has more lines than were seen, or has ended; return whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self.has_more(seen), seconds)

    def has_more(self, seen: int) -> bool:
        """Return whether it has more lines than were seen, or has ended."""
        return self.ended or len(self.lines) > seen

    @contextlib.contextmanager
    def waking(self, waker: Callable[[], None]) -> Iterator[None]:
        """Have a function called at each change, from another thread."""
        with self._changed:
            self._wakers.add(waker)
        try:
            yield
        finally:
            with self._changed:
                self._wakers.discard(waker)

    def _tell(self) -> None:
        self._changed.notify_all()
        for waker in tuple(self._wakers):
            with contextlib.suppress(RuntimeError):  # Its event loop is closed.
                waker()
