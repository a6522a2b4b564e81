"""Run probes in worker processes: whatever one of them does, all others have their results.

A probe that hangs is interrupted, and else killed with its process; one that
crashes takes its process with it. Only names of probes go in, and only records
come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from django_probe.deadline import Deadline
from django_probe.events import Event
from django_probe.executors.base import Executor
from django_probe.executors.connections import close_own
from django_probe.executors.process.pool import ProcessPool
from django_probe.executors.process.starting import Starter, Starters, checked_method
from django_probe.executors.tasks import apart, tasks_of
from django_probe.interrupts import before_leaving
from django_probe.plan import Batch
from django_probe.run_config import RunConfig

__all__ = ["ProcessesExecutor"]


class ProcessesExecutor(Executor):
    """Run batches in ``max_workers`` processes.

    Args:
        start_method: ``fork``, ``forkserver`` or ``spawn``; by default
            ``forkserver`` on Linux, and ``spawn`` elsewhere.
    """

    can_stop = True
    isolates = True

    def __init__(
        self,
        config: RunConfig | None = None,
        *,
        max_workers: int = 1,
        start_method: str | None = None,
    ) -> None:
        super().__init__(config, max_workers=max_workers)
        self._method = checked_method(start_method)
        self._starters = Starters()

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        """Run the batches; those that must be alone come last, one at a time."""
        shared, alone = apart(batches, self.max_workers)
        plan = {entry.index: entry for batch in batches for entry in batch.entries}

        asks = self.config.failfast and self.max_workers > 1
        start = partial(Starter, self._method, plan)
        pool = ProcessPool(self.config, target, deadline, self._starters, start, asks=asks)
        close_own()
        with before_leaving(pool.kill_all):
            try:
                most = sum(len(batch.entries) if batch.divisible else 1 for batch in shared)
                tasks = tasks_of(shared, split=True, size=lambda: pool.size)
                yield from pool.run(tasks, min(self.max_workers, most))
                yield from pool.run(tasks_of(alone, split=False), min(1, len(alone)))
                yield from pool.ledger.not_run()
            finally:
                pool.close()

    def open(self) -> None:
        """Keep what starts workers, once it has set up Django."""
        self._starters.keeps = True

    def close(self) -> None:
        """End what was kept."""
        self._starters.close()
