"""A wire of another deployment to the events of a target: its promise is kept here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone

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
from django_probe.releases import wrong_release
from django_probe.results import ErrorDetail, Outcome, Probe, Summary
from django_probe.run_config import RunConfig
from django_probe.targets.foreign import Foreign, moment, number
from django_probe.targets.untold import not_run, untold
from django_probe.wire import decode

__all__ = ["Hearing"]

MOST_PLANNED = 100_000
"""Results that a remote may announce: each of them gets one, come what may."""
MOST_TOLD = 1000
"""Targets of its own, and failures of fixtures and targets, that it may tell."""


class Hearing:
    """Take the lines of one wire, in order, and yield what they are in this run.

    ``RunStarted`` comes first, and in the end there is one result for each
    probe that was announced: those that were not told are ``not_run``.

    Args:
        config: how this run judges.
        alias: the target's.
        place: where it was asked, for a person; "" is nothing to tell.
    """

    def __init__(self, config: RunConfig, alias: str, place: str = "") -> None:
        self.began = False
        """Whether ``RunStarted`` has come."""
        self.whole = False
        """Whether the wire has come to its end."""
        self._config = config
        self._alias = alias
        self._place = place
        self._foreign = Foreign(config, alias)
        self._planned = 0
        """Results that are announced by now."""
        self._is_planned = False
        """Whether all are announced: targets of the remote's own may not have said yet."""
        self._targets: tuple[str, ...] = ()
        self._open: dict[int, Probe] = {}
        self._told: set[int] = set()
        self._faults = 0
        self._failures: list[ErrorDetail] = []
        self._is_red = False

    @property
    def has_targets(self) -> bool:
        """Return whether the remote has several targets of its own."""
        return bool(self._targets[1:])

    def hear(self, data: bytes) -> Iterator[Event]:
        """Yield the events of a line.

        Raises:
            WireError: it is none of the wire, or breaks its promise.
        """
        line = data.decode("utf-8", "replace")
        yield from self.take(decode(line), line)

    def take(self, event: Event, line: str) -> Iterator[Event]:
        """Yield the events of one that is told, in this line.

        Raises:
            WireError: it breaks the promise of its wire.
        """
        self._foreign.look_at(line)
        if isinstance(event, RunStarted):
            yield from self._begin(event)
        elif not self.began:
            raise WireError("Its wire does not begin with 'run_started'.")
        elif isinstance(event, ProbeFinished):
            yield from self._finish(event)
        elif isinstance(event, ProbeStarted):
            yield from self._start(event)
        elif isinstance(event, RunFinished):
            yield from self.end(event.summary)
        elif isinstance(event, TargetStarted):
            self._announce(None if self._is_planned else event.planned)
        else:
            yield from self._fault(event)

    def fail(self, kind: str, why: str) -> Iterator[Event]:
        """Yield that the target has failed, and what that leaves without a result.

        Args:
            kind: a name for it, as of an exception.
        """
        if not self.began:
            yield from self.nothing(self._planned or None)
        error = ErrorDetail(exception_class_path=kind, message=self._foreign.message(why))
        self._failures.append(error)
        yield from self._failed()
        yield from self._rest(f"not told: {error.message}")

    def nothing(self, planned: int | None = 0) -> Iterator[Event]:
        """Yield that nothing was asked, or could be."""
        self.began = True
        yield self._started(datetime.now(timezone.utc), planned=planned)

    def stop(self, why: str) -> Iterator[Event]:
        """Yield what has no result yet as not run: this run wants no more of it."""
        self.whole = True
        yield from self._rest(why)

    def _failed(self) -> Iterator[Event]:
        """Yield the failures of the target as one: its own targets may have failed, too."""
        if self._failures:
            told = "; ".join(error.message for error in self._failures)
            error = replace(self._failures[-1], message=self._foreign.message(told))
            yield TargetFailed(target=self._alias, error=error)

    def _begin(self, event: RunStarted) -> Iterator[Event]:
        if self.began:
            raise WireError("Its wire begins twice.")
        self._announce(event.planned)
        self._is_planned = event.planned is not None
        started = self._started(
            moment(event.started_at),
            planned=self._planned if self._is_planned else None,
            labels=tuple(map(self._foreign.name, event.labels)),
            release=self._foreign.name(event.release),
            instance=self._instance(event.instance),
        )
        self._targets = tuple(map(self._foreign.name, event.targets[: MOST_TOLD + 1]))
        if len(self._targets) > MOST_TOLD:
            raise WireError(f"It has more than {MOST_TOLD} targets.")
        self.began = True
        yield started
        wrong = wrong_release(self._config, self._alias, started.release)
        if wrong is not None:
            self.whole = True
            yield wrong
            yield from self._rest(wrong.error.message)

    def _announce(self, planned: object) -> None:
        total = self._planned + (0 if planned is None else int(number(planned)))
        if total > MOST_PLANNED:
            raise WireError(f"It announces {total} results, expected {MOST_PLANNED} at most.")
        self._planned = total

    def _started(self, at: datetime, **told: object) -> RunStarted:
        run = RunStarted(run_id=self._config.run_id, started_at=at, targets=(self._alias,))
        return replace(run, **told)  # type: ignore[arg-type]

    def _instance(self, told: str) -> str:
        """Return where the probes run: what the remote says, and the address that was asked."""
        own = self._foreign.name(told)
        if not self._place:
            return own
        return f"{own} ({self._place})" if own else self._place

    def _start(self, event: ProbeStarted) -> Iterator[ProbeStarted]:
        probe = self._placed(self._foreign.probe(event.probe), event.target)
        if probe.index in self._open or probe.index in self._told:
            return
        self._refuse_more(len(self._told) + len(self._open))
        self._open[probe.index] = probe
        yield ProbeStarted(probe=probe, target=self._alias, at=moment(event.at))

    def _finish(self, event: ProbeFinished) -> Iterator[Event]:
        result = self._foreign.result(event.result)
        probe = self._placed(result.probe, event.result.target)
        if probe.index in self._told:
            raise WireError(f"It tells two results for one probe, {probe.id!r}.")
        begun = self._open.pop(probe.index, None)
        self._refuse_more(len(self._told) + len(self._open))
        self._told.add(probe.index)
        self._is_red = self._is_red or result.blocking
        if not begun and result.outcome is not Outcome.NOT_RUN:
            yield ProbeStarted(probe=probe, target=self._alias, at=result.started_at)
        yield ProbeFinished(result=replace(result, probe=probe))

    def _refuse_more(self, known: int) -> None:
        if known >= (self._planned if self._is_planned else MOST_PLANNED):
            raise WireError(f"It announces {self._planned} results, and tells more.")

    def _placed(self, probe: Probe, target: str) -> Probe:
        """Return a probe as it is told from others here: a remote may have targets of its own."""
        if not self.has_targets:
            return probe
        target = self._foreign.name(target)
        if target not in self._targets:
            raise WireError(f"It tells of a target that it did not announce, {target!r}.")
        place = self._targets.index(target)
        return replace(
            probe,
            id=f"{target}.{probe.id}",
            label=f"{probe.label} [{target}]",
            index=probe.index * len(self._targets) + place,
        )

    def end(self, summary: Summary | None = None) -> Iterator[Event]:
        """Yield what the end of the wire comes to; its own verdict may contradict what it told."""
        self.whole = True
        missing = self._planned - len(self._told)
        if missing > 0:
            why = f"it told {missing} results fewer than it had announced"
            yield from self.fail("MissingResults", why)
        elif summary and summary.counts.ran and not (summary.ok or self._is_red or self._failures):
            why = "its own verdict is that something is not ok, and nothing that it told is"
            yield from self.fail("NotOk", why)
        else:
            yield from self._failed()

    def _fault(self, event: Event) -> Iterator[Event]:
        self._faults += 1
        if self._faults > MOST_TOLD:
            raise WireError(f"It tells more than {MOST_TOLD} failed fixtures and targets.")
        if isinstance(event, FixtureFailed):
            self._is_red = True
            yield replace(
                event,
                fixture=self._foreign.name(event.fixture),
                error=self._foreign.error(event.error),
                target=self._alias,
                source=self._foreign.name(event.source),
            )
        elif isinstance(event, TargetFailed):
            where = f"{event.target}: " if self.has_targets else ""
            message = self._foreign.message(f"{where}{event.error.message}")
            kind = self._foreign.name(event.error.exception_class_path)
            self._failures.append(ErrorDetail(exception_class_path=kind, message=message))

    def _rest(self, reason: str) -> Iterator[Event]:
        """Yield a result for each probe that was announced and has none."""
        left = max(0, self._planned - len(self._told))
        for probe in untold(list(self._open.values()), self._told, left):
            yield ProbeFinished(result=not_run(self._config, probe, self._alias, reason))
