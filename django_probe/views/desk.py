"""Who asks the same gets the same run: joined while it goes on, kept for a while after it."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from typing import TypeVar

from django_probe.conf import settings
from django_probe.views.following import Follower
from django_probe.views.publishing import Publisher, SharedPublisher
from django_probe.views.pump import Pump
from django_probe.views.question import Question
from django_probe.views.record import Ending, Run
from django_probe.views.refusing import Refusal
from django_probe.views.shelf import Shelf
from django_probe.views.store import Store, is_shared

__all__ = ["Desk", "desk"]

logger = logging.getLogger("django_probe")

T = TypeVar("T")

LONGEST_CHAIN = 100


class Desk:
    """Find the run that answers a question, in this process or another, or start one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shelf = Shelf()
        self._working: set[str] = set()

    def ask(self, question: Question, *, fresh: bool = False, keep: bool = False) -> Run:
        """Return a run that answers a question, joined: the caller leaves it.

        Args:
            fresh: whether a run that has ended is too old.
            keep: whether it goes on when nobody waits.

        Raises:
            Refusal: too many other runs go on.
        """
        run = self._serving(question.key, fresh=fresh)
        if run is None:
            with self._lock:
                run = self._serving(question.key, fresh=fresh) or self._new(question, fresh=fresh)
        run.kept = run.kept or keep
        return run

    def still_answers(self, run: Run) -> bool:
        """Return whether a run that has ended answers who asks the same now."""
        return self._shelf.current(run.key) is run and run.ended and _serves(run, fresh=False)

    def last(self, key: str) -> Run | None:
        """Return the run that answered a question last, if it is still kept."""
        with self._lock:
            run = self._shelf.last(key)
        if run is not None and _is_young(run):
            return run
        run_id = _quietly(lambda: Store().last(key)) if is_shared() else None
        if run_id and (run is None or run_id != run.id):
            found = self.find(run_id)
            run = found if found is not None and found.ended else run
        return run

    def find(self, run_id: str) -> Run | None:
        """Return the run of an id as far as it is known, if it is still kept."""
        with self._lock:
            run = self._shelf.find(run_id)
        if not is_shared() or (run is not None and run.ending is not Ending.ABANDONED):
            return run
        return _quietly(lambda: _snapshot(run_id))

    def watch(self, run: Run) -> Run:
        """Return a run that goes on, joined, so that it can be waited for."""
        if not run.ended and self._shelf.find(run.id) is not run:
            return _follow(run.id, run.key)
        return run if run.join() else _follow(run.id, run.key)

    def stop(self, run: Run) -> None:
        """Have a run end soon, whichever process it is of."""
        run.kept, run.stopping = False, True
        if is_shared():
            _quietly(lambda: Store().ask_stop(run.id))

    def _serving(self, key: str, *, fresh: bool) -> Run | None:
        """Return the run of this process that answers, joined."""
        run = self._shelf.current(key)
        if run is None or not _serves(run, fresh=fresh) or not run.join():
            return None
        return run

    def _new(self, question: Question, *, fresh: bool) -> Run:
        run: Run | None = None
        if is_shared():
            run = _quietly(lambda: self._shared(question, fresh=fresh))
        if run is None:
            if len(self._working) >= settings.view_runs:
                raise _too_many()
            run = _joined(uuid.uuid4().hex, question.key)
            self._work(run, question, Publisher(run))
        self._shelf.put(run)
        return run

    def _shared(self, question: Question, *, fresh: bool) -> Run:
        """Return a run of any process, or a new one.

        Raises:
            Refusal: too many other runs go on.
        """
        store, key = Store(), question.key
        before = store.last(key)
        for _ in range(LONGEST_CHAIN):
            if before and not fresh:
                known = _joined(before, key)
                if Follower(known, store).load_now() and _serves(known, fresh=False):
                    return known
            holder = store.claimed(key, before)
            if not holder:
                run = self._claim(question, store, before)
                if run is not None:
                    return run
                continue
            state, alive = store.state(holder)
            if state is None or (alive and not state["ending"]):
                return _follow(holder, key)
            before = holder
        raise RuntimeError("The cache that /probe/ shares gives one run after the other.")

    def _claim(self, question: Question, store: Store, before: str) -> Run | None:
        """Return a new run of this process, None where another was first."""
        run = _joined(uuid.uuid4().hex, question.key)
        store.beat(run.id)
        slot = store.take_slot(run.id)
        if not slot:
            raise _too_many()
        if store.claim(question.key, before, run.id) != run.id:
            store.free_slot(slot, run.id)
            return None
        publisher = SharedPublisher(run, store, slot)
        publisher.tick()
        self._work(run, question, publisher)
        return run

    def _work(self, run: Run, question: Question, publisher: Publisher) -> None:
        self._working.add(run.id)
        seconds, ended = settings.view_deadline, lambda: self._working.discard(run.id)
        pump = Pump(run, question.arguments(), seconds, publisher, ended)
        _in_thread(pump.work, run)


desk = Desk()
"""That of this process."""


def _serves(run: Run, *, fresh: bool) -> bool:
    """Return whether a run answers who asks now: it goes on, or has ended a moment ago."""
    if run.ending is None:
        return not run.stopping
    return not fresh and run.ending.lasts and _is_young(run)


def _is_young(run: Run) -> bool:
    return run.age <= settings.cache_seconds


def _joined(run_id: str, key: str) -> Run:
    run = Run(run_id, key)
    run.join()
    return run


def _follow(run_id: str, key: str) -> Run:
    run = _joined(run_id, key)
    _in_thread(Follower(run, Store()).work, run)
    return run


def _snapshot(run_id: str) -> Run | None:
    """Return what the shared cache has of a run; one whose worker is gone has ended so."""
    store = Store()
    state, alive = store.state(run_id)
    if state is None:
        return None
    run = Run(run_id, str(state["key"]))
    follower = Follower(run, store)
    _ = follower.load() if alive else follower.load_now()
    return run


def _in_thread(work: Callable[[], None], run: Run) -> None:
    threading.Thread(target=work, name=f"probe-run-{run.id[:8]}", daemon=True).start()


def _quietly(ask: Callable[[], T]) -> T | None:
    """Return what the shared cache says, None where it does not answer: the log says so."""
    try:
        return ask()
    except Refusal:
        raise
    except Exception:
        logger.exception("The cache that /probe/ shares does not answer")
        return None


def _too_many() -> Refusal:
    return Refusal(
        429,
        f"{settings.view_runs} other runs are under way, as many as PROBE_VIEW_RUNS allows: ask"
        " again soon.",
        {"Retry-After": "5"},
    )
