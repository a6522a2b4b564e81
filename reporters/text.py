"""The text report: what a person wants to see, at a terminal and in a CI log."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar, TextIO

from django_probe.events import FixtureFailed, ProbeStarted, RunStarted, TargetFailed, TargetStarted
from django_probe.reporters._live import LiveLine, Painter, can_be_live
from django_probe.reporters._text_blocks import output
from django_probe.reporters._text_end import Kept
from django_probe.reporters._text_lines import class_line, failure_line, heading, still_line
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_matrix import Matrix
from django_probe.reporters._text_progress import Progress
from django_probe.reporters._text_screen import Log, Screen
from django_probe.reporters._text_words import is_bad, needs_a_look
from django_probe.reporting import Reporter
from django_probe.results import Outcome, ProbeResult, Summary

__all__ = ["TextReporter"]

_PASSED = Outcome.PASSED


class TextReporter(Reporter):
    """For people: progress, what failed and why, the verdict.

    Args:
        verbosity: 0 failures, verdict; 1 progress; 2 each probe; 3 what those printed that passed.
        durations: how many of the slowest probes to name.
        color: None is yes on a terminal.
        heartbeat: seconds of silence until a log says that the run is alive; 0 beside a debugger.
        command: asks probes again, with their labels behind it; "" where there is none.
    """

    accepts: ClassVar[frozenset[str]] = frozenset(
        {"verbosity", "durations", "color", "command", "heartbeat"}
    )

    def __init__(
        self,
        stream: TextIO,
        *,
        verbosity: int = 1,
        durations: int = 0,
        color: bool | None = None,
        heartbeat: float = 10.0,
        command: str = "./manage.py probe",
    ) -> None:
        super().__init__(stream)
        if not isinstance(verbosity, int) or not heartbeat >= 0:
            raise TypeError("verbosity is a whole number from 0 on, heartbeat a number from 0 on")
        self._look = Look(verbosity=verbosity, color=stream.isatty() if color is None else color)
        self._verbosity, self._durations = verbosity, durations
        self._heartbeat, self._command = heartbeat, command
        self._by_class = False
        self._screen = Screen(stream)
        self._progress = Progress()
        self._kept = Kept(durations)

    def run_started(self, run: RunStarted) -> None:
        """Say what is asked, and begin to show progress."""
        self._run = run
        self._look = replace(self._look, targets=run.targets)
        self._progress.planned = run.planned
        self._kept.matrix = Matrix(run.targets) if len(run.targets) > 1 else None
        if self._verbosity < 1:
            return
        self.stream.write(heading(run, self._look))
        if not self._heartbeat:
            return
        if can_be_live(self.stream):
            self._screen = LiveLine(self.stream, self._make_painter)
        else:
            still = partial(still_line, self._progress, self._look)
            self._screen = Log(self.stream, still, self._heartbeat)
            self._by_class = self._verbosity == 1
        self._screen.start()

    def target_started(self, event: TargetStarted) -> None:
        """Count what is planned, once the last target has said it."""
        super().target_started(event)
        self._progress.plan(self._run, self.begun, event.target)

    def probe_started(self, event: ProbeStarted) -> None:
        """Note what runs now."""
        self._progress.start(event)
        if self._progress.ended:
            self._end_classes()

    def probe_finished(self, result: ProbeResult) -> None:
        """Tell a result: as a line of its own, or within the line of its class."""
        progress = self._progress
        usual = not (result.blocking or result.flaky or result.attempts)
        plain = result.outcome is _PASSED and (usual or not needs_a_look(result))
        bad = not plain and is_bad(result)
        progress.finish(result, plain, bad)
        if self._durations and result.outcome is not Outcome.NOT_RUN:
            self._kept.slowest.add(result)
        if not plain:
            self._kept.add(result, bad=bad)
        if self._kept.matrix:
            self._kept.matrix.add(result)
        if not plain or self._verbosity >= 2:
            self._tell(result, bad)
        if progress.ended:
            self._end_classes()

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Tell that a fixture failed."""
        self.target_failed(event)

    def target_failed(self, event: FixtureFailed | TargetFailed) -> None:
        """Tell that a target failed, or what else is no probe."""
        self._kept.add_failure(event)
        if self._verbosity:
            self._screen.write(failure_line(event, self._look))

    def run_finished(self, summary: Summary) -> None:
        """Tell what went wrong, how to ask it again, and the verdict."""
        self._progress.finish_all()
        self._end_classes()
        self._screen.stop()
        ending = self._kept.ending(summary, self._run, self.begun, self._look, self._command)
        if not self._verbosity:
            self.stream.write(next(ending).lstrip("\n"))
        self.stream.writelines(ending)

    def _tell(self, result: ProbeResult, bad: bool) -> None:
        loud = (bad and result.outcome is not Outcome.NOT_RUN) or result.flaky
        if self._verbosity < (1 if loud else 2):
            return
        text = self._look.line(result)
        if self._verbosity >= 3 and not bad:
            text += "".join(output(result, self._look))
        self._screen.write(text)

    def _end_classes(self) -> None:
        for group in (ended := self._progress.ended):
            self._kept.end_class(group)
            if self._by_class and group.ran:
                self._screen.write(class_line(group, self._progress, self._look))
        ended.clear()

    def _make_painter(self) -> Painter:
        from django_probe.reporters._text_painters import make_painter

        return make_painter(self._progress, self._look, self.stream)
