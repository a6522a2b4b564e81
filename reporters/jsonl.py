"""The wire as a report: one event a line, as it happens."""

from __future__ import annotations

from django_probe.encoding import encode
from django_probe.events import (
    FixtureFailed,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.fitting import fitting_line
from django_probe.reporting import Reporter
from django_probe.results import ProbeResult, Summary

__all__ = ["JsonlReporter"]


class JsonlReporter(Reporter):
    """One JSON object a line for each event, as it happens; can be replayed."""

    content_type = "application/x-ndjson"
    extension = "jsonl"

    def run_started(self, run: RunStarted) -> None:
        """Write the plan."""
        self.stream.write(encode(run) + "\n")
        self.stream.flush()

    def target_started(self, event: TargetStarted) -> None:
        """Write that a target begins."""
        self.stream.write(encode(event) + "\n")

    def probe_started(self, event: ProbeStarted) -> None:
        """Write that a probe got its turn."""
        self.stream.write(encode(event) + "\n")

    def probe_finished(self, result: ProbeResult) -> None:
        """Write a result."""
        self.stream.write(fitting_line(result) + "\n")

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Write that a fixture failed."""
        self.stream.write(encode(event) + "\n")

    def target_failed(self, event: TargetFailed) -> None:
        """Write that a target failed."""
        self.stream.write(encode(event) + "\n")

    def run_finished(self, summary: Summary) -> None:
        """Write the verdict."""
        self.stream.write(encode(RunFinished(summary=summary)) + "\n")
