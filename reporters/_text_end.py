"""What a text report keeps until its end, and that end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._text_blocks import block, failure_block
from django_probe.reporters._text_lists import grouped, not_run_ones, passed_later, rerun, slowest
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_matrix import Matrix
from django_probe.reporters._text_progress import Group, Slowest
from django_probe.reporters._text_verdict import Begun, by_target, verdict
from django_probe.reporters._text_words import short
from django_probe.results import Outcome, ProbeResult, Summary
from django_probe.telling import left_behind

__all__ = ["Kept"]

RECAP = 4
"""From so many blocks on, what is not ok is listed once more below them."""
FEW_TARGETS = 4
"""Targets, at most, that a command names."""
RULE = "─" * 70


class Kept:
    """What is not plainly passed: of all others nothing is kept."""

    def __init__(self, slowest: int) -> None:
        self.slowest = Slowest(slowest)
        self.soft = 0
        self._bad: list[ProbeResult] = []
        self._flaky: list[ProbeResult] = []
        self._left: list[ProbeResult] = []
        self._not_run: dict[str, list[tuple[str, str]]] = {}
        self._failed: list[FixtureFailed | TargetFailed] = []
        self._whole: dict[str, bool] = {}
        self.matrix: Matrix | None = None

    def add(self, result: ProbeResult, *, bad: bool) -> None:
        """Take a result that is not plainly passed."""
        if not bad:
            if result.flaky:
                self._flaky.append(result)
            elif result.attempts and left_behind(result):
                self._left.append(result)
            return
        self.soft += not result.blocking
        told = result.error or result.stdout or result.stderr
        if result.outcome is Outcome.NOT_RUN and not told:
            name = (result.probe.label, result.target)
            self._not_run.setdefault(result.reason, []).append(name)
        else:
            self._bad.append(result)

    def add_failure(self, event: FixtureFailed | TargetFailed) -> None:
        """Take what failed beside the probes."""
        self._failed.append(event)

    def end_class(self, group: Group) -> None:
        """Take that a class is done, as far as is known."""
        whole = self._whole.get(group.name, True)
        self._whole[group.name] = whole and group.bad == group.total

    def ending(
        self, summary: Summary, run: RunStarted, begun: Begun, look: Look, command: str
    ) -> Iterator[str]:
        """Yield the end of the report."""
        self._sort(run.targets)
        if look.verbosity:
            yield from slowest(self.slowest.found(), look)
            yield from passed_later("Flaky", self._flaky, look)
            yield from passed_later("Left behind", self._left, look)
        yield from self._blocks(look)
        yield from not_run_ones(self._not_run, look)
        if look.verbosity:
            yield from self._recap(look)
            yield from self._rerun(run, command) if command else ()
            yield from self.matrix.lines(look) if self.matrix else ()
        yield from by_target(summary, run, begun, look)
        yield from verdict(summary, run, look, self.soft)

    def _sort(self, targets: Sequence[str]) -> None:
        """Put everything in the order of the targets: it has come in any."""
        places = {target: place for place, target in enumerate(targets)}
        for results in (self._bad, self._flaky, self._left):
            results.sort(key=lambda one: (places.get(one.target, len(places)), one.probe.index))
        for names in self._not_run.values():
            names.sort(key=lambda name: places.get(name[1], len(places)))
        self._failed.sort(key=lambda event: places.get(event.target, len(places)))

    def _blocks(self, look: Look) -> Iterator[str]:
        if look.verbosity and (self._bad or self._failed):
            yield f"\n{look.paint('dim', RULE)}\n"
        for twins in grouped(self._bad):
            yield "\n"
            yield from block(twins, look)
        for event in self._failed:
            yield "\n"
            yield from failure_block(event, look)

    def _recap(self, look: Look) -> Iterator[str]:
        groups = grouped(self._bad)
        if len(groups) < RECAP:
            return
        brief = replace(look, verbosity=1)
        yield f"\n{look.paint('dim', RULE)}\n\n"
        for twins in groups[-20:]:
            more = f"  (and {len(twins) - 1} more)" if len(twins) > 1 else ""
            yield brief.line(twins[0]).rstrip("\n") + f"{more}\n"
        if len(groups) > 20:
            yield f"… and {len(groups) - 20} more, told above\n"

    def _rerun(self, run: RunStarted, command: str) -> Iterator[str]:
        failed = [
            result
            for result in self._bad
            if result.blocking and result.outcome is not Outcome.NOT_RUN
        ]
        whole = {name for name, is_whole in self._whole.items() if is_whole}
        again = " ".join([command, *map(shlex.quote, run.labels)])
        where = "" if " --target " in command else _only(run.targets, failed)
        labels = (result.probe.label for result in failed)
        yield from rerun(labels, whole, f"{command}{where}", again)


def _only(targets: Sequence[str], failed: Sequence[ProbeResult]) -> str:
    """Return the options that ask only the targets where something failed, if they are few."""
    some = [target for target in targets if any(result.target == target for result in failed)]
    if len(some) == len(targets) or len(some) > FEW_TARGETS:
        return ""
    return "".join(f" --target {shlex.quote(short(target, 4000))}" for target in some)
