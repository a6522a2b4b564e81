"""No report: the exit code alone tells."""

from __future__ import annotations

from django_probe.reporting import Reporter

__all__ = ["SilentReporter"]


class SilentReporter(Reporter):
    """Write nothing; the exit code tells."""
