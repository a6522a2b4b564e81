"""Worker threads, hired, watched and given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count

from django_probe.capture import Routing
from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.events import Event
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.ledger import Ledger
from django_probe.executors.watch import Step, cut_short, overran, timed_out
from django_probe.executors.worker import Worker
from django_probe.run_config import RunConfig

__all__ = ["TICK", "ThreadPool"]

TICK = 0.05
"""Seconds between two looks at the workers; events cross in bunches."""
GRACE = 1.0
"""Seconds that an interrupted probe has to clean up before it is given up."""
LAST_GRACE = 0.5
"""The same at the end of a run."""
SILENCE = 10.0
"""Seconds without a sign of life, outside of any probe or fixture, after which a worker is lost."""


class ThreadPool:
    """Run tasks in worker threads; the thread that iterates is the one that watches."""

    def __init__(
        self, config: RunConfig, ledger: Ledger, deadline: Deadline, routing: Routing
    ) -> None:
        self.ledger = ledger
        self.is_alone = False
        """Whether there is but one worker."""
        self.routing = routing
        self._config = config
        self._deadline = deadline
        self._workers: list[Worker] = []
        self._lost: list[Worker] = []
        self._numbers = count(1)
        self._ended_at: float | None = None

    def run(self, tasks: Iterator[BatchRun], workers: int) -> Iterator[Event]:
        """Run tasks in as many workers; yield what happens until all have ended."""
        ledger = self.ledger
        ledger.open(tasks)
        self.is_alone = workers == 1
        for _ in range(workers):
            self._hire()
        while self._workers:
            ledger.wake.wait(TICK)
            ledger.wake.clear()
            yield from ledger.drain()
            self._look_after()
        yield from ledger.drain()
        ledger.close_tasks()

    def close(self) -> None:
        """Let go of the workers; those that hang are daemons."""
        self.ledger.closed = True
        self.ledger.has_room.set()
        for worker in self._lost:
            worker.retire()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return what the workers that were given up still hang in."""
        return tuple(worker.hangs_in for worker in self._lost if worker.is_alive())

    def _hire(self) -> None:
        worker = Worker(self, self._config, next(self._numbers))
        self._workers.append(worker)
        threading.Thread(target=worker.run, name=worker.name, daemon=True).start()

    def _look_after(self) -> None:
        now = time.monotonic()
        if self._ended_at is None and self._deadline.passed:
            self._ended_at = now
        for worker in tuple(self._workers):
            if worker.done:
                self._see_off(worker)
            elif self._ended_at is not None:
                self._stop(worker, now - self._ended_at)
            else:
                self._look_at(worker, now)

    def _look_at(self, worker: Worker, now: float) -> None:
        watch = worker.watch
        step = watch.overdue(now)
        if step is not None:
            place = worker.look()
            verdict = overran(step[1], place.stack)
            is_late = not worker.interrupt(step, verdict, place) and _late(step, now) > GRACE
            if is_late and watch.abandon_at(step):
                self._give_up(worker, verdict)
            return
        step = watch.unresponsive(now, GRACE)
        is_lost = step is not None or worker.is_silent(now, SILENCE)
        if is_lost and watch.abandon_at(step):
            self._give_up(worker)

    def _stop(self, worker: Worker, waited: float) -> None:
        """End what runs when the run ends; a teardown has the grace to itself."""
        step, task = worker.watch.step, worker.task
        if step is not None and task is not None and not task.fixtures.tears_down:
            place = worker.look()
            worker.interrupt(step, cut_short(self._deadline, place.stack), place)
        if waited >= LAST_GRACE:
            self._give_up(worker)

    def _see_off(self, worker: Worker) -> None:
        """Let a worker go that has ended; one that died in the middle is told."""
        if worker.task is None:
            self._workers.remove(worker)
        else:
            self._give_up(worker)

    def _give_up(self, worker: Worker, verdict: Problem | None = None) -> None:
        """Give a hanging worker up, tell what it was at, and let another one go on."""
        self._workers.remove(worker)
        self._lost.append(worker)
        place = worker.look()
        if verdict is None and self._ended_at is None:
            verdict = timed_out("its worker gives no sign of life", place.stack)
        verdict = verdict or cut_short(self._deadline, place.stack)
        hangs_in, goes_on = self.ledger.give_up(worker, verdict)
        worker.hangs_in = hangs_in or worker.name
        if self.is_alone:
            self.routing.install()
        if goes_on:
            self._hire()


def _late(step: Step, now: float) -> float:
    """Return the seconds by which a step has outlived its limit."""
    began, limit = step
    return 0.0 if limit is None else now - began - limit
