"""Saved wires, told again as one run: what several jobs of a pipeline have written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from django_probe.deadline import Deadline
from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.exceptions import WireError
from django_probe.results import Summary
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.targets.base import Target
from django_probe.targets.foreign import moment, number
from django_probe.targets.hearing import Hearing
from django_probe.targets.merging import common
from django_probe.targets.wires import Wire
from django_probe.wire import decode

__all__ = ["Replay"]


class Replay(Target):
    """Tell saved wires, one after the other.

    Args:
        wires: no two of them have a target of one alias.
        config: how this run judges.
    """

    def __init__(self, wires: Sequence[Wire], config: RunConfig) -> None:
        self._wires = wires
        self._config = config
        self._aliases = tuple(alias for wire in wires for alias in wire.aliases.values())
        self._began = [wire.began for wire in wires if wire.began is not None]
        self._ended: list[datetime] = []
        self.alias = self._aliases[0]

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield what the wires tell; one that is broken or cut is a target that has failed."""
        is_one = len(self._aliases) == 1
        if not is_one:
            yield self._started()
        for wire in self._wires:
            player = _Player(wire, self._config)
            for event in player.events():
                if isinstance(event, RunStarted) and not is_one:
                    event = TargetStarted.of(event.targets[0], event)
                yield event
            self._ended += player.ended_at

    def took(self, seconds: float) -> float:
        """Return how long the runs took that the wires tell of, from the first to the last."""
        if not self._ended or not self._began:
            return seconds
        began = min(run.started_at for run in self._began)
        return max((max(self._ended) - began).total_seconds(), 0.0)

    def _started(self) -> RunStarted:
        runs = self._began
        planned = [run.planned for run in runs]
        is_known = None not in planned and len(runs) == len(self._wires)
        return RunStarted(
            run_id=self._config.run_id,
            started_at=min((r.started_at for r in runs), default=datetime.now(timezone.utc)),
            targets=self._aliases,
            planned=sum(filter(None, planned)) if is_known else None,
            labels=runs[0].labels if runs and len({run.labels for run in runs}) == 1 else (),
            release=common([run.release for run in runs]),
            instance=common([run.instance for run in runs]),
        )


_OfTarget = TargetStarted | ProbeStarted | ProbeFinished | FixtureFailed | TargetFailed


class _Player:
    """Play one wire; each of its targets is heard by itself."""

    def __init__(self, wire: Wire, config: RunConfig) -> None:
        self._wire = wire
        self._heard = {name: Hearing(config, alias) for name, alias in wire.aliases.items()}
        self.ended_at: list[datetime] = []
        """When its run ended, if it says so."""

    def events(self) -> Iterator[Event]:
        """Yield the events; how it counted and judged does not matter."""
        try:
            for data in self._wire.lines():
                line = data.decode("utf-8", "replace")
                yield from self._take(decode(line), line)
                if self.ended_at:
                    return
            yield from self._fail("BrokenOff", "ends before 'run_finished'")
        except WireError as exc:
            yield from self._fail("WireError", f"is broken: {exc}")
        except OSError as exc:
            yield from self._fail("Unreadable", f"cannot be read: {exc.strerror or exc}")

    def _fail(self, kind: str, why: str) -> Iterator[Event]:
        for hearing in self._heard.values():
            if not hearing.whole:
                yield from hearing.fail(kind, f"the wire {self._wire.name} {why}")

    def _take(self, event: Event, line: str) -> Iterator[Event]:
        if isinstance(event, RunFinished):
            self.ended_at = [_end_of(event.summary)]
            for hearing in self._heard.values():
                if not hearing.whole and hearing.began:
                    yield from hearing.end()
            return
        if isinstance(event, RunStarted):
            if len(self._heard) > 1:  # Each of them says so itself.
                return
            event = TargetStarted.of(next(iter(self._heard)), event)
        hearing = self._hearing(event)
        if hearing.whole:
            return
        if isinstance(event, TargetStarted):
            yield from hearing.take(_begun(event), line)
        elif isinstance(event, TargetFailed) and not hearing.began:
            yield from hearing.fail(event.error.exception_class_path, event.error.message)
            hearing.whole = True
        else:
            yield from hearing.take(event, line)

    def _hearing(self, event: _OfTarget) -> Hearing:
        """Return what hears the target of an event.

        Raises:
            WireError: the wire has not named it at its beginning.
        """
        target = event.result.target if isinstance(event, ProbeFinished) else event.target
        if target not in self._heard:
            raise WireError(f"It tells of a target that it did not announce, {target!r}.")
        return self._heard[target]


def _end_of(summary: Summary) -> datetime:
    """Return when a run ended.

    Raises:
        WireError: it says so in no way that can be.
    """
    try:
        return moment(summary.started_at) + timedelta(seconds=number(summary.duration))
    except OverflowError as exc:
        raise WireError("Its run ended at no time that can be.") from exc


def _begun(event: TargetStarted) -> RunStarted:
    return RunStarted(
        run_id="",
        started_at=event.at,
        targets=(event.target,),
        planned=event.planned,
        release=event.release,
        instance=event.instance,
    )
