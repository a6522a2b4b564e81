"""Run probes in daemon threads of this process: cheap, and good enough for most.

A probe that hangs is interrupted where Python can, and else given up with its
thread. One that holds the interpreter in C code stops everything: only an
executor with ``can_stop`` can promise the timeout then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django_probe.capture import routed
from django_probe.deadline import Deadline
from django_probe.events import Event
from django_probe.executors.base import Executor
from django_probe.executors.connections import close_own, watch_connections
from django_probe.executors.leaving import no_leaving
from django_probe.executors.ledger import Ledger
from django_probe.executors.leftovers import busy_pool_threads
from django_probe.executors.tasks import apart, tasks_of
from django_probe.executors.thread_pool import ThreadPool
from django_probe.plan import Batch

__all__ = ["ThreadsExecutor"]


class ThreadsExecutor(Executor):
    """Run batches in ``max_workers`` threads."""

    _pools: tuple[ThreadPool, ...] = ()
    """The newest, and those before it in which something still hangs."""

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        """Run the batches; those that must be alone come last, one at a time."""
        shared, alone = apart(batches, self.max_workers)
        watch_connections()
        close_own()
        with routed(self.config.redactor.redact) as routing, no_leaving():
            ledger = Ledger(self.config, target, deadline)
            pool = ThreadPool(self.config, ledger, deadline, routing)
            self._pools = (*(pool for pool in self._pools if pool.left_behind), pool)
            try:
                workers = min(self.max_workers, sum(len(batch.entries) for batch in shared))
                yield from pool.run(tasks_of(shared, split=True), workers)
                yield from pool.run(tasks_of(alone, split=False), min(1, len(alone)))
                yield from ledger.not_run()
            finally:
                pool.close()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return what still hangs: in threads that were given up, and in pools of threads."""
        if not self._pools:
            return ()
        hanging = (label for pool in self._pools for label in pool.left_behind)
        return (*hanging, *(thread.name for thread in busy_pool_threads()))
