"""The executor ``threads``: its contract, and what only it does."""

from __future__ import annotations

import unittest

import in_process  # noqa: F401 - sets Django up

from django_probe.executors.threads import ThreadsExecutor
from django_probe.testing import ExecutorContract


class TestThreadsContract(ExecutorContract, unittest.TestCase):
    """``ThreadsExecutor`` keeps what every executor has to keep."""

    def make_executor(self, **options):
        return ThreadsExecutor(**options)
