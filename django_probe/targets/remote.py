"""The target elsewhere: another deployment's ``/probe/``, over the wire as it happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django_probe.deadline import Deadline
from django_probe.events import Event, FixtureFailed, ProbeFinished
from django_probe.exceptions import WireError
from django_probe.results import Outcome
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.targets.base import Check, Setup, Target
from django_probe.targets.hearing import Hearing
from django_probe.targets.place import Place, RemoteFailed
from django_probe.targets.remote_options import OPTIONS, check_together, place_of
from django_probe.targets.resolving import addresses, unresolved
from django_probe.wire_lines import LINE_LIMIT, WIRE_LIMIT, WireLines

__all__ = ["RemoteTarget"]

DEADLINE = 300.0
"""Seconds that a remote may take in all, if nobody says how many."""
SLACK = 8 * 1024 * 1024
"""Bytes that an endpoint may add to a whole wire: what ends one that was cut."""
MOST_LABELS = 100
"""Labels that an endpoint takes; more probes than that are asked again with all others."""
LONGEST = 6000
"""Characters of all these labels."""


class RemoteTarget(Target):
    """Ask the probes of another deployment.

    Args:
        place: where, and how.
        config: how this run judges.
        alias: the name in reports.
        tags: only probes with one of these; none means all.
        seconds: that the target may take, of those of the run.
        problem: why it cannot even be asked.
    """

    options: ClassVar[Mapping[str, Check]] = OPTIONS
    elsewhere: ClassVar[bool] = True

    def __init__(
        self,
        place: Place,
        config: RunConfig,
        *,
        alias: str,
        tags: Iterable[str] = (),
        seconds: float = DEADLINE,
        problem: str = "",
    ) -> None:
        self.alias = alias
        self._place = place
        self._config = config
        self._tags = frozenset(tags)
        self._seconds = seconds
        self._problem = problem
        self._has_targets = False

    @classmethod
    def check(cls, where: str, options: Mapping[str, Any]) -> None:
        """Refuse OPTIONS that are not as they should be, and do not go together."""
        super().check(where, options)
        check_together(where, options)

    @classmethod
    def make(cls, alias: str, options: Mapping[str, Any], setup: Setup) -> Sequence[Target]:
        """Return the target of an entry, or one for each address that its name stands for."""
        place = place_of(alias, options)
        own = {"tags": options.get("tags", ()), "seconds": options.get("deadline", DEADLINE)}
        if options.get("resolve") != "all":
            return [cls(place, setup.config, alias=alias, **own)]
        found, problem = addresses(place)
        if problem:
            return [cls(place, setup.config, alias=alias, problem=problem, **own)]
        return [
            cls(replace(place, address=address), setup.config, alias=f"{alias}-{number}", **own)
            for number, address in enumerate(found, start=1)
        ]

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield what the deployment tells; whatever goes wrong is told as an event.

        Raises:
            TargetLoop: it is the run that asks.
        """
        deadline = Deadline(self._seconds, within=deadline, of="the target")
        hearing = Hearing(self._config, self.alias, self._place.address)
        if (self._tags or selection.tags) and not self._asked_tags(selection):
            yield from hearing.nothing()
            return
        try:
            for line in self._lines(selection, deadline):
                for event in hearing.hear(line):
                    yield event
                    if self._config.failfast and _stops(event):
                        deadline.halt("--failfast: a probe before it failed")
                self._has_targets = hearing.has_targets
                if hearing.whole:
                    return
            yield from hearing.fail("BrokenOff", "its wire ends before 'run_finished'")
        except RemoteFailed as exc:
            if deadline.halted and hearing.began:
                yield from hearing.stop(deadline.halted)
            else:
                yield from hearing.fail(exc.kind, str(exc))
        except WireError as exc:
            yield from hearing.fail("WireError", str(exc))

    def _lines(self, selection: Selection, deadline: Deadline) -> Iterator[bytes]:
        from django_probe.targets.asking import ask

        if self._problem:
            raise RemoteFailed("Unreachable", unresolved(self._place, self._problem))
        lines = WireLines(longest=LINE_LIMIT, most=WIRE_LIMIT + SLACK)
        query = self._query(selection)
        for data in ask(self._place, query, self._config.run_id, deadline):
            yield from lines.take(data)
        if lines.rest:
            raise RemoteFailed("BrokenOff", "its wire ends in the middle of a line")

    def _query(self, selection: Selection) -> list[tuple[str, str]]:
        """Return the query that asks ``/probe/`` for a selection, anew and as it happens."""
        return [
            *(("label", label) for label in self._labels(selection)),
            *(("tag", tag) for tag in sorted(self._asked_tags(selection))),
            *(("exclude_tag", tag) for tag in sorted(selection.exclude_tags)),
            *(("k", pattern) for pattern in selection.patterns),
            *((name, "1") for name in ("fresh", "local", "stream")),
        ]

    def _asked_tags(self, selection: Selection) -> frozenset[str]:
        if self._tags and selection.tags:
            return self._tags & selection.tags
        return self._tags or selection.tags

    def _labels(self, selection: Selection) -> Iterable[str]:
        """Return the labels of what is asked: in later rounds the ids of what was not ok."""
        asked = (selection.again or {}).get(self.alias)
        ids = sorted({id for id, _ in asked or ()})
        few = len(ids) <= MOST_LABELS and sum(map(len, ids)) <= LONGEST
        return ids if ids and few and not self._has_targets else selection.labels


def _stops(event: Event) -> bool:
    """Return whether an event is what ``--failfast`` waits for."""
    if isinstance(event, ProbeFinished):
        return event.result.blocking and event.result.outcome is not Outcome.NOT_RUN
    return isinstance(event, FixtureFailed)
