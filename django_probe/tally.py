"""The counts of a run: made once, as the events come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunStarted,
    TargetFailed,
)
from django_probe.results import Counts, Outcome, ProbeResult, Summary

__all__ = ["Tally"]


class Tally:
    """Count what happens; computed once, for every reporter."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Counter[Outcome]] = {}
        self._subtests: dict[str, Counter[Outcome]] = {}
        self._blocking: Counter[str] = Counter()
        self._flaky: Counter[str] = Counter()
        self.fixture_errors = 0
        self.failed_targets: list[str] = []

    def add(self, event: Event) -> None:
        """Take an event into the count."""
        if type(event) is ProbeFinished:
            self._add_result(event.result)
        elif type(event) is ProbeStarted:
            return
        elif isinstance(event, FixtureFailed):
            self.fixture_errors += 1
        elif isinstance(event, TargetFailed):
            self.failed_targets.append(event.target)

    def summary(self, run: RunStarted, duration: float, **more: Any) -> Summary:
        """Return what all of it comes to.

        Args:
            duration: seconds that the run took.
            more: what is known beside the events, by the fields of the summary.
        """
        return Summary(
            run_id=run.run_id,
            started_at=run.started_at,
            duration=duration,
            counts=self.total(),
            by_target=self.by_target(run.targets),
            fixture_errors=self.fixture_errors,
            failed_targets=tuple(_in_order(self.failed_targets, run.targets)),
            **more,
        )

    def by_target(self, targets: Sequence[str] = ()) -> dict[str, Counts]:
        """Return the counts of each target that gave a result, and of all where there are several.

        Args:
            targets: those of the run, in order.
        """
        named = targets if len(targets) > 1 else ()
        return {
            target: Counts(
                outcomes=dict(self._outcomes.get(target, {})),
                subtests=dict(self._subtests.get(target, {})),
                blocking=self._blocking[target],
                flaky=self._flaky[target],
            )
            for target in dict.fromkeys([*named, *self._outcomes])
        }

    def total(self) -> Counts:
        """Return the counts of all targets together."""
        outcomes: Counter[Outcome] = sum(self._outcomes.values(), Counter())
        subtests: Counter[Outcome] = sum(self._subtests.values(), Counter())
        return Counts(
            outcomes=dict(outcomes),
            subtests=dict(subtests),
            blocking=sum(self._blocking.values()),
            flaky=sum(self._flaky.values()),
        )

    def _add_result(self, result: ProbeResult) -> None:
        target = result.target
        outcomes = self._outcomes.get(target)
        if outcomes is None:
            outcomes = self._outcomes[target] = Counter()
        outcomes[result.outcome] += 1
        if result.blocking:
            self._blocking[target] += 1
        if result.flaky:
            self._flaky[target] += 1
        if result.subtests:
            subtests = self._subtests.setdefault(target, Counter())
            for subtest in result.subtests:
                subtests[subtest.outcome] += subtest.count


def _in_order(names: Sequence[str], targets: Sequence[str]) -> list[str]:
    """Return names in the order of the targets, those of no target at the end."""
    places = {target: place for place, target in enumerate(targets)}
    return sorted(names, key=lambda name: places.get(name, len(places)))
