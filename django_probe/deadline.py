"""When a run has to end: at a moment, or because somebody says so."""

from __future__ import annotations

import time

__all__ = ["Deadline"]


LOOK_UP = 0.05
"""Seconds after which a pause sees that the run has ended."""


class Deadline:
    """Tell every part of a run how long it may still go on.

    It passes at a moment, or as soon as ``expire()`` is called (by a signal
    handler, from any thread). It is the one thing that a run shares with what
    runs it.

    Args:
        seconds: from now; None never passes by itself.
        within: one that ends this one too, when it passes.
        of: whose it is, in words for a report.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        within: Deadline | None = None,
        of: str = "the run",
    ) -> None:
        self.seconds = seconds
        self._within = within
        self._of = of
        self._halted = ""
        self._signal: int | None = None
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._reason = ""
        # A plain flag: a signal handler may interrupt whoever holds the lock of an Event.
        self._expired = False

    def expire(self, reason: str, *, signal: int | None = None) -> None:
        """End the run now, and say why; only the first call counts."""
        if not self._expired:
            self._reason, self._signal = reason, signal
            self._expired = True

    def halt(self, reason: str) -> None:
        """Let no probe start from now on, and say why; what runs may go on."""
        self._halted = self._halted or reason

    @property
    def halted(self) -> str:
        """Return why no probe may start any more, "" while it may."""
        return self._halted or (self._within.halted if self._within else "")

    def remaining(self) -> float | None:
        """Return the seconds left, 0.0 once it has passed, None for no end in sight."""
        if self._expired:
            return 0.0
        outer = self._within.remaining() if self._within else None
        if self._ends_at is None:
            return outer
        own = max(0.0, self._ends_at - time.monotonic())
        return own if outer is None else min(own, outer)

    def pause(self, seconds: float) -> bool:
        """Wait, but no longer than the run may go on; return whether it may go on."""
        until = time.monotonic() + seconds
        while not self.passed:
            left = until - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(left, LOOK_UP, self.remaining() or LOOK_UP))
        return False

    @property
    def stops(self) -> bool:
        """Return whether no probe may start any more: it has passed, or is halted."""
        if self._expired or self._halted or (self._within is not None and self._within.stops):
            return True
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    @property
    def passed(self) -> bool:
        """Return whether the run has to end."""
        if self._expired or (self._within is not None and self._within.passed):
            return True
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    @property
    def signal(self) -> int | None:
        """Return the signal that ended it."""
        return self._signal or (self._within.signal if self._within else None)

    @property
    def interrupted(self) -> bool:
        """Return whether ``expire()`` ended it, not the clock."""
        return self._expired or (self._within is not None and self._within.interrupted)

    @property
    def reason(self) -> str:
        """Return why the run ended, in words for a report."""
        if self._within is not None and self._within.passed:
            return self._within.reason
        if self._reason or self.seconds is None:
            return self._reason
        return f"{self._of}'s deadline of {self.seconds:g} s has passed"
