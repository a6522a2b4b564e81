"""unittest's callbacks to one result per probe.

unittest says many things of one test: an error in its body, another in
tearDown, one for each sub-test. Here they become one ``ProbeResult``: the worst
of what was recorded, and all of it kept.
"""

from __future__ import annotations

import unittest
from dataclasses import replace
from datetime import datetime
from typing import Any

from django_probe.capture import Sink
from django_probe.details import Problem, class_path, text_of
from django_probe.exceptions import ProbeTimeout
from django_probe.redaction import Redactor
from django_probe.results import (
    NON_BLOCKING,
    ErrorDetail,
    Outcome,
    Probe,
    ProbeResult,
    SubTestResult,
)

__all__ = ["Recorder"]

MESSAGE_LIMIT = 8 * 1024
SUBTESTS_TOLD = 1000
"""Sub-tests that a result lists; the rest of those that passed are left out."""
TRACEBACKS_TOLD = 20
"""Sub-tests whose traceback a result keeps."""

_CLEANUP_FRAMES = frozenset({"_callTearDown", "_callCleanup", "doCleanups"})
_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}

ExcInfo = Any


class Recorder(unittest.TestResult):
    """Record one probe at a time, for one worker."""

    def __init__(self, redactor: Redactor, target: str, worker: str = "") -> None:
        super().__init__()
        self._redactor = redactor
        self._target = target
        self._worker = worker
        self.reset()

    def reset(self) -> None:
        """Forget the probe before."""
        self._outcomes: list[Outcome] = []
        self._errors: list[ErrorDetail] = []
        self._cleanup_errors: list[ErrorDetail] = []
        self._subtests: list[SubTestResult] = []
        self._tracebacks = 0
        self._reason = ""
        self._dirty = False
        if self.errors or self.failures:
            self.errors, self.failures = [], []

    # What unittest calls.

    def startTest(self, test: unittest.TestCase) -> None:
        """Take nothing: the executor keeps the time."""

    def stopTest(self, test: unittest.TestCase) -> None:
        """Take nothing: the executor asks for the result."""

    def addSuccess(self, test: unittest.TestCase) -> None:
        """Take nothing: what records nothing bad has passed."""

    def addDuration(self, test: unittest.TestCase, elapsed: float) -> None:
        """Take nothing: the duration includes the fixtures of the probe."""

    def addError(self, test: unittest.TestCase, err: ExcInfo) -> None:
        """Record an exception that is no failure."""
        self.errors.append((test, self._add(test, err, Outcome.ERRORED)))

    def addFailure(self, test: unittest.TestCase, err: ExcInfo) -> None:
        """Record a failed assertion."""
        self.failures.append((test, self._add(test, err, Outcome.FAILED)))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """Record a skip, of the probe or of one of its sub-tests."""
        if hasattr(test, "test_case"):
            self._add_subtest(test, Outcome.SKIPPED, None)
        else:
            self._note(Outcome.SKIPPED)
            self._reason = self.scrub(text_of(reason), MESSAGE_LIMIT)

    def addExpectedFailure(self, test: unittest.TestCase, err: ExcInfo) -> None:
        """Record a failure that was expected."""
        self._add(test, err, Outcome.EXPECTED_FAILURE)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """Record that an expected failure did not come."""
        self._note(Outcome.UNEXPECTED_SUCCESS)
        message = "Unexpected success: marked as an expected failure, but it passed."
        self._errors.append(ErrorDetail(exception_class_path="UnexpectedSuccess", message=message))

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: ExcInfo | None) -> None:
        """Record a sub-test."""
        if err is None:
            self._add_subtest(subtest, Outcome.PASSED, None)
            return
        outcome = _outcome_of(err, Outcome.ERRORED)
        if outcome is Outcome.ERRORED and issubclass(err[0], test.failureException):
            outcome = Outcome.FAILED
        detail = self.detail(err, test)
        self._add_subtest(subtest, outcome, detail)
        self._note(outcome)
        told = self.failures if outcome is Outcome.FAILED else self.errors
        told.append((subtest, detail.traceback))

    # What executors call.

    def add_raised(self, test: unittest.TestCase, err: ExcInfo) -> None:
        """Record what came out of a test case that unittest let through: KeyboardInterrupt."""
        self._add(test, err, Outcome.ERRORED)

    def result(
        self,
        probe: Probe,
        started_at: datetime,
        duration: float,
        sink: Sink | None = None,
        verdict: Problem | None = None,
    ) -> ProbeResult:
        """Return what was recorded since ``reset()`` as a result.

        A verdict from outside (it overran, the run was stopped) goes before
        what the probe itself recorded.
        """
        if not self._dirty and verdict is None and sink is None:
            return ProbeResult(
                probe=probe,
                outcome=Outcome.PASSED,
                started_at=started_at,
                duration=duration,
                target=self._target,
                worker=self._worker,
            )
        outcome = self._worst() if verdict is None else verdict.outcome
        return ProbeResult(
            probe=probe,
            outcome=outcome,
            started_at=started_at,
            duration=duration,
            target=self._target,
            worker=self._worker,
            blocking=outcome not in NON_BLOCKING,
            error=self._error(verdict),
            reason=verdict.reason if verdict and verdict.reason else self._reason,
            subtests=tuple(self._subtests),
            cleanup_errors=tuple(self._cleanup_errors),
            stdout=self._output(sink, "stdout"),
            stderr=self._output(sink, "stderr"),
        )

    def of_problem(self, probe: Probe, problem: Problem, started_at: datetime) -> ProbeResult:
        """Return the result of a probe that does not run because of a problem."""
        self.reset()
        return self.result(probe, started_at, 0.0, verdict=self.scrubbed(problem))

    def scrub(self, text: str, limit: int) -> str:
        """Return text that may be shown: clean, redacted, then cut."""
        return self._redactor.scrub(text, limit)

    def scrubbed(self, problem: Problem) -> Problem:
        """Return a problem whose texts may be shown."""
        error = problem.error and self._scrubbed_error(problem.error)
        reason = self.scrub(problem.reason, MESSAGE_LIMIT)
        return Problem(
            outcome=problem.outcome, error=error, reason=reason, source=problem.source
        )

    def detail(self, err: ExcInfo, test: Any) -> ErrorDetail:
        """Return an exception as a record."""
        kind, value, frames = err
        try:
            told = self._exc_info_to_string((kind, value, frames), test)  # type: ignore[attr-defined]
        except Exception as exc:
            told = f"<traceback that cannot be shown: {type(exc).__name__}>"
        raw = ErrorDetail(
            exception_class_path=class_path(kind), message=text_of(value), traceback=told
        )
        return self._scrubbed_error(raw)

    def _scrubbed_error(self, error: ErrorDetail) -> ErrorDetail:
        return ErrorDetail(
            exception_class_path=self.scrub(error.exception_class_path, MESSAGE_LIMIT),
            message=self.scrub(error.message, MESSAGE_LIMIT),
            traceback=self._redactor.scrub(error.traceback),
        )

    def _add(self, test: Any, err: ExcInfo, outcome: Outcome) -> str:
        detail = self.detail(err, test)
        self._note(_outcome_of(err, outcome))
        self._errors.append(detail)
        if _is_cleanup(err[2]):
            self._cleanup_errors.append(detail)
        return detail.traceback

    def _note(self, outcome: Outcome) -> None:
        self._dirty = True
        self._outcomes.append(outcome)

    def _add_subtest(self, subtest: Any, outcome: Outcome, error: ErrorDetail | None) -> None:
        self._dirty = True
        if outcome is Outcome.PASSED and len(self._subtests) >= SUBTESTS_TOLD:
            return
        self._tracebacks += error is not None
        if error is not None and self._tracebacks > TRACEBACKS_TOLD:
            error = ErrorDetail(
                exception_class_path=error.exception_class_path, message=error.message
            )
        whole, own = text_of(subtest.id()), subtest.test_case.id()
        description = self.scrub(whole.removeprefix(own).strip(), MESSAGE_LIMIT)
        self._subtests.append(
            SubTestResult(description=description, outcome=outcome, error=error)
        )

    def _worst(self) -> Outcome:
        return min(self._outcomes, key=_RANK.__getitem__, default=Outcome.PASSED)

    def _error(self, verdict: Problem | None) -> ErrorDetail | None:
        if verdict is not None and verdict.error is not None:
            return _with_earlier(verdict.error, self._errors)
        if self._errors:
            return self._errors[0]
        bad = [subtest for subtest in self._subtests if subtest.error]
        return _told_together(bad, len(self._subtests)) if bad else None

    def _output(self, sink: Sink | None, stream: str) -> str:
        kept = sink.get(stream) if sink else None
        return self._redactor.scrub_output(kept) if kept else ""


