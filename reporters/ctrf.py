"""CTRF, the Common Test Report Format: JSON that many CI tools know how to show."""

from __future__ import annotations

import json
from typing import Any, TextIO

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._ctrf_test import FAILED, STATUSES, milliseconds, named, place, test_of
from django_probe.reporters._entries import Entries
from django_probe.reporting import Reporter, shown_target
from django_probe.results import DEFAULT_TARGET, ErrorDetail, ProbeResult, Summary
from django_probe.telling import fixture_error, nothing_ran

__all__ = ["CtrfReporter"]

_encode = json.JSONEncoder().encode


class CtrfReporter(Reporter):
    """CTRF, one JSON document of the Common Test Report Format: ctrf.io's tools."""

    content_type = "application/json"
    extension = "json"

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._numbers = dict.fromkeys(STATUSES, 0)
        self._suites: set[tuple[str, ...]] = set()

    def run_started(self, run: RunStarted) -> None:
        """Keep what the document says of the run."""
        self._run = run
        self._entries = Entries(run.targets)

    def probe_finished(self, result: ProbeResult) -> None:
        """Spool the test of a result: the counts come before it."""
        target = shown_target(self._run.targets, result.target)
        test = test_of(result, target)
        self._count(test)
        self._entries.add(result, _encode(test))

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Spool a test of the real class, named for the fixture."""
        target = shown_target(self._run.targets, event.target)
        self._add_error(event.fixture, target, fixture_error(event), event.source)

    def target_failed(self, event: TargetFailed) -> None:
        """Spool a test that says that a target could not be asked."""
        target = "" if event.target == DEFAULT_TARGET else event.target
        self._add_error("django_probe.target.answers", target, event.error)

    def run_finished(self, summary: Summary) -> None:
        """Write the document."""
        if nothing := nothing_ran(summary):
            self.probe_finished(nothing)
        head: dict[str, object] = {
            "reportFormat": "CTRF",
            "specVersion": "0.0.0",
            "runId": summary.run_id,
            "timestamp": summary.started_at.isoformat(),
        }
        parts = {
            "tool": {"name": "django-probe"},
            "environment": self._environment(summary),
            "summary": self._summary(summary),
        }
        told = ",\n".join(f'"{name}": {_encode(part)}' for name, part in parts.items())
        self.stream.write(f'{_encode(head)[:-1]},\n"results": {{\n{told},\n"tests": [')
        self._entries.write(self.stream)
        self.stream.write("\n]}}\n")

    def _add_error(self, name: str, target: str, error: ErrorDetail, source: str = "") -> None:
        """Spool a test that is no probe: always failed."""
        test = named(name, target, FAILED, 0.0, self._run.started_at)
        test |= {"message": error.message or error.exception_class_path, **place(source)}
        if error.traceback:
            test["trace"] = error.traceback
        self._count(test)
        self._entries.add_other(target or DEFAULT_TARGET, _encode(test))

    def _count(self, test: dict[str, Any]) -> None:
        self._numbers[test["status"]] += 1
        suite = tuple(test["suite"])
        if suite not in self._suites:  # Those around it count too.
            self._suites.update(suite[:depth] for depth in range(1, len(suite) + 1))

    def _summary(self, summary: Summary) -> dict[str, int]:
        start = milliseconds(summary.started_at)
        duration = round(summary.duration * 1000)
        return {
            "tests": sum(self._numbers.values()),
            **self._numbers,
            "other": 0,
            "flaky": summary.counts.flaky,
            "suites": len(self._suites),
            "start": start,
            "stop": start + duration,
            "duration": duration,
        }

    def _environment(self, summary: Summary) -> dict[str, object]:
        """Return what was asked, in the words of the format."""
        told: dict[str, object] = {"healthy": summary.ok}
        if self._run.release:
            told["appVersion"] = self._run.release
        if self._run.instance:
            told["testEnvironment"] = self._run.instance
        return told
