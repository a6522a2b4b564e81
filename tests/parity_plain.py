"""Run modules by plain unittest and write down all that its result object is told.

It is copied beside the project whose modules it runs, and started as
``python parity_plain.py OUTPUT MODULE...``. Django is set up first, as it is
for our side: it changes what tests see (it registers SQLite adapters).
"""

from __future__ import annotations

import json
import sys
import time
import unittest
from collections import Counter
from typing import Any
from unittest.case import _SubTest
from unittest.suite import _ErrorHolder

import django


class Notes(unittest.TestResult):
    """Note each call under the test that was running, or under the fixture that made it."""

    def __init__(self, cases: list[unittest.TestCase]) -> None:
        super().__init__()
        self.records = [_record(case) for case in cases]
        self.fixtures: list[tuple[str, str]] = []
        self._places = {id(case): place for place, case in enumerate(cases)}

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        self.record(test)["starts"] += 1

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self._note(test, "passed")

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self._note(test, "errored", err)

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self._note(test, "failed", err)

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        if isinstance(test, _SubTest):
            self.record(test.test_case)["subtests"]["skipped"] += 1
        else:
            self._note(test, "skipped", reason=reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self._note(test, "expected_failure", err)

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self._note(test, "unexpected_success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        outcome = "passed"
        if err is not None:
            outcome = "failed" if issubclass(err[0], test.failureException) else "errored"
            self._note(test, outcome, err)
        self.record(test)["subtests"][outcome] += 1

    def record(self, test: Any) -> dict[str, Any]:
        """Return the record of a test; KeyError for one that nobody asked for."""
        return self.records[self._places[id(test)]]

    def _note(self, test: Any, outcome: str, err: Any = None, reason: str = "") -> None:
        if isinstance(test, _ErrorHolder):
            self.fixtures.append((test.id(), outcome))
            return
        record = self.record(test)
        record["calls"].append(outcome)
        if outcome == "skipped":
            record["reasons"].append(str(reason))
        if err is not None:
            record["told"].append(_text_of(err[1]))


def _record(case: Any) -> dict[str, Any]:
    kind = type(case)
    return {
        "id": case.id(),
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "module": kind.__module__,
        "method": getattr(case, "_testMethodName", ""),
        "starts": 0,
        "calls": [],
        "subtests": Counter(),
        "reasons": [],
        "told": [],
    }


def _text_of(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:
        return "<no words>"


def _flatten(suite: Any) -> list[unittest.TestCase]:
    if isinstance(suite, unittest.TestCase):
        return [suite]
    return [case for item in suite for case in _flatten(item)]


def run(suite: Any) -> Notes:
    """Run a suite; go on after a ``KeyboardInterrupt``, with which unittest itself ends."""
    cases = _flatten(suite)
    notes = Notes(cases)
    while True:
        try:
            suite.run(notes)
        except KeyboardInterrupt:
            started = [place for place, record in enumerate(notes.records) if record["starts"]]
            notes.records[started[-1]]["calls"].append("interrupted")
            suite = unittest.TestSuite(cases[started[-1] + 1 :])
            notes._testRunEntered = False
        else:
            return notes


def main(output: str, *modules: str) -> None:
    """Write ``{"records": […], "fixtures": […], "seconds": …}`` to a file."""
    django.setup()
    suite = unittest.TestLoader().loadTestsFromNames(modules)
    began = time.monotonic()
    notes = run(suite)
    seconds = time.monotonic() - began
    with open(output, "w", encoding="utf-8", errors="backslashreplace") as stream:
        json.dump(
            {"records": notes.records, "fixtures": notes.fixtures, "seconds": seconds}, stream
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
