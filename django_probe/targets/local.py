"""The target here: discovery and an executor in this deployment."""

from __future__ import annotations

import contextlib
import copy
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, ClassVar, cast

from django_probe.batching import for_target, narrowed, reduced
from django_probe.conf import settings
from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.discovery import discover
from django_probe.events import Event, ProbeFinished, ProbeStarted, RunStarted, TargetFailed
from django_probe.executors.base import Executor
from django_probe.executors.connections import close_own
from django_probe.here import CurrentTarget, Parameters, standing_at
from django_probe.plan import Batch, Plan, Planned
from django_probe.recording import Recorder
from django_probe.releases import wrong_release
from django_probe.results import DEFAULT_TARGET, ErrorDetail, Outcome
from django_probe.retrying import execute
from django_probe.scrubbing import Scrubber
from django_probe.selection import Selection
from django_probe.targets.base import Check, Lane, Setup, Target
from django_probe.targets.local_options import (
    check_executor,
    check_parameters,
    make_own,
    used_parameters,
)
from django_probe.targets.options import COMMON

__all__ = ["LocalTarget"]

HERE = Lane("this process", 1)
"""Class fixtures and whatever is process-wide exist once: one target at a time may use them."""


class LocalTarget(Target):
    """Run probes in this deployment.

    Args:
        executor: how they run.
        alias: the name in reports.
        build: makes the plan of a selection.
        tags: it has only probes with one of these; none means all.
        seconds: that the target may take, of those of the run.
    """

    options: ClassVar[Mapping[str, Check]] = {
        **COMMON,
        "parameters": check_parameters,
        "executor": check_executor,
    }

    def __init__(
        self,
        executor: Executor,
        *,
        alias: str = DEFAULT_TARGET,
        build: Callable[[Selection], Plan] = discover,
        tags: Iterable[str] = (),
        seconds: float | None = None,
        lane: Lane | None = HERE,
    ) -> None:
        self.alias = alias
        self.lane = lane
        self._executor = executor
        self._build = build
        self._tags = frozenset(tags)
        self._seconds = seconds
        self._recorder = Recorder(executor.config, alias)

    @classmethod
    def used(cls, where: str, alias: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return OPTIONS with the parameters of this run: a function for them has been called."""
        return used_parameters(where, alias, options)

    @classmethod
    def make(cls, alias: str, options: Mapping[str, Any], setup: Setup) -> Sequence[Target]:
        """Return the target of an entry, with an executor of its own, or a share of the run's."""
        assert setup.executor is not None
        assert setup.build is not None
        own = options.get("executor")
        executor = make_own(own, setup.config) if own else copy.copy(setup.executor)
        if not own:
            executor.max_workers = setup.workers
        executor.config = replace(
            executor.config,
            target=CurrentTarget(alias=alias, parameters=Parameters(options.get("parameters"))),
            timeout=options.get("timeout", executor.config.timeout),
        )
        shared = None if own else Lane("the run's workers", setup.at_once)
        target = cls(
            executor,
            alias=alias,
            build=setup.build,
            tags=options.get("tags", ()),
            seconds=options.get("deadline"),
            lane=shared if executor.isolates else HERE,
        )
        return [target]

    def plan(self, selection: Selection) -> Plan:
        """Return what of a selection is asked here."""
        plan = for_target(self._build(selection), self.alias, self._tags)
        return narrowed(plan, self.alias, selection.again)

    def prepare(self, selection: Selection) -> RunStarted:
        """Discover, in the main thread, where an import can be interrupted."""
        self._executor.open()
        plan = self.plan(selection)
        close_own()  # Of this thread: no probe runs in it.
        return self._started(plan, selection)

    def finish(self) -> None:
        """Let go of what the executors of all local targets have in common."""
        self._executor.close()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of probes that still hang."""
        return self._executor.left_behind

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield ``RunStarted`` with the number of probes, then one result for each of them."""
        if self._seconds is not None:
            deadline = Deadline(self._seconds, within=deadline, of="the target")
        plan = self.plan(selection)
        started = self._started(plan, selection)
        yield started
        if wrong := wrong_release(self._executor.config, self.alias, started.release):
            yield wrong
            yield from self._give_up(plan.batches, wrong.error.message)
            return
        told = bytearray(1 + max((entry.index for entry in plan.entries), default=0))
        results = 0
        try:
            for event in self._ask(plan, deadline):
                if type(event) is ProbeFinished:
                    told[event.result.probe.index] = True
                    results += 1
                yield event
        except Exception as exc:
            yield from self._mend(plan, told, Problem.raised(exc))
            return
        if results != plan.total:
            message = f"its executor told {results} results for {plan.total} probes"
            yield from self._mend(plan, told, Problem.errored("MissingResults", message))

    def _ask(self, plan: Plan, deadline: Deadline) -> Iterator[Event]:
        """Tell the results that are known already, then what the executor tells."""
        settled = [entry for entry in plan.entries if entry.problem is not None]
        blocked = False
        for entry in settled:
            for event in self._settle(entry):
                blocked = blocked or _stops(event)
                yield event
        batches = plan.batches
        if settled:
            batches = reduced(batches, lambda entry: entry.problem is None)
        if self._executor.config.failfast and blocked:
            yield from self._give_up(batches, "--failfast: a probe before it failed")
            return
        here: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if not self._executor.isolates:
            here = standing_at(self._executor.config.target)
        with here:
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

    def _mend(self, plan: Plan, told: Sequence[int], problem: Problem) -> Iterator[Event]:
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
