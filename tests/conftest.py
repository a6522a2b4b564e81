"""Fixtures of the suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading_reports import write_reports
from support import Project
from zygote import Quick

# A shell starts what runs in its background with SIGINT ignored, and that is
# handed on: the commands that the tests interrupt must not inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """Return a function that writes a Django project: ``make_project({"shop/probes.py": …})``."""

    def make(files: dict[str, str], settings: str = "") -> Project:
        return Project.make(tmp_path / "project", files, settings)

    return make


@pytest.fixture
def make_quick(tmp_path: Path) -> Callable[..., Project]:
    """Return what ``make_project`` is, for projects whose commands run in forks."""

    def make(files: dict[str, str], settings: str = "") -> Project:
        return Quick.make(tmp_path / "project", files, settings)

    return make


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a report of the nasty probes in every format."""
    return write_reports(tmp_path_factory.mktemp("reports"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    """Turn the skip of a test for want of a server into a failure where servers are required."""
    report = yield
    required = os.environ.get("REQUIRE_SERVICES") == "1"
    if required and report.skipped and item.get_closest_marker("service") is not None:
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_SERVICES=1, but: {report.longrepr}"
    return report
