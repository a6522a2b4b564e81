"""The target here: discovery and an executor in this deployment."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from django_probe.conf import settings
from django_probe.deadline import Deadline
from django_probe.discovery import discover
from django_probe.events import Event, ProbeFinished, RunStarted, TargetFailed
from django_probe.executors.base import Executor
from django_probe.plan import Plan, Selection
from django_probe.results import DEFAULT_TARGET, ErrorDetail
from django_probe.targets.base import Target

__all__ = ["LocalTarget"]


class LocalTarget(Target):
    """Run probes in this deployment.

    Args:
        executor: how they run.
        alias: the name in reports.
        build: makes the plan of a selection.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        alias: str = DEFAULT_TARGET,
        build: Callable[[Selection], Plan] = discover,
    ) -> None:
        self.alias = alias
        self._executor = executor
        self._build = build

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield ``RunStarted`` with the number of probes, then what the executor tells."""
        plan = self._build(selection)
        yield RunStarted(
            run_id=uuid.uuid4().hex,
            started_at=datetime.now(timezone.utc),
            targets=(self.alias,),
            planned=plan.total,
            labels=selection.labels,
            release=settings.release,
            instance=socket.gethostname(),
            seed=selection.seed,
        )
        finished = 0
        for event in self._executor.execute(plan.batches, self.alias, deadline):
            finished += type(event) is ProbeFinished
            yield event
        if finished != plan.total:
            message = f"its executor told {finished} results for {plan.total} probes"
            error = ErrorDetail(exception_class_path="MissingResults", message=message)
            yield TargetFailed(target=self.alias, error=error)
