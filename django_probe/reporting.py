"""Reporters: the seam, the group that feeds them, and how a name becomes one.

A reporter shows a run in one format on a stream that the core opens and
closes. All its methods are called from one thread, one call at a time, with
whole records. It decides nothing: counts and verdict come with the summary.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TextIO

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
from django_probe.exceptions import ConfigurationError
from django_probe.outputs import Output
from django_probe.results import DEFAULT_TARGET, ProbeResult, Summary
from django_probe.sanitizing import clean, one_line

__all__ = ["Report", "Reporter", "ReporterGroup", "hand_over", "served_by", "shown_target"]


class Reporter:
    """Show a run in one format; override what the format needs.

    Args:
        stream: text to write to; the core opens and closes it.
        options: the ``OPTIONS`` of a ``PROBE_REPORTERS`` alias. A reporter names
            its own as keyword arguments: an unknown one is a ``TypeError``, which
            the command tells as bad configuration.
    """

    content_type: ClassVar[str] = "text/plain; charset=utf-8"
    extension: ClassVar[str] = "txt"

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.begun: dict[str, TargetStarted] = {}
        """By alias: what each target of several has said of itself."""

    def run_started(self, run: RunStarted) -> None:
        """Take what is known before the first probe."""

    def target_started(self, event: TargetStarted) -> None:
        """Take what one target of several says of itself before its first probe: keep it."""
        self.begun[event.target] = event

    def probe_started(self, event: ProbeStarted) -> None:
        """Take that a probe got its turn."""

    def probe_finished(self, result: ProbeResult) -> None:
        """Take the result of a probe."""

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Take that a fixture failed after its probes had their results."""

    def target_failed(self, event: TargetFailed) -> None:
        """Take that a target could not be asked."""

    def run_finished(self, summary: Summary) -> None:
        """Take the verdict; nothing comes after it."""


class Report:
    """One reporter and its output: what ``--format`` and ``--report`` ask for."""

    def __init__(self, name: str, output: Output, build: Callable[[TextIO], Reporter]) -> None:
        self.name = name
        self.output = output
        self._build = build

    def open(self) -> None:
        """Open the output and make the reporter.

        Raises:
            OutputError: the output cannot be opened.
            UnknownReporter: the reporter refuses its options.
        """
        self.reporter = self._build(self.output.open())


def hand_over(reporter: Reporter, event: Event) -> None:
    """Call the method of a reporter that takes an event."""
    _FEEDERS[type(event)](reporter, event)


_FEEDERS: dict[type[Any], Callable[[Reporter, Any], None]] = {
    # Results first: nothing comes as often.
    ProbeFinished: lambda reporter, event: reporter.probe_finished(event.result),
    ProbeStarted: lambda reporter, event: reporter.probe_started(event),
    RunStarted: lambda reporter, event: reporter.run_started(event),
    TargetStarted: lambda reporter, event: reporter.target_started(event),
    FixtureFailed: lambda reporter, event: reporter.fixture_failed(event),
    TargetFailed: lambda reporter, event: reporter.target_failed(event),
    RunFinished: lambda reporter, event: reporter.run_finished(event.summary),
}


class ReporterGroup:
    """Feed all reports; one that fails is left out and told, the others go on.

    Args:
        reports: what was asked for.
        warn: takes one line for a person as soon as a report is lost.
        shown: makes fit to be shown what is raised beside the probes.

    Raises:
        ConfigurationError: two reports go to one place.
    """

    def __init__(
        self,
        reports: Iterable[Report],
        warn: Callable[[str], None],
        *,
        shown: Callable[[str], str] = clean,
    ) -> None:
        self._reports = list(reports)
        _refuse_twins(self._reports)
        self._working: list[Report] = []
        self._warn = warn
        self.shown = shown
        self.errors: list[str] = []

    def open(self) -> None:
        """Open every output, or none: on an error those that were opened are thrown away.

        Raises:
            OutputError: an output cannot be opened.
            UnknownReporter: a reporter refuses its options.
        """
        try:
            for report in self._reports:
                self._working.append(report)
                report.open()
        except BaseException:
            self.discard()
            raise

    def feed(self, event: Event) -> None:
        """Hand an event to every report that still works."""
        feed = _FEEDERS[type(event)]
        for report in self._working:
            try:
                feed(report.reporter, event)
            except BaseException as exc:  # SystemExit too: a reporter must not end the run
                self._lose(report, exc)

    def close(self) -> None:
        """Finish every output: files move into place whole."""
        for report in self._working:
            try:
                report.output.commit()
            except BaseException as exc:
                self._lose(report, exc)

    def discard(self) -> None:
        """Throw away every unfinished output."""
        for report in self._working:
            with contextlib.suppress(Exception):
                report.output.discard()
        self._working.clear()

    @property
    def report_exists(self) -> bool:
        """Return whether a report is still written, or none was asked for."""
        return bool(self._working) or not self._reports

    def _lose(self, report: Report, exc: BaseException) -> None:
        self._working = [other for other in self._working if other is not report]
        with contextlib.suppress(Exception):
            report.output.discard()
        what = exc.strerror if isinstance(exc, OSError) and exc.strerror else f"{exc}"
        told = one_line(self.shown(f"{type(exc).__name__}: {what}")).rstrip(": ")
        line = f"Report {report.name!r} to {report.output}: {told}"
        self.errors.append(line)
        self._warn(f"{line}. This report is lost.")


def _refuse_twins(reports: Sequence[Report]) -> None:
    taken: set[object] = set()
    for report in reports:
        place = report.output.place
        if place is not None and place in taken:
            raise ConfigurationError(
                f"Two reports go to {report.output}, expected one for each place: give another"
                " path."
            )
        taken.add(place)


def served_by(run: RunStarted, begun: Mapping[str, TargetStarted], target: str) -> tuple[str, str]:
    """Return (release, instance) of a target: its own, or those of the run.

    Args:
        begun: what the targets have said of themselves.
    """
    own = begun.get(target)
    return (own.release, own.instance) if own else (run.release, run.instance)


def shown_target(targets: tuple[str, ...], target: str) -> str:
    """Return the target as reports name it: "" for the only, unnamed one."""
    return "" if targets == (DEFAULT_TARGET,) else target
