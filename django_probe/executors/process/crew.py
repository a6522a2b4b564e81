"""The worker processes that there are: hired, listened to, ended."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator, Sequence

from django_probe.executors.process.birth import Surroundings
from django_probe.executors.process.frames import Charter
from django_probe.executors.process.remote import RemoteWorker
from django_probe.executors.process.starting import Starter, Starters

__all__ = ["TICK", "Crew"]

TICK = 0.05
END_PATIENCE = 1.0
"""Seconds that workers have to take their leave."""


class Crew:
    """Hire workers; let one loop hear all of them.

    Args:
        starters: lend what starts them.
        make_starter: returns a new one.
        charter: returns what the worker of a number has to know.
    """

    def __init__(
        self,
        starters: Starters,
        make_starter: Callable[[], Starter],
        charter: Callable[[int], Charter],
    ) -> None:
        self._starters = starters
        self._make_starter = make_starter
        self._charter = charter
        self._starter: Starter | None = None
        self._workers: dict[int, RemoteWorker] = {}
        self._selector = selectors.DefaultSelector()

    def __iter__(self) -> Iterator[RemoteWorker]:
        return iter(tuple(self._workers.values()))

    def hire(self) -> bool:
        """Start a worker; return False where that cannot be done now."""
        if self._starter is not None and self._starter.gone:
            if self._workers:
                return False  # They are still to be told as lost.
            self._starter.close()
            self._starter = None
        if self._starter is None:
            self._starter = self._starters.take(self._make_starter)
            self._selector.register(self._starter.fileno(), selectors.EVENT_READ)
        charter = self._charter(next(self._starter.numbers))
        worker = RemoteWorker(charter.number, charter.config, charter.target)
        self._workers[worker.number] = worker
        self._starter.start(worker.number, worker.theirs)
        worker.let_go()
        self._selector.register(worker.socket, selectors.EVENT_READ, worker)
        worker.send(Surroundings.here())
        worker.send(charter)
        return True

    def listen(self, seconds: float) -> Iterator[tuple[RemoteWorker, Sequence[str]]]:
        """Wait until something comes; yield who says it, and its lines."""
        for worker in self:
            self._want_room(worker)
        for key, events in self._selector.select(seconds):
            worker = key.data
            if worker is None:
                self._look_at_starter()
                continue
            if events & selectors.EVENT_WRITE:
                worker.flush()
            if events & selectors.EVENT_READ:
                lines = worker.hear()
                if lines is None:
                    self._selector.unregister(worker.socket)
                yield worker, lines or ()

    def ended(self) -> Iterator[tuple[RemoteWorker, int | None]]:
        """Yield the workers that have ended, and how: their exit status."""
        self._look_at_starter()
        told = self._starter.ended if self._starter else {}
        for number in sorted(told.keys() & self._workers.keys()):
            yield self._workers[number], told[number]

    @property
    def why(self) -> str:
        """Return why none can be started, as far as that is known."""
        return self._starter.why if self._starter else ""

    def dismiss(self, worker: RemoteWorker) -> None:
        """Forget a worker that has ended."""
        del self._workers[worker.number]
        if worker.socket in self._selector.get_map():
            self._selector.unregister(worker.socket)
        worker.close()

    def kill(self, worker: RemoteWorker) -> None:
        """End a worker, with whatever its probes have started."""
        if self._starter is not None:
            self._starter.kill(worker.number)

    def kill_all(self) -> None:
        """End all of them, at once."""
        if self._starter is not None:
            self._starter.kill_all()

    def stack(self, worker: RemoteWorker) -> str:
        """Return where a worker is now."""
        processes = self._starter.processes if self._starter else {}
        return worker.stack(processes.get(worker.number))

    def close(self) -> None:
        """Let those that are ready take their leave, and end the others."""
        until = time.monotonic() + END_PATIENCE
        while self._workers and time.monotonic() < until:
            for worker in self:
                worker.let_leave()
                if worker.task is not None or not worker.began:
                    self.kill(worker)  # As soon as its process is known.
            for _ in self.listen(TICK):
                pass
            for worker, _ in tuple(self.ended()):
                self.dismiss(worker)
        self.kill_all()
        for worker in self:
            self.dismiss(worker)
        if self._starter is not None:
            self._starters.give_back(self._starter)
        self._selector.close()

    def _want_room(self, worker: RemoteWorker) -> None:
        """Look out for room where something waits to be sent."""
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.has_mail else 0)
        key = self._selector.get_map().get(worker.socket)
        if key is not None and key.events != mask:
            self._selector.modify(worker.socket, mask, worker)

    def _look_at_starter(self) -> None:
        starter = self._starter
        if starter is None:
            return
        starter.look()
        if starter.gone and starter.fileno() in self._selector.get_map():
            self._selector.unregister(starter.fileno())
