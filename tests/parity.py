"""Run the same tests by plain unittest and by us, each in a process of its own, at once.

``python tests/parity.py`` prints the counts; the suite holds them in ``test_parity.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity_projects import SETS, source_of
from parity_rules import Comparison, compare
from support import Project

TIMEOUT = 300
"""Seconds for each side: ten times what they take."""

ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": ""}
"""Both sides alike. CPython's tests warn of themselves: under ``error`` some are not imported."""

Events = list[dict[str, Any]]


@dataclass
class Parity:
    """How one set of tests came out."""

    project: Project
    plain: dict[str, Any] = field(repr=False)
    """What unittest said, as ``parity_plain`` wrote it."""
    events: Events = field(repr=False)
    """What we said, on the wire."""
    comparison: Comparison
    seconds: float
    """From the start of both processes to the end of both."""

    @property
    def modules(self) -> set[str]:
        """Return the modules that the tests' classes were written in."""
        return {record["module"] for record in self.plain["records"]}

    @property
    def results(self) -> list[dict[str, Any]]:
        """Return our results."""
        return [event["result"] for event in self.events if event["event"] == "probe_finished"]

    def again(self, *options: str) -> Comparison:
        """Run our side once more, with options of the command; compare with the same unittest."""
        return compare(self.plain, _ours(self.project, *options))


def run_both(project: Project, modules: list[str]) -> Parity:
    """Run both sides at once and compare what they tell."""
    beside = project.folder / "beside"
    beside.mkdir()
    began = time.monotonic()
    with _started_plain(project, beside, modules) as process:
        events = _ours(project)
        said, _ = process.communicate(timeout=TIMEOUT)
    seconds = time.monotonic() - began
    assert process.returncode == 0, said[-3000:]
    plain = json.loads((beside / "plain.json").read_text(encoding="utf-8"))
    return Parity(project, plain, events, compare(plain, events), seconds)


def _ours(project: Project, *options: str) -> Events:
    done = project.probe(
        *("--format", "jsonl", "--timeout", "120", *options),
        timeout=TIMEOUT,
        env=ENVIRONMENT,
    )
    assert done.returncode in (0, 1), f"exit code {done.returncode}: {done.stderr[-3000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def _started_plain(
    project: Project, beside: Path, modules: list[str]
) -> Iterator[subprocess.Popen[str]]:
    """Start plain unittest in a folder of its own: tests leave files where they run."""
    script = project.write("beside/parity_plain.py", source_of("plain"))
    env = project.environment(**ENVIRONMENT, DJANGO_SETTINGS_MODULE="settings")
    env["PYTHONPATH"] = os.pathsep.join([str(project.folder), env.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, str(script), "plain.json", *modules],
        cwd=beside,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def main(*names: str) -> None:
    """Print the counts of both sets, or of one: ``cpython``, ``matrix``."""
    for name in names or SETS:
        with tempfile.TemporaryDirectory() as folder:
            run = run_both(*SETS[name](Path(folder)))
        found, ours = run.comparison, run.events[-1]["summary"]["duration"]
        lines = [
            f"{name}: {found.tests} tests and {found.subtests} sub-tests of {len(run.modules)}"
            f" modules, {len(found.differences)} differences; unittest {run.plain['seconds']:.1f} s,"
            f" ours {ours:.1f} s, both processes {run.seconds:.1f} s",
            *(f"{count:8} {rule}" for rule, count in found.rules.most_common()),
            *found.differences,
        ]
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
