"""The seam: an executor runs the batches of a plan and tells what happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from django_probe.deadline import Deadline
from django_probe.events import Event
from django_probe.exceptions import ConfigurationError
from django_probe.plan import Batch
from django_probe.run_config import RunConfig

__all__ = ["Executor"]


class Executor:
    """Run batches; yield ``ProbeStarted``, ``ProbeFinished`` and ``FixtureFailed``.

    Whatever happens there is one ``ProbeFinished`` for each planned probe, and
    a ``ProbeStarted`` before it, unless the probe never got its turn
    (``not_run``). ``django_probe.testing.ExecutorContract`` holds an executor to this.

    Args:
        config: how the probes are run and judged.
        max_workers: how many probes may run at once, 1 or more. It and what an
            executor adds are the OPTIONS of ``PROBE_EXECUTOR``.
    """

    can_stop: ClassVar[bool] = False
    """Whether it can end a probe that hangs."""
    isolates: ClassVar[bool] = False
    """Whether a probe that crashes takes nothing else with it."""

    def __init__(self, config: RunConfig | None = None, *, max_workers: int = 1) -> None:
        if isinstance(max_workers, bool) or not isinstance(max_workers, int) or max_workers < 1:
            raise ConfigurationError(
                f"max_workers is {max_workers!r}, expected a whole number from 1 on."
            )
        self.config = config or RunConfig()
        self.max_workers = max_workers

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        """Run the batches until all have results or the deadline passes."""
        raise NotImplementedError

    def open(self) -> None:
        """Keep, until ``close()``, what the next execution can use; copies of it share that."""

    def close(self) -> None:
        """Let go of what was kept."""

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of probes that still hang: the process should end without them."""
        return ()
