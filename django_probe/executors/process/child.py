"""A worker process: probes run in its main thread, another one watches and listens.

In the main thread a signal gets through to a probe that waits in a system call:
``time.sleep(60)`` and ``recv()`` can be interrupted here, and tearDown runs.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from queue import SimpleQueue

from django_probe.capture import Routing, Sink, own_all, routed
from django_probe.details import Problem
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.connections import permit_writes, watch_connections
from django_probe.executors.fixture_run import FixtureRun
from django_probe.executors.ledger import Holder, Ledger
from django_probe.executors.places import Place
from django_probe.executors.process.frames import Answer, Charter, Given, Halt, Stop
from django_probe.executors.process.line import Line, Outbox, end_group
from django_probe.executors.process.pipes import Pipes
from django_probe.executors.process.references import Resolver, name_of, stand_in
from django_probe.executors.thread_pool import TICK, ThreadPool
from django_probe.executors.watch import Step, bounded
from django_probe.executors.worker import Worker
from django_probe.here import standing_at
from django_probe.plan import Planned
from django_probe.results import Probe

__all__ = ["BEAT", "WAKE", "work"]

BEAT = 0.25
"""Seconds between two signs of life."""
FLOW = 0.001
"""Seconds between two looks at pipes that fill up."""
WAKE = signal.SIGURG
"""The signal that ends a system call: by default it does nothing."""


def work(charter: Charter, line: Line, pipes: Pipes, plan: Mapping[int, Planned] | None) -> None:
    """Run what the parent hands out, until it hands out nothing more."""
    signal.signal(WAKE, _woken)
    watch_connections()
    with routed(charter.config.redactor.redact) as routing, standing_at(charter.config.target):
        pool = _Pool(charter, line, pipes, Resolver(plan), routing)
        threading.Thread(target=pool.watch, name="probe-watch", daemon=True).start()
        pool.worker.run()
        if pool.worker.watch.abandoned:
            threading.Event().wait()  # The parent knows, and ends this process.
    pipes.pass_on()
    line.say("left")


class _Ledger(Ledger):
    """Take tasks from the parent; tell it everything as it happens."""

    def __init__(self, charter: Charter, line: Line, pipes: Pipes) -> None:
        super().__init__(charter.config, charter.target, charter.deadline)
        self._asks = charter.asks
        self._line = line
        self._pipes = pipes
        self._events = Outbox(line)
        self.given: SimpleQueue[Given | None] = SimpleQueue()
        self.answers: SimpleQueue[bool] = SimpleQueue()

    def take(self, worker: Holder) -> BatchRun | None:
        """Return what is left of the last task, else wait for the next one."""
        rest = super().take(worker)
        if rest is not None:
            return rest
        self._pipes.pass_on()
        self._line.say("idle")
        given = self.given.get()
        worker.task = None if given is None else _Task(given)
        return worker.task

    def started(self, watch: object, task: BatchRun, probe: Probe) -> bool:
        """Tell that a probe has its turn; with ``--failfast`` the parent may say no."""
        if not super().started(watch, task, probe):  # type: ignore[arg-type]
            return False
        if not self._asks or self.answers.get():
            return True
        task.probe, self._failed = None, "another worker's probe failed"
        return False


class _Task(BatchRun):
    """A task whose probes this process has yet to find."""

    def __init__(self, given: Given) -> None:
        super().__init__([stand_in(reference) for reference in given.references])
        self.given = given

    def find(self, resolver: Resolver) -> None:
        """Import what holds the probes."""
        given = self.given
        self.entries = [resolver.find(reference) for reference in given.references]
        owners = [planned.owner for planned in self.entries if planned.owner is not None]
        known: dict[str, object] = {}
        for owner in owners:
            known[owner.case_class.__module__] = owner.case_class.__module__
            known[name_of(owner.case_class)] = owner.case_class
        problems = {known[name]: at for name, at in given.problems.items() if name in known}
        self.fixtures = FixtureRun(with_module=given.with_module, problems=problems)

    def fail(self, problem: Problem) -> None:
        """Let each of them have a problem: they could not be found in time."""
        for planned in self.entries:
            planned.problem = problem


class _Worker(Worker):
    """Work in the main thread."""

    def __init__(self, pool: _Pool, charter: Charter, resolver: Resolver) -> None:
        super().__init__(pool, charter.config, charter.number)
        self._line = pool.line
        self._pipes = pool.pipes
        self._resolver = resolver
        self._fixtures_told: Sequence[object] = ()

    def new_sink(self) -> Sink:
        """Collect all that this process writes from now on."""
        sink = self._pipes.next_sink()
        own_all(sink)
        return sink

    def fixtures_changed(self) -> None:
        """Tell the parent which fixtures it would leave, if it came to its end now."""
        task = self.task
        if task is not None:
            fixtures = task.fixtures
            told = [fixtures.running, name_of(fixtures.sets_up), fixtures.limit, fixtures.owed]
            if told != self._fixtures_told:
                self._fixtures_told = told
                self._line.say("fixtures", *told)

    def interrupt(self, step: Step, verdict: Problem, place: Place) -> bool:
        """Stop a step, also where it waits in a system call."""
        if not super().interrupt(step, verdict, place):
            return False
        signal.pthread_kill(threading.main_thread().ident or 0, WAKE)
        return True

    def is_silent(self, now: float, patience: float) -> bool:
        """Return False while it waits for the parent."""
        waits = self._line.sending or self.task is None
        return super().is_silent(now, patience) and not waits

    def _work(self, task: BatchRun) -> None:
        self._fixtures_told = ()
        if isinstance(task, _Task):
            permit_writes(frozenset())  # A module that is imported may only read.
            verdict, _ = bounded(self.watch, self.timeout, partial(task.find, self._resolver))
            if verdict is not None:
                task.fail(verdict)
        super()._work(task)


class _Pool(ThreadPool):
    """One worker, watched by a thread that also listens to the parent."""

    def __init__(
        self, charter: Charter, line: Line, pipes: Pipes, resolver: Resolver, routing: Routing
    ) -> None:
        ledger = _Ledger(charter, line, pipes)
        super().__init__(charter.config, ledger, charter.deadline, routing)
        self.is_alone = True
        self.line = line
        self.pipes = pipes
        self._mail = ledger
        self.worker = _Worker(self, charter, resolver)
        self._workers.append(self.worker)

    def watch(self) -> None:
        """Watch the worker and listen, as long as this process lives."""
        beaten, full = time.monotonic(), False
        while True:
            self._listen(FLOW if full else TICK)
            full = self.pipes.tend()
            self._look_after()
            now = time.monotonic()
            due = now - beaten >= BEAT and self.worker.task is not None
            self.line.flush(*("beat",) * due)
            beaten = now if due else beaten

    def _listen(self, seconds: float) -> None:
        try:
            heard = self.line.hear(seconds)
        except (EOFError, OSError):
            if self.worker.task is not None:
                end_group()
            self._mail.given.put(None)
            time.sleep(seconds)
            return
        if isinstance(heard, Given):
            self._mail.given.put(heard)
        elif isinstance(heard, Answer):
            self._mail.answers.put(heard.may_start)
        elif isinstance(heard, Halt):
            self._deadline.halt(heard.reason)
        elif isinstance(heard, Stop):
            self._deadline.expire(heard.reason, signal=heard.signal)

    def _give_up(self, worker: Worker, verdict: Problem | None = None) -> None:
        super()._give_up(worker, verdict)
        self.line.say("lost")

    def _hire(self) -> None:
        """Hire nobody: the parent replaces the whole process."""


def _woken(number: int, frame: object) -> None:
    """Do nothing: the exception that the probe is to get is raised on the way."""
