"""What the readers of reports make of the files that the examples leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path


def bad_in_junit(path: Path) -> int:
    """Return how many cases are not ok, as junitparser counts them."""
    from junitparser import JUnitXml

    suites = list(JUnitXml.fromfile(str(path)))
    assert sum(suite.tests for suite in suites) > 5
    return sum(suite.failures + suite.errors for suite in suites)


def bad_in_tap(path: Path) -> int:
    """Return how many lines are not ok, as tap.py's parser counts them."""
    from tap.parser import Parser

    tests = [line for line in Parser().parse_file(str(path)) if line.category == "test"]
    assert len(tests) > 5
    return sum(1 for line in tests if not line.ok and not line.todo)


def bad_in_ctrf(path: Path) -> int:
    """Return how many tests failed."""
    summary = json.loads(path.read_text(encoding="utf-8"))["results"]["summary"]
    assert summary["tests"] > 5
    return int(summary["failed"])


def bad_in_markdown(path: Path) -> int:
    """Return how many results block, as the rendered page shows them."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("gfm-like", {"html": True}).render(path.read_text(encoding="utf-8"))
    assert "<h3>" in html
    return html.count("<details><summary>✗ ")


def bad_in_openmetrics(path: Path) -> int:
    """Return how many results block, as prometheus_client reads it."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    text = path.read_text(encoding="utf-8")
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    assert len(samples) > 5
    return sum(1 for s in samples if s.name == "django_probe_ok" and not s.value)


READERS: Mapping[str, Callable[[Path], int]] = {
    "junit": bad_in_junit,
    "tap": bad_in_tap,
    "ctrf": bad_in_ctrf,
    "markdown": bad_in_markdown,
    "openmetrics": bad_in_openmetrics,
}
