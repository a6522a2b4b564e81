"""Markdown for a comment on a pull request, a note in GitLab, a summary of a GitHub step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._markdown import by_target, code, fenced, tail
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import (
    count,
    is_bad,
    needs_a_look,
    seconds,
)
from django_probe.reporters._verdict import asked, meaning, said, title
from django_probe.reporting import Reporter
from django_probe.results import ErrorDetail, Outcome, ProbeResult, Summary
from django_probe.spooling import Segments, Spool
from django_probe.telling import body_of, fixture_error

__all__ = ["MarkdownReporter"]

LIMIT = 65_536
"""Bytes that fit everywhere: a comment on GitHub has so many characters; a note in GitLab more."""
_SEVERITY = {outcome: place for place, outcome in enumerate(Outcome, 2)}


class MarkdownReporter(Reporter):
    """Markdown: the verdict, then what is not ok, the worst first, unfolded by a click.

    Args:
        stream: text to write to.
        limit: bytes that the report may have; what is cut is told.
    """

    content_type = "text/markdown; charset=utf-8"
    extension = "md"

    def __init__(self, stream: TextIO, *, limit: int = LIMIT) -> None:
        super().__init__(stream)
        if not isinstance(limit, int) or limit < 1000:
            raise TypeError(f"limit is {limit!r}, expected a number of bytes from 1000 on")
        self._limit = limit
        self._spool = Spool()
        self._entries = Segments()
        self._number = 0
        self._soft = 0

    def run_started(self, run: RunStarted) -> None:
        """Keep what the head says of the run."""
        self._run = run
        self._look = Look(targets=run.targets)
        self._places = {target: n for n, target in enumerate(run.targets)}

    def probe_finished(self, result: ProbeResult) -> None:
        """Spool the entry of a result that is not ok, was not so at first, or left something."""
        if not needs_a_look(result):
            return
        self._soft += not result.blocking
        rank = _SEVERITY[result.outcome] + (0 if result.blocking else len(_SEVERITY))
        place = self._places.get(result.target, len(self._places))
        name = self._look.name(result.probe.label, result.target)
        head = f"{self._look.verdict(result)} {code(name)}"
        # Twice the index: neighbours in a spool would become one.
        order = (rank << 58) + (place << 40) + result.probe.index * 2
        self._add(order, head, said(result), "\n".join(_told(result)))

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Spool the entry of a fixture error."""
        name = self._look.name(event.fixture, event.target)
        self._add_error(1, event.target, f"✗ FIXTURE FAILED {code(name)}", fixture_error(event))

    def target_failed(self, event: TargetFailed) -> None:
        """Spool that a target could not be asked: the worst."""
        name = self._look.target(event.target)
        self._add_error(0, event.target, f"✗ COULD NOT ASK TO THE END {code(name)}", event.error)

    def run_finished(self, summary: Summary) -> None:
        """Write the head, and as many entries as fit."""
        head = "".join(self._head(summary))
        self.stream.write(head)
        room = self._limit - len(head.encode()) - 200  # for the line that tells of a cut
        shown = 0
        for offset, length in self._entries:
            room -= length
            if room < 0:
                break
            self.stream.writelines(self._spool.read(offset, length))
            shown += 1
        self._spool.close()
        if more := self._number - shown:
            told = count(more, "more that is", "more that are")
            self.stream.write(f"\n… and {told} not shown: cut at {self._limit:,} bytes.\n")

    def _head(self, summary: Summary) -> Iterator[str]:
        symbol = "✓" if summary.ok else "✗"
        yield f"### {symbol} {title(summary)}: {asked(summary)}\n\n"
        if not summary.ok:
            names = (code(self._look.target(name)) for name in summary.failed_targets)
            yield f"**{meaning(summary, names)}**\n\n"
        if self._soft:
            yield count(
                self._soft, "result is to look at, and does", "results are to look at, and do"
            )
            yield " not block.\n\n"
        yield from by_target(summary, self._run, self.begun)
        run = self._run
        facts = {"release": run.release, "on": run.instance}
        yield " · ".join(f"{name} {code(fact)}" for name, fact in facts.items() if fact) + "\n"

    def _add_error(self, rank: int, target: str, head: str, error: ErrorDetail) -> None:
        message = error.message or error.exception_class_path
        place = self._places.get(target, len(self._places))
        order = (rank << 58) + (place << 40) + self._number * 2
        self._add(order, head, message, error.traceback or message)

    def _add(self, order: int, head: str, message: str, body: str) -> None:
        summary = f"<summary>{head}: {code(message)}</summary>"
        text = f"\n<details>{summary}\n\n{fenced(body)}\n</details>\n"
        self._entries.add(order, self._spool.write(text))
        self._number += 1


def _told(result: ProbeResult) -> Iterator[str]:
    """Yield the lines of an entry: all that comes from the probe, where nothing is markup."""
    if result.probe.description:
        yield f'"{result.probe.description}"'
    yield f"{seconds(result.duration)} · {result.probe.source}\n"
    yield tail(body_of(result)) if is_bad(result) else said(result)
    for number, attempt in enumerate(result.attempts, 1):
        yield f"try {number}:\n{tail(body_of(attempt))}"
    for name in ("stdout", "stderr"):
        if text := getattr(result, name).rstrip():
            yield f"{name}:\n{tail(text)}"
