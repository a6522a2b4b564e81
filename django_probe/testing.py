"""Tests for what others build on django-probe: mix one into a ``unittest.TestCase``."""

from __future__ import annotations

from django_probe.executor_contract import ExecutorContract
from django_probe.reporter_contract import ReporterContract

__all__ = ["ExecutorContract", "ReporterContract"]
