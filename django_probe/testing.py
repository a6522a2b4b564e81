"""Tests for what others build on django-probe: mix one into a ``unittest.TestCase``."""

from __future__ import annotations

from django_probe.doubles import MemoryTarget, RecordingReporter
from django_probe.executor_contract import ExecutorContract
from django_probe.reporter_contract import ReporterContract
from django_probe.sample import feed, sample_run
from django_probe.target_contract import TargetContract

__all__ = [
    "ExecutorContract",
    "MemoryTarget",
    "RecordingReporter",
    "ReporterContract",
    "TargetContract",
    "feed",
    "sample_run",
]
