"""Rounds: ask again what is not ok, then all of it some more times, until it is decided.

While it is not decided no reporter sees anything of the run: ``--wait`` and
``--stable`` report what came of it at last. The results are kept for that;
without them a run is told as it happens, and nothing is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from django_probe.deadline import Deadline
from django_probe.details import class_path, text_of
from django_probe.events import Event, TargetFailed
from django_probe.results import ErrorDetail
from django_probe.rules import Rules
from django_probe.sanitizing import clean
from django_probe.selection import Selection
from django_probe.standing import Standing

__all__ = ["Ask", "asked"]

LONGEST_DELAY = 10.0
"""Seconds between two rounds at most, if nobody asks for more."""

Ask = Callable[[Selection], Iterator[Event]]
"""Ask for a selection once; what is wrong with it is raised before the first event."""


def asked(
    ask: Ask,
    selection: Selection,
    rules: Rules,
    deadline: Deadline,
    *,
    begin: Callable[[], None],
    tell: Callable[[str], None],
) -> Generator[Event, None, None]:
    """Yield the events of a run: as they come, or with several rounds when it is decided.

    Args:
        begin: called when it is known that the selection can be asked.
        tell: takes a line for a person after each round.

    Raises:
        ProbeError: nothing can be asked; before the first event.
    """
    events = ask(selection)
    first = next(events)
    begin()
    if rules.once:
        yield first
        yield from events
        return
    rounds = _Rounds(ask, selection, rules, deadline, tell)
    rounds.standing.take([first, *events])
    yield from rounds.decide()


class _Rounds:
    """Ask until it is decided, from the second round on.

    Attributes:
        standing: what is known of the run by now.
    """

    def __init__(
        self,
        ask: Ask,
        selection: Selection,
        rules: Rules,
        deadline: Deadline,
        tell: Callable[[str], None],
    ) -> None:
        self.standing = Standing()
        self._ask = ask
        self._selection = selection
        self._rules = rules
        self._deadline = deadline
        self._tell = tell
        self._until = time.monotonic() + rules.wait
        self._number = 1
        self._green = 0
        self._delay = rules.delay

    def decide(self) -> Iterator[Event]:
        """Yield the events of the decided run."""
        whole = True
        while (pause := self._pause(whole)) is not None:
            if not self._deadline.pause(pause):
                break
            pending = self.standing.pending()
            whole = not pending
            self._number += 1
            again = pending or None
            self.standing.take(self._round(replace(self._selection, again=again)), again)
        if self._is_cut_short():
            self.standing.fail("NotStable", self._cut_short())
        yield from self.standing.events()

    def _pause(self, whole: bool) -> float | None:
        """Return the seconds until the next round, None where the run is decided; say so."""
        standing, rules = self.standing, self._rules
        if standing.pending():
            self._green = 0
            left = self._until - time.monotonic()
            ended = left <= 0 or self._deadline.passed
            pause = None if ended else min(self._delay, left)
            self._delay = max(self._delay, min(2 * self._delay, LONGEST_DELAY))
            self._say(standing.told(), f"{left:.0f} s of --wait left" if pause else "", pause)
            return pause
        self._green += whole
        done = self._green >= rules.stable or rules.stable == 1 or not standing.results
        pause = None if done or self._deadline.passed else rules.delay
        counted = f", {self._green} of {rules.stable} in a row" if rules.stable > 1 else ""
        self._say(f"{len(standing.results)} of {len(standing.results)} ok{counted}", "", pause)
        return pause

    def _say(self, told: str, left: str, pause: float | None) -> None:
        more = "" if pause is None else f"; asking again in {pause:.3g} s"
        self._tell(f"Round {self._number}: {told}{more}{left and f', {left}'}.")

    def _round(self, selection: Selection) -> list[Event]:
        """Return what a round tells; one that cannot even begin is a target that has failed."""
        try:
            return list(self._ask(selection))
        except Exception as exc:
            message = clean(text_of(exc))
            error = ErrorDetail(exception_class_path=class_path(type(exc)), message=message)
            again = selection.again or {}
            return [
                TargetFailed(target=target, error=error)
                for target in self.standing.started.targets
                if not again or target in again
            ]

    def _is_cut_short(self) -> bool:
        is_short = self._green < self._rules.stable and self._rules.stable > 1
        return is_short and not self.standing.pending() and bool(self.standing.results)

    def _cut_short(self) -> str:
        asked = f"all was ok {self._green} of {self._rules.stable} times in a row"
        return f"{asked} when the run ended: {self._deadline.reason}"
