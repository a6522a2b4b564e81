"""What the workers of one execution are given, and what they have told."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Protocol

from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.events import Event, FixtureFailed, ProbeFinished, ProbeStarted
from django_probe.executors.batch_run import BatchRun, outline
from django_probe.executors.watch import Abandoned, Watch
from django_probe.fixtures import forget_module_cleanups
from django_probe.plan import Planned
from django_probe.recording import Recorder
from django_probe.results import ErrorDetail, Outcome, Probe, ProbeResult
from django_probe.run_config import RunConfig

__all__ = ["Holder", "Ledger", "Reporting"]

BACKLOG = 1000
"""Events that wait to be taken before workers wait for the one who takes them."""
ROOM_PATIENCE = 0.05
"""Seconds that a worker waits so."""


class Holder(Protocol):
    """Who has a task."""

    watch: Watch
    task: BatchRun | None


class Reporting(Holder, Protocol):
    """Who has a task and records what comes of it."""

    recorder: Recorder


class Ledger:
    """Hand out tasks, take what is told.

    One lock orders it: who has a task changes under it alone, nothing comes of a
    worker that has been given up, and nothing starts after ``--failfast`` has
    taken hold.
    """

    def __init__(self, config: RunConfig, target: str, deadline: Deadline) -> None:
        self.target = target
        self.has_room = threading.Event()
        self.wake = threading.Event()
        """Set when somebody should look."""
        self.closed = False
        self.backlog = BACKLOG
        self._timeout = config.timeout
        self._failfast = config.failfast
        self._deadline = deadline
        self._recorder = Recorder(config, target)
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._tasks: Iterator[BatchRun] = iter(())
        self._rest: list[Planned] = []
        self._failed = ""

    # What workers call.

    def stopped(self) -> bool:
        """Return whether no further probe may start."""
        return bool(self._failed) or self.closed or self._deadline.stops

    def take(self, worker: Holder) -> BatchRun | None:
        """Give a worker the next task and return it, None when there is none."""
        with self._lock:
            _still_wanted(worker.watch)
            worker.task = next(self._tasks, None)
            return worker.task

    def started(self, watch: Watch, task: BatchRun, probe: Probe) -> bool:
        """Tell that a probe has its turn; return False where nothing may start any more."""
        with self._lock:
            _still_wanted(watch)
            if self._failed:
                return False
            task.probe = probe
            self._events.append(ProbeStarted(probe=probe, target=self.target, at=task.started_at))
        return True

    def finished(self, watch: Watch, task: BatchRun, result: ProbeResult) -> None:
        """Tell a result; wait a little when too many have not been taken."""
        with self._lock:
            _still_wanted(watch)
            self._finish(task, result)
        if len(self._events) > self.backlog and not self.closed:
            self.has_room.clear()
            self.wake.set()
            self.has_room.wait(ROOM_PATIENCE)

    def fixture_failed(self, watch: Watch, event: FixtureFailed) -> None:
        """Tell that a teardown failed."""
        with self._lock:
            _still_wanted(watch)
            self._tell_fixture(event)

    def broke(self, watch: Watch, task: BatchRun, problem: Problem) -> None:
        """Take what a task raised beside its probes as an error of the one that is due."""
        with self._lock:
            _still_wanted(watch)
            self._settle(task, self._recorder, self._recorder.scrubbed(problem))

    def take_back(self, worker: Holder) -> None:
        """Take back what a worker leaves of its task."""
        with self._lock:
            _still_wanted(worker.watch)
            task, worker.task = worker.task, None
            if task is not None:
                self._take_back(task)

    # What the watching thread calls.

    def open(self, tasks: Iterator[BatchRun]) -> None:
        """Hand out these tasks from now on."""
        self._tasks = tasks

    def drain(self) -> Iterator[Event]:
        """Yield what has been told up to now."""
        events = self._events
        for _ in range(len(events)):
            yield events.popleft()
        self.has_room.set()

    def close_tasks(self) -> None:
        """Keep the probes of all tasks that nobody has taken for ``not_run``."""
        for task in self._tasks:
            self._rest.extend(task.rest)

    def give_up(self, worker: Reporting, verdict: Problem) -> tuple[str, bool]:
        """Tell what a worker hangs in; return that, and whether another one has to go on.

        What it has recorded until now is told, too.
        """
        with self._lock:
            verdict = self._recorder.scrubbed(worker.watch.abandon() or verdict)
            task = worker.task
            if task is None:
                return "", not self.stopped()
            hangs_in = task.fixtures.running or (task.probe.label if task.probe else "")
            hangs_in = self._recorder.named(hangs_in)
            owed = task.fixtures.owed
            if task.probe is not None and task.fixtures.running:
                task.fixtures.fail(verdict, task.probe.label)
            self._settle(task, worker.recorder, verdict)
            for fixture in owed:
                if fixture != task.fixtures.running:
                    how = "was lost" if verdict.outcome is Outcome.ERRORED else "hangs"
                    self._tell_fixture(_owed(self.target, fixture, f"{how} in {hangs_in}"))
            if task.fixtures.with_module:
                forget_module_cleanups()
            self._take_back(task)
            return hangs_in, not self.stopped()

    def not_run(self) -> Iterator[Event]:
        """Yield a result for each probe that never got its turn."""
        reason = self._failed or self._deadline.halted or self._deadline.reason
        problem = Problem(outcome=Outcome.NOT_RUN, reason=reason)
        now = datetime.now(timezone.utc)
        for planned in sorted(self._rest, key=lambda planned: planned.index):
            probe = self._described(planned)
            yield ProbeFinished(result=self._recorder.of_problem(probe, problem, now))

    def _described(self, planned: Planned) -> Probe:
        """Return a probe's record without calling its author's code: there is no time for it."""
        if planned.owner is not None and planned.owner.own_description:
            return outline(planned)
        return planned.describe(self._timeout)

    # All below is called under the lock.

    def _settle(self, task: BatchRun, recorder: Recorder, told: Problem) -> None:
        """Tell a problem as a result of the probe that is due, else as one of a fixture."""
        if task.fixtures.tears_down or (task.probe is None and not task.rest):
            if told.error is not None:
                fixture = task.fixtures.running or "teardown"
                self._tell_fixture(
                    FixtureFailed(target=self.target, fixture=fixture, error=told.error)
                )
            return
        if task.probe is None:
            (probe,) = self._recorder.shown([outline(task.rest[0])])
            event = ProbeStarted(probe=probe, target=self.target, at=task.started_at)
            self._events.append(event)
            recorder.reset()
        else:
            probe = task.probe
        sink = task.sink if task.sink.used else None
        duration = time.monotonic() - task.began
        self._finish(task, recorder.result(probe, task.started_at, duration, sink, told))

    def _finish(self, task: BatchRun, result: ProbeResult) -> None:
        task.probe = None
        task.position += 1
        self._events.append(ProbeFinished(result=result))
        if self._failfast and result.blocking:
            self._failed = self._failed or "--failfast: a probe before it failed"

    def _tell_fixture(self, event: FixtureFailed) -> None:
        self._events.append(replace(event, fixture=self._recorder.named(event.fixture)))
        if self._failfast:
            self._failed = self._failed or "--failfast: a fixture before it failed"

    def _take_back(self, task: BatchRun) -> None:
        if self.stopped():
            self._rest.extend(task.rest)
        elif task.rest:
            self._tasks = _chain(task.after(), self._tasks)


def _still_wanted(watch: Watch) -> None:
    """Let a worker that has been given up tell nothing."""
    if watch.abandoned:
        raise Abandoned


def _owed(target: str, fixture: str, lost_in: str) -> FixtureFailed:
    message = f"did not run for the worker that {lost_in}: what its setup made may be left behind"
    error = ErrorDetail(exception_class_path="Abandoned", message=message)
    return FixtureFailed(target=target, fixture=fixture, error=error)


def _chain(first: BatchRun, rest: Iterator[BatchRun]) -> Iterator[BatchRun]:
    yield first
    yield from rest
