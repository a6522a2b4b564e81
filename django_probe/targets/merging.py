"""Many targets as one: all are asked at once, and each is told apart by its alias."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from django_probe.deadline import Deadline
from django_probe.events import Event, RunStarted
from django_probe.run_config import RunConfig
from django_probe.sanitizing import one_line
from django_probe.selection import Selection
from django_probe.targets.base import Target
from django_probe.targets.pumping import Merge, Pump

__all__ = ["AT_ONCE", "MergedTargets", "common"]

AT_ONCE = 16
"""Targets that are asked at the same time, if nobody asks for more."""
NAME_LIMIT = 1024
"""Characters of a label."""


class MergedTargets(Target):
    """Ask many targets at once, each told apart by its alias.

    Args:
        targets: in the order in which reports name them.
        at_once: how many are asked at the same time.
    """

    def __init__(
        self, targets: Sequence[Target], config: RunConfig, at_once: int = AT_ONCE
    ) -> None:
        self.targets = targets
        self._config = config
        self._at_once = at_once
        self._abandoned: list[Pump] = []

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield ``RunStarted``, then what the targets tell; those that fail are told as failed."""
        again = selection.again
        asked = [each for each in self.targets if again is None or each.alias in again]
        merge = Merge(self._config, asked, selection, Deadline(within=deadline))
        try:
            yield self._started(selection, [target.prepare(selection) for target in asked])
            yield from merge.events(self._at_once)
        finally:
            self._abandoned += merge.close()
            for target in asked:
                target.finish()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return what still hangs, in targets and in their pumps."""
        pumps = (pump.thread.name for pump in self._abandoned if pump.thread.is_alive())
        return (*pumps, *(what for target in self.targets for what in target.left_behind))

    def _started(self, selection: Selection, known: Sequence[RunStarted | None]) -> RunStarted:
        planned = [0 if each is None else each.planned for each in known]
        is_known = None not in known and None not in planned
        scrub = self._config.redactor.scrub
        return RunStarted(
            run_id=self._config.run_id,
            started_at=datetime.now(timezone.utc),
            targets=tuple(target.alias for target in self.targets),
            planned=sum(filter(None, planned)) if is_known else None,
            labels=tuple(one_line(scrub(label, NAME_LIMIT)) for label in selection.labels),
            release=common([each.release if each else "" for each in known]),
            instance=common([each.instance if each else "" for each in known]),
            seed=selection.seed,
        )


def common(values: Sequence[str]) -> str:
    """Return the value that all have, "" where they differ."""
    return values[0] if values and len(set(values)) == 1 else ""
