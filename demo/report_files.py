"""Read the report files back, as a CI server would: how many passed, failed, were skipped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

WIDTH = 96
"""Characters that are shown of a line."""
NAMES: Mapping[str, str] = {"junit": "probes.xml", "tap": "probes.tap", "json": "probes.json"}
"""The file of each format, in the folder of the reports."""
STARTS = {
    "junit": ("<testcase", "<failure"),
    "tap": ("ok ", "not ok "),
    "json": ("{", "{"),
}
"""Where to begin to quote a format: while all is well, and when something failed."""


@dataclass(frozen=True)
class Counts:
    """What a report says in three numbers."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count(name: str, path: Path) -> Counts:
    """Return the counts of the report in a file.

    Raises:
        OSError, ValueError: there is no such report.
    """
    return _READERS[name](path.read_text(encoding="utf-8"))


def load(path: Path) -> dict[str, Any]:
    """Return the JSON report in a file."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def quote(name: str, path: Path, *, red: bool, lines: int = 3) -> list[str]:
    """Return the lines of a report that are worth a look, cut to ``WIDTH``."""
    text = path.read_text(encoding="utf-8")
    start = max(text.find(STARTS[name][red]), 0)
    found = text[start:].splitlines()[:lines]
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …" for line in found]


def _of_junit(text: str) -> Counts:
    suites = ElementTree.fromstring(text).iter("testsuite")  # noqa: S314 - our own file
    numbers = [
        [int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")]
        for suite in suites
    ]
    tests, failures, errors, skipped = (sum(column) for column in zip(*numbers, strict=True))
    failed = failures + errors
    return Counts(passed=tests - failed - skipped, failed=failed, skipped=skipped)


def _of_tap(text: str) -> Counts:
    points = re.findall(r"^(ok|not ok)\b[^#\n]*(?:# (SKIP|TODO))?", text, re.MULTILINE)
    skipped = sum(bool(directive) for _, directive in points)
    failed = points.count(("not ok", ""))
    return Counts(passed=len(points) - failed - skipped, failed=failed, skipped=skipped)


def _of_json(text: str) -> Counts:
    summary = json.loads(text)["summary"]
    passed, failed = summary["passed"], summary["blocking"]
    return Counts(passed=passed, failed=failed, skipped=summary["total"] - passed - failed)


_READERS: Mapping[str, Callable[[str], Counts]] = {
    "junit": _of_junit,
    "tap": _of_tap,
    "json": _of_json,
}
