"""Feed a run from the shared cache: another web process has started it."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache import close_caches
from django.db import connections

from django_probe.conf import settings
from django_probe.views.ending import ending_of
from django_probe.views.record import Ending, Run
from django_probe.views.store import BEAT, LOST, Store

__all__ = ["Follower"]

logger = logging.getLogger("django_probe")

TICK = 0.1
"""Seconds between two looks."""


class Follower:
    """Read a run out of the shared cache, while it goes on there.

    Args:
        run: to feed.
        store: the shared cache.
    """

    def __init__(self, run: Run, store: Store) -> None:
        self._run = run
        self._store = store
        self._pieces = 0
        self._rest = ""
        self._began = time.monotonic()

    def load(self) -> bool:
        """Take what there is; return whether the run has ended."""
        state, alive = self._store.state(self._run.id)
        if state is not None and not self._take(state):
            return self._lose()
        if state is not None and state["ending"]:
            self._run.refusal = tuple(state["refusal"])
            self._run.end(Ending(state["ending"]), _age(state["ended_at"], is_young=alive))
        elif not alive and (state is not None or time.monotonic() - self._began > LOST):
            # One that was claimed a moment ago has no state yet.
            self._lose()
        return self._run.ended

    def load_now(self) -> bool:
        """Take what there is of a run that has been there for long: no sign of life is its end."""
        self._began -= LOST + 1
        return self.load()

    def work(self) -> None:
        """Feed the run until it has ended."""
        wanted_at = 0.0
        try:
            while not self.load():
                if time.monotonic() - wanted_at > BEAT and self._run.is_asked():
                    self._store.want(self._run.id)
                    wanted_at = time.monotonic()
                if self._run.give_up():
                    self._run.end(Ending.ABANDONED)
                    break
                time.sleep(TICK)
        except Exception:
            logger.exception("The cache that /probe/ shares does not answer")
            self._lose()
        close_caches()
        connections.close_all()

    def _take(self, state: dict[str, Any]) -> bool:
        """Take the new pieces; return False where one is there no more."""
        run = self._run
        run.planned, run.done = state["planned"], state["done"]
        while self._pieces < state["pieces"]:
            piece = self._store.piece(run.id, self._pieces)
            if piece is None:
                return False
            self._pieces += 1
            *lines, self._rest = (self._rest + piece).split("\n")
            run.add(lines)
        return True

    def _lose(self) -> bool:
        why = "the web process that had started the run is gone"
        run = self._run
        run.add(ending_of(run.lines, run.id, why, error="RunLost", late=False))
        run.end(Ending.LOST)
        return True


def _age(ended_at: float, *, is_young: bool) -> float:
    """Return the age of a run by the clock of another host, which may be wrong.

    So what counts is what the cache says: whether the answer is still given.
    """
    age, limit = max(time.time() - ended_at, 0.0), settings.cache_seconds
    return min(age, limit) if is_young else max(age, limit + 1.0)
