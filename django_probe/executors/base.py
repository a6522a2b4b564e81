"""The seam: an executor runs the batches of a plan and tells what happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from django_probe.deadline import Deadline
from django_probe.events import Event
from django_probe.exceptions import ConfigurationError
from django_probe.plan import Batch
from django_probe.redaction import Redactor

__all__ = ["Executor"]


class Executor:
    """Run batches; yield ``ProbeStarted``, ``ProbeFinished`` and ``FixtureFailed``.

    Whatever happens there is one ``ProbeFinished`` for each planned probe, and
    a ``ProbeStarted`` before it, unless the probe never got its turn
    (``not_run``). ``django_probe.testing.ExecutorContract`` holds an executor to this.

    Args:
        max_workers: how many probes may run at once, 1 or more.
        timeout: seconds for a probe that says nothing else, and for each class
            or module fixture; None is no limit.
        failfast: start no probe after one that blocks.
        redactor: makes what is recorded fit to be shown.
    """

    can_stop: ClassVar[bool] = False
    """Whether it can end a probe that hangs."""
    isolates: ClassVar[bool] = False
    """Whether a probe that crashes takes nothing else with it."""

    def __init__(
        self,
        *,
        max_workers: int = 1,
        timeout: float | None = None,
        failfast: bool = False,
        redactor: Redactor | None = None,
    ) -> None:
        if isinstance(max_workers, bool) or not isinstance(max_workers, int) or max_workers < 1:
            raise ConfigurationError(
                f"max_workers is {max_workers!r}, expected a whole number from 1 on."
            )
        self.max_workers = max_workers
        self.timeout = timeout
        self.failfast = failfast
        self.redactor = redactor or Redactor()

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        """Run the batches until all have results or the deadline passes."""
        raise NotImplementedError

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of probes that still hang: the process should end without them."""
        return ()
