"""GitHub annotations: workflow commands that GitHub shows at the lines of the probes."""

from __future__ import annotations

import os
from bisect import insort
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import is_bad, short
from django_probe.reporters._verdict import said
from django_probe.reporting import Reporter
from django_probe.results import ErrorDetail, Outcome, ProbeResult, Summary
from django_probe.telling import body_of, fixture_error, left_behind

__all__ = ["GithubReporter"]

MOST = 10
"""Annotations of one level that GitHub shows for a step; it drops the rest without a word."""
LONGEST = 4096
"""Characters of an annotation's message that GitHub keeps."""

_SEVERITY = {outcome: place for place, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True, order=True)
class _Annotation:
    order: tuple[int, int, int]
    title: str
    message: str
    source: str = ""


class GithubReporter(Reporter):
    """GitHub annotations of what is not ok, the worst first; at the end of the run."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._kept: dict[str, list[_Annotation]] = {"error": [], "warning": [], "notice": []}
        self._counts = dict.fromkeys(self._kept, 0)
        self._prefix, self._root = _repository()

    def run_started(self, run: RunStarted) -> None:
        """Keep the names of the targets."""
        self._look = Look(targets=run.targets)
        self._places = {target: n for n, target in enumerate(run.targets)}

    def probe_finished(self, result: ProbeResult) -> None:
        """Keep a result that is not ok, if it is among the worst."""
        level = _level(result)
        if not level:
            return
        probe = result.probe
        place = self._places.get(result.target, len(self._places))
        title = f"{self._look.verdict(result)} {self._look.name(probe.label, result.target)}"
        order = (_SEVERITY[result.outcome], place, probe.index)
        text = _bounded(said(result), "" if result.outcome is Outcome.PASSED else body_of(result))
        self._add(level, _Annotation(order, title, text, probe.source))

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Keep a fixture error: worse than any result, for nobody knows what it left behind."""
        title = f"✗ FIXTURE FAILED {self._look.name(event.fixture, event.target)}"
        self._fail(-1, event.target, title, fixture_error(event), event.source)

    def target_failed(self, event: TargetFailed) -> None:
        """Keep that a target could not be asked: the worst."""
        target = self._look.target(event.target)
        title = f"✗ COULD NOT ASK TO THE END {target}".rstrip()
        self._fail(-2, event.target, title, event.error, "")

    def run_finished(self, summary: Summary) -> None:
        """Write the worst of each level, and how many there are beyond."""
        if not summary.counts.ran:
            message = "No probe, or all of them skipped: no probe says that this works."
            level = "notice" if summary.ok else "error"
            self._add(level, _Annotation((-3, 0, 0), "✗ NOTHING RAN", message))
        for level, kept in self._kept.items():
            more = self._counts[level] - MOST
            for annotation in kept[: MOST - 1 if more > 0 else MOST]:
                self._write(level, annotation)
            if more > 0:
                title = f"… and {more + 1} more"
                message = f"GitHub shows {MOST} of a kind for each step; the report has them all."
                self._write(level, _Annotation((0, 0, 0), title, message))

    def _fail(self, rank: int, target: str, title: str, error: ErrorDetail, source: str) -> None:
        message = _bounded(error.message or error.exception_class_path, error.traceback)
        place = (rank, self._places.get(target, len(self._places)), self._counts["error"])
        self._add("error", _Annotation(place, title, message, source))

    def _add(self, level: str, annotation: _Annotation) -> None:
        self._counts[level] += 1
        insort(self._kept[level], annotation)
        del self._kept[level][MOST:]

    def _write(self, level: str, annotation: _Annotation) -> None:
        properties = {"title": short(annotation.title, 250)} | self._place(annotation.source)
        told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        self.stream.write(f"::{level} {told}::{_data(annotation.message)}\n")

    def _place(self, source: str) -> dict[str, str]:
        """Return file and line, as GitHub knows them: relative to the repository."""
        file, _, line = source.rpartition(":")
        path = os.path.normpath(Path(self._prefix, file))
        if self._root and path.startswith(self._root + os.sep):
            path = os.path.relpath(path, self._root)
        if not file or Path(path).is_absolute() or path.startswith(".."):
            return {}
        return {"file": Path(path).as_posix(), "line": line}


def _repository() -> tuple[str, str]:
    """Return the working directory as the repository knows it, and the repository's root.

    Where we are not in the checkout (in a container, say) the first is "": paths
    in there mostly end as those of the repository do.
    """
    root = os.environ.get("GITHUB_WORKSPACE", "")
    here = Path.cwd().resolve()
    if not root or not here.is_relative_to(Path(root).resolve()):
        return "", ""
    return str(here.relative_to(Path(root).resolve())), str(Path(root).resolve())


def _level(result: ProbeResult) -> str:
    if result.blocking:
        return "error"
    if is_bad(result) or left_behind(result):
        return "warning"
    return "notice" if result.flaky else ""


def _bounded(message: str, body: str) -> str:
    """Return message and body within what GitHub keeps: the end of a traceback tells most."""
    text = f"{message}\n\n{body.strip()}" if body.strip() not in ("", message) else message
    if len(text) <= LONGEST:
        return text
    head = message if len(message) < LONGEST // 2 else message[: LONGEST // 2] + "…"
    return f"{head}\n\n[cut]\n{text[len(head) + 8 - LONGEST :]}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
