"""A reporter of its own package: one CSV row for each probe."""

from __future__ import annotations

import csv
from typing import TextIO

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporting import Reporter, shown_target
from django_probe.results import ProbeResult
from django_probe.telling import message_of


class CsvReporter(Reporter):
    """Comma-separated values, one row a probe, as it happens."""

    content_type = "text/csv; charset=utf-8"
    extension = "csv"

    def __init__(self, stream: TextIO, *, delimiter: str = ",") -> None:
        super().__init__(stream)
        self._rows = csv.writer(stream, delimiter=delimiter, lineterminator="\n")

    def run_started(self, run: RunStarted) -> None:
        """Write the header."""
        self._targets = run.targets
        self._rows.writerow(["target", "probe", "outcome", "seconds", "message"])

    def probe_finished(self, result: ProbeResult) -> None:
        """Write one row."""
        message = "" if result.outcome == "passed" else message_of(result)
        seconds = f"{result.duration:.3f}"
        self._write(result.target, result.probe.label, result.outcome, seconds, message)

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Write a row for what failed outside of a probe: it must not get lost."""
        self._write(event.target, event.fixture, "errored", "", event.error.message)

    def target_failed(self, event: TargetFailed) -> None:
        """Write a row for a target that could not be asked."""
        self._write(event.target, "", "errored", "", event.error.message)

    def _write(self, target: str, *values: str) -> None:
        self._rows.writerow([shown_target(self._targets, target), *values])
