"""The target elsewhere: another deployment's ``/probe/``, over the wire as it happens."""

from __future__ import annotations

from collections.abc import Iterator

from django_probe.deadline import Deadline
from django_probe.events import Event
from django_probe.exceptions import WireError
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.targets.base import Target
from django_probe.targets.hearing import Hearing
from django_probe.targets.place import Place, RemoteFailed
from django_probe.wire_lines import LINE_LIMIT, WIRE_LIMIT, WireLines

__all__ = ["RemoteTarget", "query_of"]

SLACK = 8 * 1024 * 1024
"""Bytes that an endpoint may add to a whole wire: what ends one that was cut."""


class RemoteTarget(Target):
    """Ask the probes of another deployment.

    Args:
        place: where, and how.
        config: how this run judges.
        alias: the name in reports.
        tags: only probes with one of these, beside what is asked.
    """

    def __init__(
        self, place: Place, config: RunConfig, *, alias: str, tags: frozenset[str] = frozenset()
    ) -> None:
        self.alias = alias
        self._place = place
        self._config = config
        self._tags = tags

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield what the deployment tells; whatever goes wrong is told as an event."""
        hearing = Hearing(self._config, self.alias, self._place.address)
        try:
            for line in self._lines(selection, deadline):
                yield from hearing.hear(line)
                if hearing.whole:
                    return
            yield from hearing.fail("BrokenOff", "its wire ends before 'run_finished'")
        except RemoteFailed as exc:
            yield from hearing.fail(exc.kind, str(exc))
        except WireError as exc:
            yield from hearing.fail("WireError", str(exc))

    def _lines(self, selection: Selection, deadline: Deadline) -> Iterator[bytes]:
        from django_probe.targets.asking import ask

        lines = WireLines(longest=LINE_LIMIT, most=WIRE_LIMIT + SLACK)
        for data in ask(self._place, query_of(selection), self._config.run_id, deadline):
            yield from lines.take(data)
        if lines.rest:
            raise RemoteFailed("BrokenOff", "its wire ends in the middle of a line")


def query_of(selection: Selection) -> list[tuple[str, str]]:
    """Return the query that asks ``/probe/`` for a selection, anew and as it happens."""
    return [
        *(("label", label) for label in selection.labels),
        *(("tag", tag) for tag in sorted(selection.tags)),
        *(("exclude_tag", tag) for tag in sorted(selection.exclude_tags)),
        *(("k", pattern) for pattern in selection.patterns),
        ("fresh", "1"),
        ("stream", "1"),
    ]
