"""Show a run to the other web processes, while it goes on; hear what they want of it."""

from __future__ import annotations

import logging
import time

from django_probe.conf import settings
from django_probe.views.record import Ending, Run
from django_probe.views.store import BEAT, PIECE, Store

__all__ = ["Publisher", "SharedPublisher"]

logger = logging.getLogger("django_probe")


class Publisher:
    """Keep a run to this process."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def tick(self) -> None:
        """Take that time goes by."""

    def end(self, ending: Ending) -> None:
        """Take that the run ends."""

    def is_stop_asked(self) -> bool:
        """Return whether somebody wants it to stop."""
        return self._run.stopping

    def is_wanted(self) -> bool:
        """Return whether somebody elsewhere waits for it."""
        return False


class SharedPublisher(Publisher):
    """Put a run into the shared cache, piece by piece.

    A cache that fails is told in the log; the run goes on.

    Args:
        slot: its place among the runs at once, to be given back.
    """

    def __init__(self, run: Run, store: Store, slot: str) -> None:
        super().__init__(run)
        self._slot = slot
        self._store = store
        self._beat_at = 0.0
        self._sent = 0
        self._pieces = 0
        self._stop = False
        self._wanted = True

    def tick(self) -> None:
        """Say, each second, that the run is there and how far it is."""
        if time.monotonic() - self._beat_at < BEAT:
            return
        self._beat_at = time.monotonic()
        try:
            self._store.beat(self._run.id)
            self._send(None)
            self._stop = self._store.is_stop_asked(self._run.id)
            self._wanted = self._run.is_asked() or self._store.is_wanted(self._run.id)
        except Exception:
            logger.exception("The cache that /probe/ shares does not answer")

    def end(self, ending: Ending) -> None:
        """Leave the whole run there."""
        try:
            self._send(ending)
            self._store.beat(self._run.id, settings.cache_seconds)
            self._store.set_last(self._run.key, self._run.id)
            self._store.free_slot(self._slot, self._run.id)
        except Exception:
            logger.exception("The cache that /probe/ shares does not answer")

    def is_stop_asked(self) -> bool:
        """Return whether somebody, in any process, wants it to stop."""
        return self._stop or super().is_stop_asked()

    def is_wanted(self) -> bool:
        """Return whether somebody in another process waits for it; true up to a second late."""
        return self._wanted

    def _send(self, ending: Ending | None) -> None:
        run = self._run
        lines = run.lines[self._sent :]
        self._sent += len(lines)
        text = "".join(f"{line}\n" for line in lines)
        for at in range(0, len(text), PIECE):
            self._store.put(run.id, self._pieces, text[at : at + PIECE])
            self._pieces += 1
        state = {
            "key": run.key,
            "pieces": self._pieces,
            "planned": run.planned,
            "done": run.done,
            "ending": ending.value if ending else None,
            "ended_at": time.time(),
            "refusal": run.refusal,
        }
        self._store.set_state(run.id, state)
