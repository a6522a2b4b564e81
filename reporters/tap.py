"""TAP 13, each line by tap.py, diagnostics by PyYAML, as it happens."""

from __future__ import annotations

from typing import TextIO

from tap.directive import Directive
from tap.line import Result

from django_probe import telling
from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporting import Reporter, shown_target
from django_probe.results import ErrorDetail, Outcome, ProbeResult, Summary
from django_probe.sanitizing import one_line

__all__ = ["TapReporter"]


class TapReporter(Reporter):
    """TAP version 13 with YAML diagnostics, as it happens: prove, Jenkins' TAP plugin."""

    content_type = "text/x-tap"
    extension = "tap"

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._number = 0
        self._planned: int | None = None
        self._cut = ""

    def run_started(self, run: RunStarted) -> None:
        """Write the version, and the plan if it is known."""
        self._targets = run.targets
        self._planned = run.planned
        self.stream.write("TAP version 13\n")
        if run.planned:  # "1..0" says that all was skipped: nothing planned is told at the end.
            self.stream.write(f"1..{run.planned}\n")
        self.stream.flush()

    def probe_finished(self, result: ProbeResult) -> None:
        """Write the line of a result."""
        target = shown_target(self._targets, result.target)
        description = _described(result.probe.id, target)
        if telling.is_pass(result):
            flaky = _diagnostics(result, target) if result.attempts else None
            self._write(True, description, "", flaky)
        elif result.outcome is Outcome.SKIPPED:
            self._write(True, description, f"SKIP {_plain(telling.message_of(result))}")
        else:
            directive = (
                f"TODO {_plain(telling.message_of(result))}" if telling.excuse_of(result) else ""
            )
            self._write(False, description, directive, _diagnostics(result, target))
        if result.outcome is Outcome.NOT_RUN and result.blocking:
            self._cut = self._cut or result.reason or "some probes did not run"

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Write a line of its own, beyond the plan: it is no probe, but it fails."""
        target = shown_target(self._targets, event.target)
        about = _about_error(telling.fixture_error(event), target, event.source)
        self._write(False, _described(event.fixture, target), "", about)

    def target_failed(self, event: TargetFailed) -> None:
        """Write a line of its own, beyond the plan."""
        about = _about_error(event.error, event.target)
        self._write(False, _described("django_probe.target.answers", event.target), "", about)

    def run_finished(self, summary: Summary) -> None:
        """Write the plan where it was not known, and why the run was cut short."""
        if nothing := telling.nothing_ran(summary):
            self.probe_finished(nothing)
        if not self._planned:
            self.stream.write(f"1..{self._number}\n")
        elif self._number > self._planned:
            planned = "probe was" if self._planned == 1 else "probes were"
            self.stream.write(
                f"# {self._planned} {planned} planned; the lines beyond are no probes:"
                " fixtures or targets that failed\n"
            )
        if self._cut or summary.interrupted is not None:
            self.stream.write(f"Bail out! {_plain(self._cut or 'interrupted')}\n")

    def _write(
        self, ok: bool, description: str, directive: str = "", diagnostics: str | None = None
    ) -> None:
        self._number += 1
        line = Result(
            ok,
            self._number,
            description,
            Directive(directive) if directive else None,
            diagnostics,
        )
        self.stream.write(f"{line}\n")


def _described(name: str, target: str) -> str:
    return _plain(f"{name} [{target}]" if target else name)


def _plain(text: str) -> str:
    """Return one line without ``#``, which begins a directive; only ours may."""
    if "#" not in text and " " not in text and text.isascii() and text.isprintable():
        return text  # Of nearly all names this is all.
    return one_line(text).replace("#", "\uff03")


def _diagnostics(result: ProbeResult, target: str) -> str:
    """Return the YAML block of a result that is not plainly ok."""
    from django_probe.reporters._yaml import block

    values: dict[str, object] = {
        "message": telling.message_of(result),
        "severity": _severity(result),
        "outcome": result.outcome.value,
        "duration_ms": round(result.duration * 1000, 3),
        "target": target,
        "at": result.probe.source,
        "description": result.probe.description,
        "stack": telling.body_of(result),
        "attempts": [one_line(telling.message_of(one)) for one in result.attempts] or "",
        "stdout": result.stdout,
        "stderr": result.stderr,
    }
    return block(values)


def _severity(result: ProbeResult) -> str:
    if telling.excuse_of(result):
        return "todo"
    kind = "fail" if result.outcome in telling.FAILURES else "error"
    return "comment" if telling.is_pass(result) else kind


def _about_error(error: ErrorDetail, target: str, source: str = "") -> str:
    from django_probe.reporters._yaml import block

    values: dict[str, object] = {
        "message": error.message or error.exception_class_path,
        "severity": "error",
        "target": target,
        "at": source,
        "stack": error.traceback,
    }
    return block(values)
