"""What a worker process says, taken into the ledger of its parent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from django_probe.events import Event, FixtureFailed, ProbeFinished, ProbeStarted
from django_probe.exceptions import WireError
from django_probe.executors.ledger import Ledger
from django_probe.executors.process.frames import Answer
from django_probe.executors.process.remote import RemoteFixtures, RemoteWorker
from django_probe.run_config import RunConfig
from django_probe.wire import decode

__all__ = ["Hearing"]


class Hearing:
    """Take each line: an event, or a word of the worker itself.

    Args:
        asks: whether a worker waits for an answer before it starts a probe.
    """

    def __init__(self, ledger: Ledger, config: RunConfig, *, asks: bool) -> None:
        self._ledger = ledger
        self._timeout = config.timeout
        self._asks = asks
        self._words: dict[str, Callable[..., None]] = {
            "idle": self._idle,
            "fixtures": self._fixtures,
            "lost": self._lost,
            "left": self._left,
        }

    def take(self, worker: RemoteWorker, line: str) -> None:
        """Take a line.

        Raises:
            WireError: it is none of ours.
            ValueError: the same.
        """
        if not line.startswith("="):
            self._event(worker, decode(line))
            return
        name, *values = json.loads(line[1:])
        if name != "beat":
            self._words[name](worker, *values)

    def _event(self, worker: RemoteWorker, event: Event) -> None:
        task, ledger = worker.task, self._ledger
        if task is None:
            return  # It has been given up: what it says now comes too late.
        if type(event) is ProbeFinished:
            if event.result.probe.index != task.entries[task.position].index:
                raise WireError(f"A result of another probe: {event.result.probe.label!r}.")
            ledger.finished(worker.watch, task, event.result)
            worker.begins(self._timeout)
        elif type(event) is ProbeStarted:
            self._started(worker, event)
        elif type(event) is FixtureFailed:
            ledger.fixture_failed(worker.watch, event)

    def _started(self, worker: RemoteWorker, event: ProbeStarted) -> None:
        task, ledger = worker.task, self._ledger
        assert task is not None
        task.started_at, task.began = event.at, time.monotonic()
        may_start = not (self._asks and ledger.stopped())
        may_start = may_start and ledger.started(worker.watch, task, event.probe)
        worker.begins(event.probe.timeout)
        if self._asks:
            worker.send(Answer(may_start))

    def _idle(self, worker: RemoteWorker) -> None:
        worker.is_done()
        self._ledger.take_back(worker)

    def _left(self, worker: RemoteWorker) -> None:
        worker.closing = True
        if worker.task is not None and worker.task.probe is None:
            self._ledger.take_back(worker)

    def _lost(self, worker: RemoteWorker) -> None:
        worker.lost = True

    def _fixtures(
        self, worker: RemoteWorker, running: str, sets_up: str, limit: float | None, owed: Any
    ) -> None:
        task = worker.task
        if task is None or not isinstance(task.fixtures, RemoteFixtures):
            return
        fixtures = task.fixtures
        fixtures.running, fixtures.sets_up = running, _meant(worker, sets_up)
        fixtures.told_owed = tuple(owed)
        probe = task.probe
        own_limit = probe.timeout if probe is not None else self._timeout
        worker.begins(limit if running else own_limit)


def _meant(worker: RemoteWorker, name: str) -> object:
    """Return the class or module of a task that a name means; None for no name."""
    assert worker.task is not None
    for planned in worker.task.entries:
        if planned.owner is not None and planned.owner.id == name:
            return planned.owner.case_class
    return name or None
