"""One worker: it runs batches, in the thread that calls ``run()``."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from django_probe.capture import Sink, current_sink
from django_probe.details import Problem
from django_probe.events import FixtureFailed
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.connections import WorkerConnections
from django_probe.executors.places import Place, look
from django_probe.executors.watch import Abandoned, Step, Watch
from django_probe.recording import Recorder
from django_probe.run_config import RunConfig

if TYPE_CHECKING:
    from django_probe.executors.thread_pool import ThreadPool

__all__ = ["Worker"]

LOOKS = 20
"""Looks at a worker that find it silent before it is taken to be so."""


class Worker:
    """Take tasks until there are none; tell everything to the ledger."""

    def __init__(self, pool: ThreadPool, config: RunConfig, number: int) -> None:
        self.name = f"probe-worker-{number}"
        self.target = pool.ledger.target
        self.timeout = config.timeout
        self.run_id = config.run_id
        self.place = config.target
        self.watch = Watch()
        self.recorder = Recorder(config, self.target, f"{number}")
        self.task: BatchRun | None = None
        self.done = False
        self.hangs_in = ""
        """What it hangs in, once it has been given up."""
        self._thread: threading.Thread | None = None
        self._pool = pool
        self.ledger = pool.ledger
        self.stopped = pool.ledger.stopped
        self._connections = WorkerConnections(allow_writes=config.allow_writes)
        self._steps_seen = 0
        self._silent_since = time.monotonic()
        self._silent_looks = 0

    def run(self) -> None:
        """Work until there is nothing left to do, or nothing may start any more."""
        self._thread = threading.current_thread()
        try:
            self._connections.enter()
            while not self.stopped():
                task = self.ledger.take(self)
                if task is None:
                    break
                self._work(task)
        except Abandoned:
            pass
        finally:
            current_sink.set(None)
            self._connections.leave()
            self.done = True
            self.ledger.wake.set()

    def retire(self) -> None:
        """Count for no other thread any more: the run has ended, but not what it hangs in."""
        self._connections.permit.end()

    def _work(self, task: BatchRun) -> None:
        try:
            task.run(self)
            self.after_probe(shares=False)
        except Abandoned:
            raise
        except BaseException as exc:
            current_sink.set(None)
            self.ledger.broke(self.watch, task, Problem.raised(exc, at=self.name))
        self.ledger.take_back(self)

    # What a batch asks for.

    def new_sink(self) -> Sink:
        """Return what collects the output of the next probe."""
        return Sink()

    def fixtures_changed(self) -> None:
        """Take nothing: who watches sees the task itself."""

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Tell that a teardown failed."""
        self.ledger.fixture_failed(self.watch, event)

    def after_probe(self, *, shares: bool) -> None:
        """Take back the streams and connections that the next probe must not inherit."""
        if self._connections.in_use:
            self._connections.after_probe(shares=shares)
        if not shares and self._pool.is_alone:
            self._pool.routing.install()

    def after_interrupt(self) -> None:
        """Close all connections: what cancels their queries may still be under way."""
        self._connections.after_interrupt()
        if self._pool.is_alone:
            self._pool.routing.install()

    # What the watching thread asks for.

    def is_alive(self) -> bool:
        """Return whether its thread goes on."""
        return self._thread is not None and self._thread.is_alive()

    def look(self) -> Place:
        """Return where it is, and where the thread of its async code is."""
        place = look(self._thread.ident if self._thread else None)
        busy = self._connections.busy_thread
        if busy is None:
            return place
        stack = f"{place.stack}  The thread of the async code is at:\n{look(busy).stack}"
        return place._replace(stack=stack)

    def interrupt(self, step: Step, verdict: Problem, place: Place) -> bool:
        """Stop a step: raise in it, cancel its queries, wake its event loop.

        Return False where it cannot be stopped now: ask again a moment later.
        """
        if not self.watch.interrupt(step, verdict):
            return False
        self._connections.cancel()
        if place.loop is not None:
            with suppress(RuntimeError):  # Closed meanwhile.
                place.loop.call_soon_threadsafe(bool)
        return True

    def is_silent(self, now: float, patience: float) -> bool:
        """Return whether it gives no sign of life, outside of a step, for so many seconds.

        It takes many looks: where something holds the interpreter, the one who
        looks does not get to it either.
        """
        steps = self.watch.steps
        if self.watch.step is not None or steps != self._steps_seen:
            self._steps_seen, self._silent_since, self._silent_looks = steps, now, 0
        self._silent_looks += 1
        return now - self._silent_since > patience and self._silent_looks > LOOKS
