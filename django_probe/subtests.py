"""The sub-tests of one probe, in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from django_probe.results import ErrorDetail, Outcome, SubTestResult

__all__ = ["SubTests"]

ROOM = 256 * 1024
"""Characters that a result keeps of sub-tests that failed, and as many of the others."""
TRACEBACKS_TOLD = 20
"""Sub-tests whose traceback a result keeps."""
NAMES_TOLD = 10
"""Sub-tests that the message names."""
OVERHEAD = 16
"""Characters that a sub-test takes besides its own texts."""


class SubTests:
    """Collect sub-tests: all of them, until there is no more room; then count them."""

    __slots__ = ("_bad", "_left_out", "_listed", "_names", "_room", "_tracebacks", "total")

    def __init__(self) -> None:
        self.total = 0
        """Sub-tests that were taken."""
        self._bad = 0
        self._tracebacks = 0
        self._names: list[str] = []
        self._listed: list[SubTestResult] = []
        self._left_out: Counter[Outcome] = Counter()
        self._room = {True: ROOM, False: ROOM}

    @property
    def has_room(self) -> bool:
        """Return whether the traceback of one more would be kept."""
        return self._tracebacks < TRACEBACKS_TOLD and self._room[True] > 0

    def add(self, description: str, outcome: Outcome, error: ErrorDetail | None) -> None:
        """Take a sub-test; every text is fit to be shown."""
        self.total += 1
        if error is not None:
            self._bad += 1
            self._tracebacks += 1
            if len(self._names) < NAMES_TOLD:
                self._names.append(description)
        room = self._room[error is not None]
        if room <= 0:
            self._left_out[outcome] += 1
            return
        if error is not None and len(error.traceback) > room:
            error = replace(error, traceback="")
        size = len(description) + OVERHEAD
        size += len(error.message) + len(error.traceback) if error else 0
        self._room[error is not None] = room - size
        self._listed.append(SubTestResult(description=description, outcome=outcome, error=error))

    def results(self) -> tuple[SubTestResult, ...]:
        """Return those that are listed; a last one of each outcome counts what is left out."""
        if not self._left_out:
            return tuple(self._listed)
        more = (
            SubTestResult(
                description=f"[… {count} more sub-tests {outcome}]", outcome=outcome, count=count
            )
            for outcome, count in self._left_out.items()
        )
        return (*self._listed, *more)

    def told_together(self) -> ErrorDetail | None:
        """Return one error for all that failed, None when none did."""
        if not self._bad:
            return None
        bad = [(subtest.description, subtest.error) for subtest in self._listed if subtest.error]
        names = ", ".join(self._names)
        more = f", and {self._bad - NAMES_TOLD} more" if self._bad > NAMES_TOLD else ""
        return ErrorDetail(
            exception_class_path=bad[0][1].exception_class_path,
            message=f"{self._bad} of {self.total} sub-tests failed: {names}{more}",
            traceback="\n".join(
                f"{name}\n{error.traceback}" for name, error in bad if error.traceback
            ),
        )
