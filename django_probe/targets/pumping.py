"""Pumps: what many targets tell at once, into one queue, out of it by one consumer.

Each target is asked in a thread of its own, its pump. Who iterates takes out of
the queue what they tell, keeps the promises of a target for those that do not,
and decides which pump is started next. A pump that gets ahead of the consumer
waits, so that memory does not grow with results.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from django_probe.deadline import Deadline
from django_probe.details import class_path, text_of
from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.exceptions import TargetLoop
from django_probe.results import ErrorDetail, Outcome, Probe
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.targets.base import Lane, Target
from django_probe.targets.untold import not_run

__all__ = ["Merge", "Pump"]

TICK = 0.05
"""Seconds between two looks at the queue; events cross in bunches."""
BACKLOG = 1000
"""Events in the queue that make pumps wait."""
PATIENCE = 5.0
"""Seconds after the end of the run in which a target has to end."""


class Pump:
    """What one target tells, on its way into the queue."""

    def __init__(self, target: Target, merge: Merge) -> None:
        self.target = target
        self.alias = target.alias
        self.error: BaseException | None = None
        """What it raised."""
        self.done = False
        self.closed = False
        """Whether nobody takes any more what it tells."""
        self.open: dict[int, Probe] = {}
        """By index: the probes that have started and have no result yet."""
        self.planned: int | None = None
        self.finished = 0
        self.failed = False
        self.ended_at: float | None = None
        """When the run ended under it."""
        self._merge = merge
        name = f"probe-target-{target.alias}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        merge = self._merge
        queue = merge.queue
        try:
            for event in self.target.run(merge.selection, merge.deadline):
                queue.append((self, event))
                if len(queue) > BACKLOG:
                    merge.make_room(self)
                if self.closed:
                    break
        except BaseException as exc:
            self.error = exc
        finally:
            self.done = True
            merge.wake.set()


class Merge:
    """One asking of many targets; all but the pumps runs in the thread that iterates."""

    def __init__(
        self, config: RunConfig, targets: Sequence[Target], selection: Selection, deadline: Deadline
    ) -> None:
        self.queue: deque[tuple[Pump, Event]] = deque()
        self.selection = selection
        self.deadline = deadline
        self.wake = threading.Event()
        self._room = threading.Event()
        self._config = config
        self._waiting = list(targets)
        self._pumps: list[Pump] = []
        self._abandoned: list[Pump] = []

    def events(self, at_once: int) -> Iterator[Event]:
        """Yield what all targets tell, until the last one has ended."""
        self._start(at_once)
        while self._pumps:
            self.wake.wait(TICK)
            self.wake.clear()
            ended = [pump for pump in self._pumps if pump.done]  # All they told is in the queue.
            yield from self._drain()
            for pump in (*ended, *self._overdue()):
                yield from self._end(pump)
            if ended:
                self._start(at_once)

    def make_room(self, pump: Pump) -> None:
        """Let a pump wait until the queue is short again."""
        while len(self.queue) > BACKLOG and not pump.closed:
            self._room.clear()
            self.wake.set()
            self._room.wait(TICK)

    def close(self) -> list[Pump]:
        """Let go of all pumps; return those that may hang."""
        for pump in self._pumps:
            pump.closed = True
        self.deadline.expire("nobody waits for the answer any more")
        self._room.set()
        return [*self._abandoned, *self._pumps]

    def _start(self, at_once: int) -> None:
        """Start as many pumps as may run at once, in the order of the targets."""
        busy = Counter(pump.target.lane for pump in self._pumps)
        for target in tuple(self._waiting):
            if len(self._pumps) >= at_once:
                return
            if _is_free(target.lane, busy):
                busy[target.lane] += 1
                self._waiting.remove(target)
                pump = Pump(target, self)
                self._pumps.append(pump)
                pump.thread.start()

    def _drain(self) -> Iterator[Event]:
        queue, failfast = self.queue, self._config.failfast
        for _ in range(len(queue)):
            pump, event = queue.popleft()
            if pump.closed:
                continue
            kind = type(event)
            if kind is ProbeStarted:
                pump.open[event.probe.index] = event.probe  # type: ignore[union-attr]
            elif kind is ProbeFinished:
                pump.finished += 1
                pump.open.pop(event.result.probe.index, None)  # type: ignore[union-attr]
            elif isinstance(event, RunStarted):
                pump.planned = event.planned
                event = TargetStarted.of(pump.alias, event)
            elif isinstance(event, TargetFailed):
                pump.failed = True
            if failfast and _stops(event):
                self.deadline.halt("--failfast: a probe before it failed")
            yield event
        self._room.set()

    def _overdue(self) -> list[Pump]:
        """Return the pumps that go on though the run has ended long ago."""
        if not self.deadline.passed:
            return []
        now = time.monotonic()
        for pump in self._pumps:
            pump.ended_at = now if pump.ended_at is None else pump.ended_at
        return [
            pump
            for pump in self._pumps
            if not pump.done and pump.ended_at is not None and now - pump.ended_at > PATIENCE
        ]

    def _end(self, pump: Pump) -> Iterator[Event]:
        """Take leave of a target; say what it owes."""
        self._pumps.remove(pump)
        if isinstance(pump.error, TargetLoop):
            raise pump.error
        if not pump.done:
            pump.closed = True
            self._abandoned.append(pump)
        for probe in pump.open.values():
            pump.finished += 1
            reason = "its target told no result"
            yield ProbeFinished(result=not_run(self._config, probe, pump.alias, reason))
        error = self._owed(pump)
        if error is not None and not pump.failed:
            yield TargetFailed(target=pump.alias, error=error)

    def _owed(self, pump: Pump) -> ErrorDetail | None:
        """Return why a target has not answered in full, None where it has."""
        exc = pump.error
        if exc is not None:
            message = self._config.redactor.scrub(text_of(exc))
            return ErrorDetail(exception_class_path=class_path(type(exc)), message=message)
        if not pump.done:
            message = f"it did not end within {PATIENCE:g} s of the end of the run"
            return ErrorDetail(exception_class_path="Abandoned", message=message)
        if pump.planned is not None and pump.finished < pump.planned:
            message = f"it told {pump.finished} results for {pump.planned} probes"
            return ErrorDetail(exception_class_path="MissingResults", message=message)
        return None


def _is_free(lane: Lane | None, busy: Counter[Lane | None]) -> bool:
    return lane is None or busy[lane] < lane.limit


def _stops(event: Event) -> bool:
    """Return whether an event is what ``--failfast`` waits for."""
    if isinstance(event, ProbeFinished):
        return event.result.blocking and event.result.outcome is not Outcome.NOT_RUN
    return isinstance(event, FixtureFailed)
