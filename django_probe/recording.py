"""unittest's callbacks to one result per probe.

unittest says many things of one test: an error in its body, another in tearDown, one for each
sub-test. Here they become one ``ProbeResult``: the worst that was recorded, and all of it kept.
"""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest.case import _SubTest  # type: ignore[attr-defined]

from django_probe.capture import Sink
from django_probe.details import Problem, kinds_of
from django_probe.exceptions import ProbeTimeout
from django_probe.policy import blocks, is_tried_again
from django_probe.results import ErrorDetail, Outcome, Probe, ProbeResult
from django_probe.run_config import RunConfig
from django_probe.scrubbing import Scrubber
from django_probe.subtests import SubTests
from django_probe.tracebacks import TIMEOUT, formatted, is_of_cleanup, raised

__all__ = ["Recorder"]

ERRORS_TOLD = 20
"""Errors of one probe, and errors of its cleanups, that a result keeps."""

KEPT_FOR_AUTHORS = 1000
"""Sub-tests in ``errors`` and ``failures``, at which a probe's tearDown may look."""

_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}

ExcInfo = Any


class Recorder(unittest.TestResult):
    """Record one probe at a time, for one worker."""

    def __init__(self, config: RunConfig, target: str, worker: str = "") -> None:
        super().__init__()
        self._config = config
        self._scrubber = Scrubber(config.redactor)
        self._target = target
        self._worker = worker
        self._dirty = True
        self._subtests = SubTests()
        self.reset()

    def reset(self) -> None:
        """Forget the probe before."""
        if not self._dirty:
            return
        self._dirty = False
        self._outcomes: list[Outcome] = []
        self._errors: list[ErrorDetail] = []
        self._cleanup_errors: list[ErrorDetail] = []
        if self._subtests.total:
            self._subtests = SubTests()
        self._raised: set[tuple[str, ...]] = set()
        self._reason = ""
        self.errors, self.failures, self.skipped = [], [], []
        self.expectedFailures, self.unexpectedSuccesses = [], []

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
        if isinstance(test, _SubTest):  # Not hasattr: a probe may be named ``test_case``.
            self._add_subtest(test, Outcome.SKIPPED, None)
            return
        self._note(Outcome.SKIPPED)
        self._reason = self._reason or self._scrubber.message(reason)
        self.skipped.append((test, self._reason))

    def addExpectedFailure(self, test: unittest.TestCase, err: ExcInfo) -> None:
        """Record a failure that was expected."""
        self.expectedFailures.append((test, self._add(test, err, Outcome.EXPECTED_FAILURE)))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """Record that an expected failure did not come."""
        self._note(Outcome.UNEXPECTED_SUCCESS)
        message = "Unexpected success: marked as an expected failure, but it passed."
        self._errors.append(ErrorDetail(exception_class_path="UnexpectedSuccess", message=message))
        self.unexpectedSuccesses.append(test)

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: ExcInfo | None) -> None:
        """Record a sub-test."""
        if err is None:
            self._add_subtest(subtest, Outcome.PASSED, None)
            return
        outcome = _outcome_of(err, Outcome.ERRORED)
        if outcome is Outcome.ERRORED and issubclass(err[0], test.failureException):
            outcome = Outcome.FAILED
        self._note(outcome)
        self._raised.add(kinds_of(err[0]))
        told = formatted(self, err, test) if self._subtests.has_room else ""
        detail = self._scrubber.error(raised(err, told))
        self._add_subtest(subtest, outcome, detail)
        kept = self.failures if outcome is Outcome.FAILED else self.errors
        if len(kept) < KEPT_FOR_AUTHORS:
            kept.append((subtest, detail.traceback or detail.message))

    # What executors call.

    def add_raised(self, test: unittest.TestCase | None, err: ExcInfo) -> None:
        """Record what unittest let through: ``KeyboardInterrupt``, what ``__init__`` raised."""
        self._add(test, err, Outcome.ERRORED)

    def result(
        self,
        probe: Probe,
        started_at: datetime,
        duration: float,
        sink: Sink | None = None,
        verdict: Problem | None = None,
    ) -> ProbeResult:
        """Return what was recorded since ``reset()``; a verdict from outside goes before it."""
        if not self._dirty and verdict is None and sink is None:
            return ProbeResult(
                probe=probe,
                outcome=Outcome.PASSED,
                started_at=started_at,
                duration=duration,
                target=self._target,
                worker=self._worker,
            )
        outcome = _worst(self._outcomes) if verdict is None else verdict.outcome
        raised = self._raised if verdict is None else {*self._raised, verdict.kinds}
        again = is_tried_again(self._config, probe, outcome, raised)
        return ProbeResult(
            probe=probe,
            outcome=outcome,
            started_at=started_at,
            duration=duration,
            target=self._target,
            worker=self._worker,
            blocking=not again and blocks(self._config, probe, outcome),
            again=again,
            error=self._error(verdict),
            reason=verdict.reason if verdict and verdict.reason else self._reason,
            subtests=self._subtests.results(),
            cleanup_errors=tuple(self._cleanup_errors),
            stdout=self._scrubber.output(sink.get("stdout")) if sink else "",
            stderr=self._scrubber.output(sink.get("stderr")) if sink else "",
        )

    def of_problem(
        self, probe: Probe, problem: Problem, started_at: datetime, sink: Sink | None = None
    ) -> ProbeResult:
        """Return the result of a probe that does not run because of a problem."""
        self.reset()
        (probe,) = self.shown([probe])
        return self.result(probe, started_at, 0.0, sink=sink, verdict=self.scrubbed(problem))

    def shown(self, probes: Sequence[Probe]) -> Sequence[Probe]:
        """Return records of probes without secrets."""
        return self._scrubber.probes(probes)

    def named(self, text: str) -> str:
        """Return the name of a class, a fixture or the like without secrets, on one line."""
        return self._scrubber.name(text)

    def scrubbed(self, problem: Problem) -> Problem:
        """Return a problem whose texts may be shown."""
        return self._scrubber.problem(problem)

    def _add(self, test: Any, err: ExcInfo, outcome: Outcome) -> str:
        self._note(_outcome_of(err, outcome))
        self._raised.add(kinds_of(err[0]))
        has_room = len(self._errors) < ERRORS_TOLD
        told = formatted(self, err, test) if has_room else ""
        detail = self._scrubber.error(raised(err, told))
        if has_room:
            self._errors.append(detail)
        if len(self._cleanup_errors) < ERRORS_TOLD and is_of_cleanup(err[2]):
            self._cleanup_errors.append(detail)
        return detail.traceback or detail.message

    def _note(self, outcome: Outcome) -> None:
        self._dirty = True
        self._outcomes.append(outcome)

    def _add_subtest(self, subtest: Any, outcome: Outcome, error: ErrorDetail | None) -> None:
        self._dirty = True
        try:
            description = str(subtest.id()).removeprefix(subtest.test_case.id())
        except Exception as exc:
            description = f"<sub-test that cannot be shown: {type(exc).__name__}>"
        self._subtests.add(self._scrubber.name(description), outcome, error)

    def _error(self, verdict: Problem | None) -> ErrorDetail | None:
        """Return what went wrong as one error: the verdict, or the first that was recorded."""
        errors = self._errors
        together = self._subtests.told_together()
        if together is not None:
            errors = [_with_next(together, errors), *errors]
        if verdict is not None:
            own = [error for error in errors if error.exception_class_path != TIMEOUT]
            errors = [verdict.error, *own] if verdict.error else own
        elif together is None:
            return errors[0] if errors else None
        return self._joined(errors)

    def _joined(self, errors: list[ErrorDetail]) -> ErrorDetail | None:
        """Return the first error, with what the others tell below it."""
        if not errors:
            return None
        told = [errors[0].traceback]
        if len(errors) > 1:
            told += ["Recorded besides:", *(e.traceback or e.message for e in errors[1:])]
        return replace(errors[0], traceback=self._scrubber.text("\n".join(told)))


def _worst(outcomes: list[Outcome]) -> Outcome:
    return min(outcomes, key=_RANK.__getitem__, default=Outcome.PASSED)


def _outcome_of(err: ExcInfo, outcome: Outcome) -> Outcome:
    return Outcome.TIMED_OUT if issubclass(err[0], ProbeTimeout) else outcome


def _with_next(together: ErrorDetail, errors: list[ErrorDetail]) -> ErrorDetail:
    """Name what went wrong after the sub-tests."""
    if not errors:
        return together
    after = f"{together.message}; then {errors[0].exception_class_path}: {errors[0].message}"
    return replace(together, message=after)
