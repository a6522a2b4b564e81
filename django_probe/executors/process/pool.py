"""Tasks and worker processes: who gets what, what came of it, and when that is enough."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator

from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.events import Event
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.ledger import Ledger
from django_probe.executors.process.crew import TICK, Crew
from django_probe.executors.process.dying import exited, how_ended
from django_probe.executors.process.frames import Charter, Halt, Stop
from django_probe.executors.process.hearing import Hearing
from django_probe.executors.process.remote import RemoteWorker
from django_probe.executors.process.starting import Starter, Starters
from django_probe.executors.watch import Watch, cut_short, overran, timed_out
from django_probe.run_config import RunConfig

__all__ = ["ProcessPool", "WorkersFailed"]

LAST_GRACE = 0.65
"""Seconds that workers have to end what they are at when the run ends."""
START_PATIENCE = 60.0
"""Seconds that a worker has to set up Django."""
START_FAULTS = 3
"""Workers that may end, one after the other, before they were ready."""


class WorkersFailed(RuntimeError):
    """Report that no worker process comes up."""


class _Due:
    """The task that the next worker gets."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.task: BatchRun | None = None


class ProcessPool:
    """Run tasks in worker processes; one loop talks to all of them.

    Args:
        starters: lend what starts workers.
        make_starter: returns a new one of these.
        asks: whether each probe has to be allowed to start.
    """

    def __init__(
        self,
        config: RunConfig,
        target: str,
        deadline: Deadline,
        starters: Starters,
        make_starter: Callable[[], Starter],
        *,
        asks: bool,
    ) -> None:
        def charter(number: int) -> Charter:
            return Charter(
                config=config, target=target, deadline=deadline, number=number, asks=asks
            )

        self.ledger = Ledger(config, target, deadline)
        self.ledger.backlog = sys.maxsize  # Who takes is who hears: it would wait for itself.
        self.size = 1
        """Probes that the worker which takes the next task should get at once."""
        self._deadline = deadline
        self._crew = Crew(starters, make_starter, charter)
        self._hearing = Hearing(self.ledger, config, asks=asks)
        self._due = _Due()
        self._faults = 0
        self._ended_at: float | None = None
        self._halted = False
        self.kill_all = self._crew.kill_all
        self.close = self._crew.close

    def run(self, tasks: Iterator[BatchRun], workers: int) -> Iterator[Event]:
        """Run tasks in as many workers; yield what happens until all are done.

        Raises:
            WorkersFailed: no worker comes up.
        """
        self.ledger.open(tasks)
        while True:
            self._hand_out(workers)
            if not self._is_due() and not any(worker.task for worker in self._crew):
                break
            for worker, lines in self._crew.listen(TICK):
                self._take(worker, lines)
            self._bury()
            self._look_after()
            yield from self.ledger.drain()
        yield from self.ledger.drain()
        self.ledger.take_back(self._due)
        self.ledger.close_tasks()

    def _is_due(self) -> bool:
        """Return whether there is a task that nobody has."""
        if self.ledger.stopped():
            return False
        return (self._due.task or self.ledger.take(self._due)) is not None

    def _hand_out(self, workers: int) -> None:
        """Give idle workers a task each, and hire as many as are wanted."""
        crew = [worker for worker in self._crew if not worker.closing]
        working = sum(worker.task is not None for worker in crew)
        for worker in crew:
            if worker.idle and working < workers and self._is_due_for(worker):
                assert self._due.task is not None
                worker.give(self._due.task)
                self._due.task, self._faults = None, 0
                working += 1
        starting = sum(not worker.began for worker in crew)
        for _ in range(workers - working - starting):
            if not self._is_due() or not self._crew.hire():
                break

    def _is_due_for(self, worker: RemoteWorker) -> bool:
        self.size = worker.appetite
        is_due = self._is_due()
        self.size = 1
        return is_due

    def _take(self, worker: RemoteWorker, lines: Iterable[str]) -> None:
        """Take what a worker says."""
        try:
            for line in lines:
                self._hearing.take(worker, line)
        except Exception as exc:  # It is of our own making, unless a probe meddles with it.
            self._give_up(worker, Problem.raised(exc))
        if worker.lost:
            self._give_up(worker, timed_out("its worker gives no sign of life"))

    def _look_after(self) -> None:
        now = time.monotonic()
        if self._ended_at is None and self._deadline.passed:
            self._ended_at = now
            self._tell_end()
        if self._deadline.halted and not self._halted:
            self._halted = True
            for worker in self._crew:
                worker.send(Halt(self._deadline.halted))
        for worker in self._crew:
            if self._ended_at is not None:
                if now - self._ended_at >= LAST_GRACE and worker.task is not None:
                    stack = self._crew.stack(worker)
                    self._give_up(worker, cut_short(self._deadline, stack))
            elif worker.is_stuck(now):
                self._give_up(worker, overran(worker.limit, self._crew.stack(worker)))
            elif not worker.began and worker.age > START_PATIENCE:
                self._crew.kill(worker)

    def _tell_end(self) -> None:
        """Tell workers that a signal has ended the run; the time they know themselves."""
        for worker in self._crew:
            if worker.task is not None and self._deadline.interrupted:
                worker.send(Stop(self._deadline.reason, self._deadline.signal))

    def _give_up(self, worker: RemoteWorker, verdict: Problem) -> None:
        """End a worker; tell what it was at, unless it has done so itself."""
        worker.closing = True
        self._crew.kill(worker)
        task = worker.task
        if task is not None and not worker.watch.abandoned:
            if worker.lost and task.probe is None:
                self.ledger.take_back(worker)
                worker.watch.abandon()
            else:
                task.sink = worker.last_output()
                self.ledger.give_up(worker, verdict)
        worker.task = None

    def _bury(self) -> None:
        """Take leave of workers that have ended; one that was at something is told."""
        for worker, status in tuple(self._crew.ended()):
            while lines := worker.hear():
                self._take(worker, lines)
            if worker.task is not None:
                self._give_up(worker, exited(status, worker.stack(None)))
            elif not worker.began and not worker.closing:
                self._faulty(worker, status)
            self._crew.dismiss(worker)

    def _faulty(self, worker: RemoteWorker, status: int | None) -> None:
        self._faults += 1
        if self._faults >= START_FAULTS:
            last = worker.last_output().told("stderr").strip().rpartition("\n")[2]
            why = self._crew.why or last or how_ended(status)
            raise WorkersFailed(f"no worker process comes up: {why}")
