"""The workers of the ``threads`` executor, and the one thread that watches them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timezone

from django_probe.capture import current_sink
from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.events import Event, FixtureFailed, ProbeFinished
from django_probe.executors.base import Executor
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.connections import WorkerConnections
from django_probe.executors.watch import Abandoned, Watch, overran, timed_out
from django_probe.plan import Planned
from django_probe.recording import Recorder
from django_probe.results import ErrorDetail, Outcome, Probe

__all__ = ["ThreadPool"]

TICK = 0.05
"""Seconds between two looks at the workers; events cross in bunches."""
GRACE = 1.0
"""Seconds that an interrupted probe has to clean up before it is given up."""
LAST_GRACE = 0.5
"""The same at the end of a run."""
BACKLOG = 1000
"""Events that wait to be taken before workers wait for the one who takes them."""


class _Worker(threading.Thread):
    """Take tasks until there are none; tell everything through the pool."""

    def __init__(self, pool: ThreadPool, number: int) -> None:
        super().__init__(name=f"probe-worker-{number}", daemon=True)
        self.watch = Watch()
        self.connections = WorkerConnections()
        self.task: BatchRun | None = None
        self.done = False
        self._pool = pool
        self._recorder = Recorder(pool.executor.redactor, pool.target, f"{number}")

    def run(self) -> None:
        self.connections.enter()
        try:
            while not self._pool.stopped():
                task = self._pool.take()
                if task is None:
                    break
                self._work(task)
        except Abandoned:
            pass
        finally:
            current_sink.set(None)
            self.connections.leave()
            self.done = True
            self._pool.wake.set()

    def interrupt(self, verdict: Problem) -> None:
        """Stop the step under way: cancel its queries, raise in it, wake its event loop."""
        if self.watch.interrupt(verdict):
            self.connections.cancel()
            if self.task is not None:
                self.task.wake_loop()

    def _work(self, task: BatchRun) -> None:
        pool = self._pool
        self.task = task.bind(
            self._recorder,
            self.watch,
            pool.emit,
            target=pool.target,
            timeout=pool.executor.timeout,
            stop=pool.stopped,
            after_probe=lambda shares: self.connections.after_probe(shares=shares),
        )
        try:
            task.run()
        except Exception as exc:
            pool.give_back(task, Problem.raised(exc))
        else:
            pool.keep_rest(task)
        self.connections.close()
        self.task = None


class ThreadPool:
    """The workers of one execution, and the one thread that watches them."""

    def __init__(self, executor: Executor, target: str, deadline: Deadline) -> None:
        self.executor = executor
        self.target = target
        self.wake = threading.Event()
        self._deadline = deadline
        self._events: deque[Event] = deque()
        self._room = threading.Event()
        self._lock = threading.Lock()
        self._tasks: Iterator[BatchRun] = iter(())
        self._workers: list[_Worker] = []
        self._lost: list[_Worker] = []
        self._rest: list[Planned] = []
        self._failfast = False
        self._ended_at: float | None = None
        self._closed = False
        self._recorder = Recorder(executor.redactor, target)

    # What workers call.

    def take(self) -> BatchRun | None:
        """Return the next task, None when there is none."""
        with self._lock:
            return next(self._tasks, None)

    def stopped(self) -> bool:
        """Return whether no further probe may start."""
        return self._failfast or self._closed or self._deadline.passed

    def emit(self, event: Event) -> None:
        """Pass an event on; wait when too many have not been taken."""
        self._events.append(event)
        if (
            self.executor.failfast
            and type(event) is ProbeFinished
            and event.result.blocking
        ):
            self._failfast = True
        if len(self._events) > BACKLOG and not self._closed:
            self._room.clear()
            self.wake.set()
            self._room.wait(timeout=TICK)

    def give_back(self, task: BatchRun, problem: Problem) -> None:
        """Take back a task that broke outside its probe; the probe has its result now."""
        planned = task.entries[task.position]
        probe = task.probe or Probe(id=planned.id, label=planned.id, index=planned.index)
        self.emit(
            ProbeFinished(result=self._recorder.of_problem(probe, problem, task.started_at))
        )
        with self._lock:
            self._tasks = _chain(task.after(), self._tasks)

    def keep_rest(self, task: BatchRun) -> None:
        """Take back what a stopped worker did not run."""
        self._rest.extend(task.rest)

    # What the watching thread does.

    def run(self, tasks: Iterator[BatchRun], workers: int) -> Iterator[Event]:
        """Run tasks in as many workers; yield what happens until all have ended."""
        self._tasks = tasks
        first = next(tasks, None)
        if first is None:
            return
        self._tasks = _chain(first, tasks)
        for _ in range(workers):
            self._hire()
        while self._workers:
            self.wake.wait(TICK)
            self.wake.clear()
            yield from self._drain()
            self._look_after()
            self._workers = [worker for worker in self._workers if not worker.done]
        yield from self._drain()
        for task in self._tasks:
            self.keep_rest(task)

    def not_run(self) -> Iterator[Event]:
        """Yield a result for each probe that never got its turn."""
        reason = "--failfast: a probe before it failed"
        if not self._failfast:
            reason = self._deadline.reason if self._rest else ""
        problem = Problem(outcome=Outcome.NOT_RUN, reason=reason)
        now = datetime.now(timezone.utc)
        for planned in sorted(self._rest, key=lambda planned: planned.index):
            probe = planned.describe(self.executor.timeout)
            yield ProbeFinished(result=self._recorder.of_problem(probe, problem, now))

    def close(self) -> None:
        """Let go of the workers; those that hang are daemons."""
        self._closed = True
        self._room.set()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of the probes whose threads still run."""
        return tuple(
            worker.task.probe.label
            for worker in self._lost
            if worker.is_alive() and worker.task and worker.task.probe
        )

    def _hire(self, task: BatchRun | None = None) -> None:
        if task is not None:
            with self._lock:
                self._tasks = _chain(task, self._tasks)
        worker = _Worker(self, len(self._workers) + len(self._lost) + 1)
        self._workers.append(worker)
        worker.start()

    def _drain(self) -> Iterator[Event]:
        events = self._events
        while events:
            yield events.popleft()
        self._room.set()

    def _look_after(self) -> None:
        now = time.monotonic()
        ending = self._deadline.passed
        if ending and self._ended_at is None:
            self._ended_at = now
        for worker in list(self._workers):
            watch = worker.watch
            if ending:
                self._stop_worker(worker, now)
            elif watch.overdue(now):
                worker.interrupt(overran(watch.limit, watch.stack()))
            elif watch.unresponsive(now, GRACE):
                self._abandon(worker)

    def _stop_worker(self, worker: _Worker, now: float) -> None:
        """End what runs when the run ends; teardowns have the grace to themselves."""
        task, deadline = worker.task, self._deadline
        if worker.watch.busy and task is not None and not task.tears_down:
            if deadline.interrupted:
                reason = f"{deadline.reason} while it ran"
                verdict = Problem(outcome=Outcome.NOT_RUN, reason=reason)
            else:
                verdict = timed_out(deadline.reason, worker.watch.stack())
            worker.interrupt(verdict)
        assert self._ended_at is not None
        if now - self._ended_at >= LAST_GRACE and worker.watch.busy:
            self._abandon(worker)

    def _abandon(self, worker: _Worker) -> None:
        """Give a hanging worker up, tell what it was at, and let another one go on."""
        verdict = worker.watch.abandon()
        task = worker.task
        if not worker.watch.abandoned or task is None:
            return
        verdict = verdict or timed_out(self._deadline.reason, worker.watch.stack())
        self._workers.remove(worker)
        self._lost.append(worker)
        for event in self._told(task, verdict, worker):
            self._events.append(event)
        rest = task.after()
        if rest.entries:
            self._hire(rest)

    def _told(self, task: BatchRun, verdict: Problem, worker: _Worker) -> Iterator[Event]:
        assert task.probe is not None
        told = self._recorder.scrubbed(verdict)
        if task.tears_down:
            if told.error is not None:
                yield FixtureFailed(target=self.target, fixture=task.fixture, error=told.error)
            return
        if task.fixture:
            task.problems[task.fixture_of] = task.told_elsewhere(task.fixture, told)
        self._recorder.reset()
        yield ProbeFinished(
            result=self._recorder.result(
                task.probe, task.started_at, worker.watch.elapsed, task.sink, told
            )
        )
        for fixture in task.open_fixtures:
            message = (
                f"did not run for the worker that hangs in {task.probe.label}:"
                " what its setup made may be left behind"
            )
            error = ErrorDetail(exception_class_path="Abandoned", message=message)
            yield FixtureFailed(target=self.target, fixture=fixture, error=error)


def _chain(first: BatchRun, rest: Iterator[BatchRun]) -> Iterator[BatchRun]:
    yield first
    yield from rest
