"""What workers are given: batches, or parts of them, and which of them must be alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django_probe.executors.batch_run import BatchRun
from django_probe.executors.fixture_run import FixtureRun
from django_probe.plan import Batch

__all__ = ["apart", "tasks_of"]


def apart(batches: Sequence[Batch], max_workers: int) -> tuple[list[Batch], list[Batch]]:
    """Return (batches that may run beside others, batches that run one at a time)."""
    if max_workers == 1:
        return [], list(batches)
    alone = [batch for batch in batches if batch.serial or batch.module_fixture]
    shared = [batch for batch in batches if not (batch.serial or batch.module_fixture)]
    return shared, alone


def tasks_of(
    batches: Sequence[Batch], *, split: bool, size: Callable[[], int] = lambda: 1
) -> Iterator[BatchRun]:
    """Yield what a worker takes at once: a batch, or some probes of one that may be split.

    Args:
        size: asked for the number of these each time.
    """
    for batch in batches:
        if not (split and batch.divisible):
            yield BatchRun(batch.entries, FixtureRun(with_module=batch.module_fixture))
            continue
        begin = 0
        while begin < len(batch.entries):
            end = begin + size()
            yield BatchRun(batch.entries[begin:end])
            begin = end
