"""The output of a Nagios plugin: one line with the state, what is wrong, and performance data."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import TextIO

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import needs_a_look, short
from django_probe.reporters._verdict import asked, meaning, said
from django_probe.reporting import Reporter
from django_probe.results import Outcome, ProbeResult, Summary
from django_probe.telling import fixture_error, left_behind

__all__ = ["NagiosReporter"]

NAMED = 3
"""Faults that are named; the others are counted."""
LONGEST = 600
"""Bytes of the text before the performance data: NRPE 2 carries 1,024 in all."""

_SEVERITY = {outcome: place for place, outcome in enumerate(Outcome)}


class _Named:
    """The worst of some faults, by name, and how many there are beyond."""

    def __init__(self) -> None:
        self.number = 0
        self._worst: list[tuple[int, int, int, str]] = []

    def __str__(self) -> str:
        told = "; ".join(text for *_, text in self._worst)
        more = self.number - len(self._worst)
        return f"{told}; and {more} more" if more > 0 else told

    def add(self, rank: int, place: int, text: str) -> None:
        """Keep a fault if it is among the worst, those of the lowest rank, then place."""
        insort(self._worst, (rank, place, self.number, text))
        del self._worst[NAMED:]
        self.number += 1


class NagiosReporter(Reporter):
    """One line with performance data, as Nagios, Icinga and their kind read it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._faults = _Named()
        self._soft = _Named()
        self._left = 0

    def run_started(self, run: RunStarted) -> None:
        """Keep the names of the targets."""
        self._look = Look(targets=run.targets)
        self._places = {target: n << 40 for n, target in enumerate(run.targets)}

    def probe_finished(self, result: ProbeResult) -> None:
        """Keep a result that blocks, or is to look at, if it is among the worst."""
        if not needs_a_look(result):
            return
        left = left_behind(result)
        self._left += bool(left)
        name = self._look.name(result.probe.label, result.target)
        kept = self._faults if result.blocking else self._soft
        rank = -1 if left else _SEVERITY[result.outcome]
        place = self._place(result.target) + result.probe.index
        kept.add(rank, place, f"{name}: {short(said(result))}")

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Keep a fixture error."""
        name = self._look.name(event.fixture, event.target)
        told = f"{name}: {short(fixture_error(event).message)}"
        self._faults.add(-1, self._place(event.target), told)

    def target_failed(self, event: TargetFailed) -> None:
        """Keep that a target could not be asked: the worst."""
        told = short(event.error.message or event.error.exception_class_path)
        name = self._look.target(event.target) or "this deployment"
        self._faults.add(-2, self._place(event.target), f"{name}: {told}")

    def run_finished(self, summary: Summary) -> None:
        """Write the line."""
        state = self._state(summary)
        text = asked(summary)
        if not summary.ok:
            names = map(self._look.target, summary.failed_targets)
            text = f"{meaning(summary, names)} - {self._faults if self._faults.number else text}"
        elif self._soft.number:
            text = f"{text} - {self._soft}"
        text = _bounded(text.replace("|", "/"))
        performance = " ".join(self._performance(summary))
        self.stream.write(f"PROBES {state} - {text} | {performance}\n")

    def _place(self, target: str) -> int:
        return self._places.get(target, 1 << 60)

    def _state(self, summary: Summary) -> str:
        """Return the state in the words of Nagios; the verdict is the core's."""
        if summary.interrupted is not None:
            return "UNKNOWN"
        if not summary.ok:
            return "CRITICAL" if self._faults.number else "UNKNOWN"
        return "WARNING" if self._soft.number else "OK"

    def _performance(self, summary: Summary) -> Iterator[str]:
        """Yield ``label=value;warn;crit;min;max``; 0 as a threshold: more than that alerts."""
        counts = summary.counts
        yield f"time={summary.duration:.3f}s;;;0"
        yield f"probes={counts.total};;;0"
        yield f"blocking={counts.blocking};;0;0"
        yield f"not_blocking={self._soft.number};0;;0"
        yield f"flaky={counts.flaky};0;;0"
        yield f"fixture_errors={summary.fixture_errors};;0;0"
        yield f"left_behind={self._left + summary.fixture_errors};0;;0"
        yield f"failed_targets={len(summary.failed_targets)};;0;0"
        for outcome in Outcome:
            yield f"{outcome.value}={counts.of(outcome)};;;0"


def _bounded(text: str) -> str:
    data = text.encode()
    return text if len(data) <= LONGEST else data[: LONGEST - 3].decode(errors="ignore") + "…"
