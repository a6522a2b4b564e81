"""What is known of a run after some rounds: the last word on each probe, fixture and target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.results import (
    DEFAULT_TARGET,
    NON_BLOCKING,
    ErrorDetail,
    Outcome,
    ProbeResult,
)
from django_probe.sanitizing import one_line
from django_probe.selection import Again

__all__ = ["Standing"]

MOST_ATTEMPTS = 20
"""Earlier tries that a result keeps: the first one, and the latest."""
NAMED = 3
"""Probes that a line on a round names."""

_FIXTURE = re.compile(r"\.(?:setUp|tearDown)(?:Class|Module)\b")

Key = tuple[str, str, int]
"""Target, id, and which of those with this id: ids need not be unique."""


class Standing:
    """Merge rounds, one after the other."""

    started: RunStarted

    def __init__(self) -> None:
        self.results: dict[Key, ProbeResult] = {}
        self._fixtures: list[FixtureFailed] = []
        self._failed: dict[str, TargetFailed] = {}
        self._begun: dict[str, TargetStarted] = {}

    def take(self, events: Iterable[Event], again: Again | None = None) -> None:
        """Take the events of a round.

        Args:
            again: what was asked; None or nothing for all.
        """
        told = list(events)
        self._begin(told)
        for target in again or self.started.targets:
            self._failed.pop(target, None)
        self._fixtures = [event for event in self._fixtures if not _was_asked(event, again)]
        for event in told:
            if isinstance(event, FixtureFailed):
                self._fixtures.append(event)
            elif isinstance(event, TargetFailed):
                self._failed[event.target] = event
            elif isinstance(event, TargetStarted):
                self._begun[event.target] = event
        self._merge([event.result for event in told if type(event) is ProbeFinished], again)

    def pending(self) -> dict[str, frozenset[tuple[str, int]] | None]:
        """Return what is not ok, to be asked again; None stands for the whole of a target."""
        found: dict[str, set[tuple[str, int]]] = {}
        for (target, id, number), result in self.results.items():
            if result.blocking or self._had_fixture(target, id):
                found.setdefault(target, set()).add((id, number))
        pending: dict[str, frozenset[tuple[str, int]] | None] = {
            target: frozenset(keys) for target, keys in found.items()
        }
        # Of a fixture nobody has a result of, or of a target that failed, all is asked.
        unknown = {event.target for event in self._fixtures} - set(pending)
        return {**pending, **dict.fromkeys([*self._failed, *unknown])}

    def fail(self, kind: str, message: str) -> None:
        """Let all targets fail."""
        error = ErrorDetail(exception_class_path=kind, message=message)
        for target in self.started.targets:
            self._failed.setdefault(target, TargetFailed(target=target, error=error))

    def told(self) -> str:
        """Return what is not ok, in a few words."""
        failed = [f"{_named('', event.target)}: {_short(event)}" for event in self._failed.values()]
        fixtures = [f"{_named(e.fixture, e.target)} failed" for e in self._fixtures]
        blocking = [result for result in self.results.values() if result.blocking]
        probes = [
            f"{_named(result.probe.label, result.target)} {result.outcome.replace('_', ' ')}"
            for result in blocking
        ]
        names = [*failed, *fixtures, *probes]
        more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
        count = f"{len(blocking)} of {len(self.results)} not ok: " if blocking else "not ok: "
        return f"{count}{'; '.join(names[:NAMED])}{more}"

    def events(self) -> Iterator[Event]:
        """Yield the run as one, in the order of its plan."""
        yield replace(self.started, planned=len(self.results))
        planned = Counter(target for target, _, _ in self.results)
        for begun in self._begun.values():
            yield replace(begun, planned=planned[begun.target])
        for result in sorted(self.results.values(), key=self._place):
            if result.outcome is not Outcome.NOT_RUN:
                at = result.started_at
                yield ProbeStarted(probe=result.probe, target=result.target, at=at)
            yield ProbeFinished(result=result)
        yield from self._fixtures
        yield from self._failed.values()

    def _begin(self, told: Iterable[Event]) -> None:
        """Take what a round says of itself; when the run began, and what was asked, stays."""
        began = next((event for event in told if isinstance(event, RunStarted)), None)
        if began is None:
            return
        first = getattr(self, "started", began)
        self.started = replace(
            first, release=began.release or first.release, instance=began.instance or first.instance
        )

    def _merge(self, found: Sequence[ProbeResult], again: Again | None) -> None:
        told = dict(_keyed(found, again))
        for key in [key for key in self.results if key not in told and self._is_gone(key, again)]:
            del self.results[key]
        for key, result in told.items():
            before = self.results.get(key)
            self.results[key] = result if before is None else _after(before, result)

    def _is_gone(self, key: Key, again: Again | None) -> bool:
        """Return whether a whole target was asked, has answered, and has no such probe any more."""
        was_whole = not again or again.get(key[0], ()) is None
        return was_whole and key[0] not in self._failed

    def _had_fixture(self, target: str, id: str) -> bool:
        return any(e.target == target and id.startswith(_scope(e)) for e in self._fixtures)

    def _place(self, result: ProbeResult) -> tuple[int, int]:
        targets = self.started.targets
        known = result.target in targets
        return targets.index(result.target) if known else len(targets), result.probe.index


def _keyed(found: Sequence[ProbeResult], again: Again | None) -> Iterator[tuple[Key, ProbeResult]]:
    """Yield results by what they are of; in a part of a plan by what was asked."""
    asked: dict[tuple[str, str], list[int]] = {}
    for target, keys in (again or {}).items():
        for id, number in sorted(keys or ()):
            asked.setdefault((target, id), []).append(number)
    seen: Counter[tuple[str, str]] = Counter()
    for result in sorted(found, key=lambda result: result.probe.index):
        same = (result.target, result.probe.id)
        numbers, number = asked.get(same, ()), seen[same]
        seen[same] += 1
        yield (*same, numbers[number] if number < len(numbers) else number), result


def _after(before: ProbeResult, now: ProbeResult) -> ProbeResult:
    """Return the newer result, with what went wrong before; one that did not run says nothing."""
    if now.outcome is Outcome.NOT_RUN and before.blocking and before.outcome is not Outcome.NOT_RUN:
        return before
    earlier = before.attempts
    if before.outcome not in NON_BLOCKING and before.outcome is not Outcome.NOT_RUN:
        earlier = (*earlier, replace(before, attempts=()))
    attempts = (*earlier, *now.attempts)
    if len(attempts) > MOST_ATTEMPTS:
        attempts = (attempts[0], *attempts[1 - MOST_ATTEMPTS :])
    was_flaky = before.flaky and not before.blocking and now.outcome is Outcome.PASSED
    probe = replace(now.probe, index=before.probe.index)
    return replace(now, probe=probe, attempts=attempts, flaky=now.flaky or was_flaky)


def _was_asked(event: FixtureFailed, again: Again | None) -> bool:
    if not again:
        return True
    keys = again.get(event.target, frozenset())
    return keys is None or any(id.startswith(_scope(event)) for id, _ in keys)


def _scope(event: FixtureFailed) -> str:
    """Return how the ids begin of the probes that a fixture is for."""
    return _FIXTURE.split(event.fixture)[0] + "."


def _named(label: str, target: str) -> str:
    where = "" if target == DEFAULT_TARGET else f"[{target}]"
    return " ".join(filter(None, (label, where))) or "the run"


def _short(event: TargetFailed) -> str:
    error = event.error
    return one_line(f"{error.exception_class_path}: {error.message}")[:200]
