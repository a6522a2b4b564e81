"""The runs that a web process holds: by question and by id, bounded in number, size and age."""

from __future__ import annotations

from django_probe.conf import settings
from django_probe.views.record import Run

__all__ = ["Shelf"]

MOST_RUNS = 32
"""Ended runs, and"""
MOST_CHARACTERS = 64 * 1024 * 1024
"""what they may hold together."""


class Shelf:
    """Hold runs; the caller locks."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._current: dict[str, Run] = {}
        self._last: dict[str, Run] = {}

    def current(self, key: str) -> Run | None:
        """Return the newest run of a question, ended or not."""
        return self._current.get(key)

    def last(self, key: str) -> Run | None:
        """Return the run that ended last for a question, if it is still to be had."""
        for run in (self._current.get(key), self._last.get(key)):
            if run is not None and _lasts(run) and _is_fit(run):
                return run
        return None

    def find(self, run_id: str) -> Run | None:
        """Return the run of an id, if it is still to be had."""
        run = self._runs.get(run_id)
        return run if run is not None and _is_fit(run) else None

    def put(self, run: Run) -> None:
        """Hold a run, the newest of its question; give up what is too much."""
        before = self._current.get(run.key)
        if before is not None and _lasts(before):
            self._last[run.key] = before
        self._runs[run.id] = self._current[run.key] = run
        self._prune()

    def _prune(self) -> None:
        ended = [run for run in self._runs.values() if run.ended]
        size = sum(run.size for run in ended)
        for run in ended:
            if _is_fit(run) and len(ended) <= MOST_RUNS and size <= MOST_CHARACTERS:
                break
            size -= run.size
            ended = ended[1:]
            self._drop(run)

    def _drop(self, run: Run) -> None:
        del self._runs[run.id]
        for index in (self._current, self._last):
            if index.get(run.key) is run:
                del index[run.key]


def _lasts(run: Run) -> bool:
    return run.ending is not None and run.ending.lasts


def _is_fit(run: Run) -> bool:
    return not run.ended or run.age <= max(settings.keep_seconds, settings.cache_seconds)
