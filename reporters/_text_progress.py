"""How far a run is: what runs now, and which classes are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import heappush, heapreplace
from time import monotonic

from django_probe.events import ProbeStarted, RunStarted, TargetStarted
from django_probe.results import Outcome, Probe, ProbeResult

__all__ = ["Group", "Progress", "Slowest"]


class Group:
    """The probes of one class on one target."""

    __slots__ = ("bad", "name", "others", "passed", "seconds", "target")

    def __init__(self, target: str, name: str) -> None:
        self.target = target
        self.name = name
        self.passed = 0
        self.others: Counter[Outcome] = Counter()
        self.seconds = 0.0
        self.bad = 0

    @property
    def total(self) -> int:
        """Return the number of results."""
        return self.passed + self.others.total()

    @property
    def ran(self) -> bool:
        """Return whether any of its probes got its turn."""
        return self.total > self.others[Outcome.NOT_RUN]


class Progress:
    """Follow a run; written by one thread, read by the one that shows it.

    A class is done when none of its probes runs and one of another class has
    started on its target, or all of the target is done: they come class by class,
    though several may run at once.
    """

    def __init__(self) -> None:
        self.began = monotonic()
        self.planned: int | None = None
        self.done = 0
        self.bad = 0
        self.ended: list[Group] = []
        """Classes that are done and not told yet: whoever tells them empties this."""
        self._running: dict[tuple[str, str], tuple[Probe, Group, float]] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._last: dict[str, Group] = {}
        self._owed: dict[str, int] = {}
        """By target, of several: results that are still to come."""

    @property
    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return monotonic() - self.began

    def plan(self, run: RunStarted, begun: Mapping[str, TargetStarted], target: str) -> None:
        """Take what is planned on a target, and in all, once the last one has said its part."""
        self._owed[target] = begun[target].planned or 0
        planned = [event.planned for event in begun.values() if event.planned is not None]
        if len(planned) == len(run.targets):
            self.planned = sum(planned)

    def start(self, event: ProbeStarted) -> None:
        """Take that a probe got its turn."""
        # Runs for every probe, as finish() does: a microsecond is all there is for both.
        probe, target = event.probe, event.target
        group = self._last.get(target)
        name = probe.label.rpartition(".")[0]
        if group is None or name != group.name:
            group = self._enter(target, name)
        self._running[target, probe.id] = (probe, group, monotonic())

    def finish(self, result: ProbeResult, plain: bool, bad: bool = False) -> None:
        """Take the result of a probe; one that never started counts for its class too."""
        probe, target = result.probe, result.target
        running = self._running.pop((target, probe.id), None)
        group = running[1] if running else self._group(target, probe.label.rpartition(".")[0])
        self.done += 1
        group.seconds += result.duration
        if plain:
            group.passed += 1
        else:
            group.others[result.outcome] += 1
            group.bad += bad
            self.bad += bad
        done = self._was_last_of(target)
        if done or group is not self._last.get(target):
            self._end_if_idle(group)

    def finish_all(self) -> None:
        """Take that the run is over."""
        self._running.clear()
        for group in tuple(self._groups.values()):
            self._end_if_idle(group)

    def running(self) -> list[tuple[str, str, float]]:
        """Return (label, target, seconds so far) of what runs now, the longest first."""
        now = monotonic()
        entries = self._running.copy().values()
        return [(probe.label, group.target, now - began) for probe, group, began in entries]

    def _enter(self, target: str, name: str) -> Group:
        before = self._last.get(target)
        self._last[target] = group = self._group(target, name)
        if before is not None:
            self._end_if_idle(before)
        return group

    def _group(self, target: str, name: str) -> Group:
        group = self._groups.get((target, name))
        if group is None:
            group = self._groups[target, name] = Group(target, name)
        return group

    def _was_last_of(self, target: str) -> bool:
        """Take one result off what a target owes; return whether it owes no more."""
        owed = self._owed.get(target)
        if owed is None:
            return False
        self._owed[target] = owed - 1
        return owed == 1

    def _end_if_idle(self, group: Group) -> None:
        if any(entry[1] is group for entry in self._running.values()):
            return
        self._groups.pop((group.target, group.name), None)
        if group.total:
            self.ended.append(group)


class Slowest:
    """Keep the N slowest probes, and nothing of the others."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._seen = 0
        self._heap: list[tuple[float, int, str, str]] = []

    def add(self, result: ProbeResult) -> None:
        """Take a result into the choice; of two as slow the earlier one stays."""
        self._seen += 1
        item = (result.duration, -self._seen, result.probe.label, result.target)
        if len(self._heap) < self._number:
            heappush(self._heap, item)
        elif item > self._heap[0]:
            heapreplace(self._heap, item)

    def found(self) -> list[tuple[float, str, str]]:
        """Return (seconds, label, target), the slowest first."""
        return [(item[0], *item[2:]) for item in sorted(self._heap, reverse=True)]
