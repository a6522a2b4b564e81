"""The target here: discovery and an executor in this deployment."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import cast

from django_probe.batching import narrowed, reduced
from django_probe.conf import settings
from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.discovery import discover
from django_probe.events import Event, ProbeFinished, ProbeStarted, RunStarted, TargetFailed
from django_probe.executors.base import Executor
from django_probe.plan import Batch, Plan, Planned
from django_probe.recording import Recorder
from django_probe.releases import wrong_release
from django_probe.results import DEFAULT_TARGET, ErrorDetail, Outcome
from django_probe.retrying import execute
from django_probe.scrubbing import Scrubber
from django_probe.selection import Selection
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
        self._recorder = Recorder(executor.config, alias)

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield ``RunStarted`` with the number of probes, then one result for each of them."""
        plan = narrowed(self._build(selection), self.alias, selection.again)
        started = self._started(plan, selection)
        yield started
        if wrong := wrong_release(self._executor.config, self.alias, started.release):
            yield wrong
            yield from self._give_up(plan.batches, wrong.error.message)
            return
        told: Counter[int] = Counter()
        try:
            for event in self._ask(plan, deadline):
                if type(event) is ProbeFinished:
                    told[event.result.probe.index] += 1
                yield event
        except Exception as exc:
            yield from self._mend(plan, told, Problem.raised(exc))
            return
        if told.total() != plan.total:
            message = f"its executor told {told.total()} results for {plan.total} probes"
            yield from self._mend(plan, told, Problem.errored("MissingResults", message))

    def _ask(self, plan: Plan, deadline: Deadline) -> Iterator[Event]:
        """Tell the results that are known already, then what the executor tells."""
        settled = [entry for entry in plan.entries if entry.problem is not None]
        blocked = False
        for entry in settled:
            for event in self._settle(entry):
                blocked = blocked or _stops(event)
                yield event
        if self._executor.config.failfast and blocked:
            left = reduced(plan.batches, lambda entry: entry.problem is None)
            yield from self._give_up(left, "--failfast: a probe before it failed")
            return
        batches = plan.batches
        if settled:
            batches = reduced(batches, lambda entry: entry.problem is None)
        yield from execute(self._executor, batches, self.alias, deadline)

    def _give_up(self, batches: Iterable[Batch], reason: str) -> Iterator[Event]:
        problem = Problem(outcome=Outcome.NOT_RUN, reason=reason)
        for batch in batches:
            for entry in batch.entries:
                yield self._finished(entry, problem)

    def _started(self, plan: Plan, selection: Selection) -> RunStarted:
        scrubber = Scrubber(self._executor.config.redactor)
        return RunStarted(
            run_id=self._executor.config.run_id,
            started_at=datetime.now(timezone.utc),
            targets=(self.alias,),
            planned=plan.total,
            labels=tuple(map(scrubber.name, selection.labels)),
            release=scrubber.name(settings.release),
            instance=scrubber.name(socket.gethostname()),
            seed=selection.seed,
        )

    def _settle(self, entry: Planned) -> Iterator[Event]:
        """Tell a result that is known before the probe runs: it could not be loaded, say."""
        problem = cast("Problem", entry.problem)
        event = self._finished(entry, problem)
        if problem.outcome is not Outcome.NOT_RUN:
            result = event.result
            yield ProbeStarted(probe=result.probe, target=self.alias, at=result.started_at)
        yield event

    def _mend(self, plan: Plan, told: Mapping[int, int], problem: Problem) -> Iterator[Event]:
        """Keep the promise of one result for each probe where the executor did not."""
        error = cast("ErrorDetail", self._recorder.scrubbed(problem).error)
        yield TargetFailed(target=self.alias, error=error)
        missing = Problem(outcome=Outcome.NOT_RUN, reason="its executor told no result")
        for entry in plan.entries:
            if not told[entry.index]:
                yield self._finished(entry, missing)

    def _finished(self, entry: Planned, problem: Problem) -> ProbeFinished:
        probe = entry.describe(self._executor.config.timeout)
        now = datetime.now(timezone.utc)
        return ProbeFinished(result=self._recorder.of_problem(probe, problem, now))


def _stops(event: Event) -> bool:
    """Return whether a result is what ``--failfast`` waits for."""
    if not isinstance(event, ProbeFinished):
        return False
    return event.result.blocking and event.result.outcome is not Outcome.NOT_RUN
