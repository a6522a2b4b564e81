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
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.connections import close_own, closing_pools, watch_connections
from django_probe.executors.fixture_run import FixtureRun
from django_probe.executors.leftovers import busy_pool_threads
from django_probe.executors.thread_pool import ThreadPool
from django_probe.plan import Batch

__all__ = ["ThreadsExecutor"]


class ThreadsExecutor(Executor):
    """Run batches in ``max_workers`` threads."""

    _pool: ThreadPool | None = None

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        """Run the batches; those that must be alone come last, one at a time."""
        shared, alone = self._apart(batches)
        watch_connections()
        close_own()
        with closing_pools(), routed() as routing:
            self._pool = pool = ThreadPool(self, target, deadline, routing)
            try:
                workers = min(self.max_workers, sum(len(batch.entries) for batch in shared))
                yield from pool.run(_tasks(shared, split=True), workers)
                yield from pool.run(_tasks(alone, split=False), min(1, len(alone)))
                yield from pool.ledger.not_run()
            finally:
                pool.close()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return what still hangs: in threads that were given up, and in pools of threads."""
        if self._pool is None:
            return ()
        return (*self._pool.left_behind, *(thread.name for thread in busy_pool_threads()))

    def _apart(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
        """Return (batches that may run beside others, batches that run one at a time)."""
        if self.max_workers == 1:
            return [], list(batches)
        alone = [batch for batch in batches if batch.serial or batch.module_fixture]
        shared = [batch for batch in batches if not (batch.serial or batch.module_fixture)]
        return shared, alone


def _tasks(batches: Sequence[Batch], *, split: bool) -> Iterator[BatchRun]:
    """Yield what a worker takes at once: a batch, or one probe where batches may be split."""
    for batch in batches:
        if split and batch.divisible:
            for entry in batch.entries:
                yield BatchRun([entry])
        else:
            yield BatchRun(batch.entries, FixtureRun(with_module=batch.module_fixture))
