"""Runs in Django's cache, where all web processes share it.

The run of a question is claimed by ``add`` under a name that holds the run
before it, so that a claim need never be deleted: whoever knows the same run
before claims under the same name, and one of them gets it. A run is there as
text: its wire in pieces, then a state that says how many. It is lost when its
worker has stopped saying, each second, that it is there. At its end it says so
once more, for as long as the answer is given: no two hosts need the same time.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import BaseCache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from django_probe.conf import settings
from django_probe.encoding import WIRE_VERSION

__all__ = ["BEAT", "LOST", "PIECE", "Store", "is_shared"]

PIECE = 512 * 1024
"""Characters of a wire in one value: memcached takes 1 MiB."""
BEAT = 1.0
"""Seconds between two signs of life."""
LOST = 6
"""Seconds without one after which a run is lost."""
VERSION = f"1.{WIRE_VERSION}"
"""Of what is kept: during a deploy, releases that keep it in another way share one cache."""
SLACK = 5.0
"""Seconds that a claim outlives the deadline of its run."""


def is_shared() -> bool:
    """Return whether the default cache is one that other processes see."""
    return "default" in django_settings.CACHES and not isinstance(
        caches["default"], (LocMemCache, DummyCache)
    )


class Store:
    """What the web processes know together; each call may raise what the cache raises."""

    @property
    def _cache(self) -> BaseCache:
        return caches["default"]

    def last(self, key: str) -> str:
        """Return the id of the run that ended last for a question, "" for none."""
        return str(self._cache.get(_name("last", key), ""))

    def set_last(self, key: str, run_id: str) -> None:
        """Let a run be the last one of a question."""
        self._cache.set(_name("last", key), run_id, _kept())

    def claimed(self, key: str, before: str) -> str:
        """Return the id of the run that follows another one, "" for none."""
        return str(self._cache.get(_name("claim", key, before), ""))

    def claim(self, key: str, before: str, run_id: str) -> str:
        """Return the id of the run that follows another one: this one, or one that was first."""
        name = _name("claim", key, before)
        seconds = settings.view_deadline + SLACK
        if self._cache.add(name, run_id, seconds):
            return run_id
        # It may expire in between: then there is nobody to follow.
        return str(self._cache.get(name, run_id))

    def beat(self, run_id: str, seconds: float = LOST) -> None:
        """Say that the worker of a run is there; of one that has ended, that it is young."""
        self._cache.set(_name("beat", run_id), 1, seconds)

    def put(self, run_id: str, number: int, piece: str) -> None:
        """Keep a piece of a wire."""
        self._cache.set(_name("piece", run_id, str(number)), piece, _kept())

    def set_state(self, run_id: str, state: dict[str, Any]) -> None:
        """Keep what is known of a run."""
        self._cache.set(_name("state", run_id), json.dumps(state), _kept())

    def state(self, run_id: str) -> tuple[dict[str, Any] | None, bool]:
        """Return what is known of a run, and whether its worker is there, or was just now."""
        names = _name("state", run_id), _name("beat", run_id)
        found = self._cache.get_many(names)
        state = found.get(names[0])
        return (None if state is None else json.loads(state)), names[1] in found

    def piece(self, run_id: str, number: int) -> str | None:
        """Return a piece of a wire, None where it is there no more."""
        found: str | None = self._cache.get(_name("piece", run_id, str(number)))
        return found

    def want(self, run_id: str) -> None:
        """Say that somebody in another process waits for a run."""
        self._cache.set(_name("want", run_id), 1, 4 * BEAT)

    def is_wanted(self, run_id: str) -> bool:
        """Return whether somebody in another process waits for a run."""
        return self._cache.get(_name("want", run_id)) is not None

    def ask_stop(self, run_id: str) -> None:
        """Ask the worker of a run to stop it."""
        self._cache.set(_name("stop", run_id), 1, settings.view_deadline + SLACK)

    def is_stop_asked(self, run_id: str) -> bool:
        """Return whether somebody in another process wants it to stop."""
        return self._cache.get(_name("stop", run_id)) is not None

    def take_slot(self, run_id: str) -> str:
        """Return the name of one of the places for runs at once, "" where all are taken.

        That of a run whose worker is gone is free. Two who find it so at the same
        moment may both have it: one run too many, once.
        """
        for number in range(settings.view_runs):
            slot = _name("slot", str(number))
            if self._cache.add(slot, run_id, settings.view_deadline + SLACK):
                return slot
            if not self.state(str(self._cache.get(slot, "")))[1]:
                self._cache.set(slot, run_id, settings.view_deadline + SLACK)
                return slot
        return ""

    def free_slot(self, slot: str, run_id: str) -> None:
        """Give a place back; it expires after the run, so that it is still its own."""
        if self._cache.get(slot) == run_id:
            self._cache.delete(slot)


def _name(*parts: str) -> str:
    return ":".join(("django_probe", VERSION, *parts))


def _kept() -> float:
    return max(settings.keep_seconds, settings.cache_seconds, settings.view_deadline) + SLACK
