"""JUnit XML: cases by unittest-xml-reporting, suites by what their readers require."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from xmlrunner.result import _TestInfo

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._junit_case import Case, case_of, case_xml
from django_probe.reporters._junit_names import numbering
from django_probe.reporters._xml import attributes
from django_probe.reporting import Reporter, served_by, shown_target
from django_probe.results import DEFAULT_TARGET, ErrorDetail, ProbeResult, Summary
from django_probe.spooling import Segments, Spool
from django_probe.telling import fixture_error, nothing_ran, stable

__all__ = ["JUnitReporter"]

AFTER_ALL = 1 << 61
"""Where cases stand that are no probe: after those that are."""


class _Suite:
    """The counts of one class on one target, and where its cases lie in the spool."""

    def __init__(self, target: str, started_at: datetime) -> None:
        self.target = target
        self.started_at = started_at
        self.duration = 0.0
        self.outcomes = [0, 0, 0, 0]
        self.cases = Segments()


class JUnitReporter(Reporter):
    """JUnit XML, one suite for each class: Jenkins, GitLab and nearly all others."""

    content_type = "application/xml"
    extension = "xml"

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        # Cases come first and their suite's counts before them: so they wait.
        self._spool = Spool()
        self._suites: dict[str, _Suite] = {}
        self._others = AFTER_ALL

    def run_started(self, run: RunStarted) -> None:
        """Keep what the suites say of the run."""
        self._run = run
        self._places = {target: n << 40 for n, target in enumerate(run.targets)}

    def probe_finished(self, result: ProbeResult) -> None:
        """Spool the case of a result."""
        target = shown_target(self._run.targets, result.target)
        order = self._places.get(result.target, 1 << 60) + result.probe.index
        self._add(case_of(result, target), target, result.started_at, order)

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Spool a case of the real class, named for the fixture."""
        target = shown_target(self._run.targets, event.target)
        self._add_error(event.fixture, target, fixture_error(event), event.source)

    def target_failed(self, event: TargetFailed) -> None:
        """Spool a case that says that a target could not be asked."""
        target = "" if event.target == DEFAULT_TARGET else event.target
        self._add_error("django_probe.target.answers", target, event.error)

    def run_finished(self, summary: Summary) -> None:
        """Write the document."""
        if nothing := nothing_ran(summary):
            self.probe_finished(nothing)
        self.stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        for name, suite in sorted(self._suites.items(), key=lambda item: item[1].cases.first):
            self._write_suite(name, suite)
        self.stream.write("</testsuites>\n")
        self._spool.close()

    def _add_error(self, name: str, target: str, error: ErrorDetail, source: str = "") -> None:
        """Spool a case that is no probe: always an error."""
        started_at = self._run.started_at
        case = Case(
            test_id=f"{target}.{name} [{target}]" if target else name,
            timestamp=started_at.isoformat(),
            outcome=_TestInfo.ERROR,
            test_exception_name=error.exception_class_path,
            test_exception_message=stable(error.message) or error.exception_class_path,
            body=error.traceback or error.message or error.exception_class_path,
            source=source,
        )
        place = self._others + self._places.get(target or DEFAULT_TARGET, 1 << 60)
        self._add(case, target, started_at, place)
        self._others += 1

    def _add(self, case: Case, target: str, started_at: datetime, order: int) -> None:
        name = case.test_id.partition(" ")[0].rpartition(".")[0]
        suite = self._suites.get(name)
        if suite is None:
            suite = self._suites[name] = _Suite(target, started_at)
        suite.outcomes[case.outcome] += 1
        suite.duration += case.elapsed_time
        suite.started_at = min(suite.started_at, started_at)
        suite.cases.add(order, self._spool.write(case_xml(case)))

    def _write_suite(self, name: str, suite: _Suite) -> None:
        run = self._run
        values = {
            "name": name,
            "tests": str(sum(suite.outcomes)),
            "failures": str(suite.outcomes[_TestInfo.FAILURE]),
            "errors": str(suite.outcomes[_TestInfo.ERROR]),
            "skipped": str(suite.outcomes[_TestInfo.SKIP]),
            "time": f"{suite.duration:.3f}",
            "timestamp": suite.started_at.isoformat(),
            "hostname": suite.target or run.instance,
        }
        self.stream.write(f"<testsuite{attributes(values)}>\n{self._properties(suite)}")
        numbered = numbering()
        for offset, length in suite.cases:
            for piece in self._spool.read(offset, length):
                self.stream.write(numbered(piece))
        self.stream.write("</testsuite>\n")

    def _properties(self, suite: _Suite) -> str:
        run = self._run
        release, instance = served_by(run, self.begun, suite.target)
        values = {"target": suite.target, "release": release, "instance": instance}
        lines = [
            f"<property{attributes({'name': name, 'value': value})}/>\n"
            for name, value in values.items()
            if value
        ]
        return f"<properties>\n{''.join(lines)}</properties>\n" if lines else ""