def _outcome_of(err: ExcInfo, outcome: Outcome) -> Outcome:
    return Outcome.TIMED_OUT if issubclass(err[0], ProbeTimeout) else outcome


def _is_cleanup(frames: Any) -> bool:
    """Tell whether unittest was in tearDown or a cleanup, by its own frames."""
    while frames is not None and "__unittest" in frames.tb_frame.f_globals:
        if frames.tb_frame.f_code.co_name in _CLEANUP_FRAMES:
            return True
        frames = frames.tb_next
    return False


def _with_earlier(error: ErrorDetail, earlier: list[ErrorDetail]) -> ErrorDetail:
    """Keep what a probe recorded before it was stopped from outside."""
    own = [e.traceback for e in earlier if not e.exception_class_path.endswith("ProbeTimeout")]
    if not own:
        return error
    return replace(error, traceback="\n".join([error.traceback, "Before that:", *own]))


def _told_together(bad: list[SubTestResult], total: int) -> ErrorDetail:
    names = ", ".join(subtest.description for subtest in bad[:10])
    more = f", and {len(bad) - 10} more" if len(bad) > 10 else ""
    errors = [(subtest.description, subtest.error) for subtest in bad if subtest.error]
    return ErrorDetail(
        exception_class_path=errors[0][1].exception_class_path,
        message=f"{len(bad)} of {total} sub-tests failed: {names}{more}",
        traceback="\n".join(f"{name}\n{error.traceback}" for name, error in errors),
    )
