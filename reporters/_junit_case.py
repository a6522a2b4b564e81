"""One ``<testcase>``, rendered by unittest-xml-reporting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xmlrunner.result import _TestInfo, _XMLTestResult

from django_probe.reporters._junit_names import BEGIN
from django_probe.reporters._xml import CData, Children, Document, Element, is_special
from django_probe.results import ErrorDetail, Outcome, ProbeResult
from django_probe.telling import FAILURES, body_of, excuse_of, is_pass, message_of, stable

__all__ = ["Case", "case_of", "case_xml", "rendered"]

_DOCUMENT = Document()
_TYPES = {
    Outcome.TIMED_OUT: "Timeout",
    Outcome.NOT_RUN: "NotRun",
    Outcome.UNEXPECTED_SUCCESS: "UnexpectedSuccess",
    Outcome.SKIPPED: "skip",
    Outcome.PASSED: "Flaky",
}


@dataclass(slots=True, kw_only=True)
class Case:
    """What unittest-xml-reporting asks of a test; the names are its own."""

    test_id: str
    timestamp: str
    elapsed_time: float = 0.0
    outcome: int = _TestInfo.SUCCESS
    test_exception_name: str = ""
    test_exception_message: str = ""
    body: str = ""
    stdout: str = ""
    stderr: str = ""
    source: str = ""
    attempts: tuple[ProbeResult, ...] = ()
    # It makes file names relative, and asks for line and docstring, at its own price.
    filename: None = None
    lineno: None = None
    doc: None = None

    OUTCOME_ELEMENTS = _TestInfo.OUTCOME_ELEMENTS

    def id(self) -> str:
        """Return what class and name are taken from."""
        return self.test_id

    def get_error_info(self) -> str:
        """Return nothing: it would look through the body twice for what no record holds."""
        return ""


def case_of(result: ProbeResult, target: str) -> Case:
    """Return the case of a result; a target that is shown stands in class and name."""
    probe = result.probe
    case = Case(
        test_id=f"{target}.{probe.id} [{target}]" if target else probe.id,
        timestamp=result.started_at.isoformat(),
        elapsed_time=result.duration,
        stdout=result.stdout,
        stderr=result.stderr,
        source=probe.source,
        attempts=result.attempts,
    )
    if not is_pass(result):
        case.outcome = _element_of(result)
        case.test_exception_name = _type_of(result)
        case.test_exception_message = stable(message_of(result))
        case.body = body_of(result)
    return case


def case_xml(case: Case) -> str:
    """Return a case as XML, on lines of its own, for ``numbering``."""
    return _filled_in(case) or rendered(case)


def _filled_in(case: Case) -> str:
    """Return a case that has nothing but attributes, "" for any other."""
    if case.outcome != _TestInfo.SUCCESS or case.stdout or case.stderr or case.attempts:
        return ""
    file, _, line = case.source.rpartition(":")
    # What xmlrunner leaves out of a class name is left to it.
    if not file or is_special(case.test_id + case.source) or case.test_id.startswith("__main__"):
        return ""
    head, blank, rest = case.test_id.partition(" ")
    class_name, _, name = head.rpartition(".")
    return _PLAIN % (class_name, name + blank + rest, case.elapsed_time, case.timestamp, file, line)


def rendered(case: Case) -> str:
    """Return the same as xmlrunner makes it, whatever is in the case."""
    children = Children()
    _XMLTestResult._report_testcase(case, children, _DOCUMENT)
    (element,) = children
    if case.body:
        cast("Element", element.children[0]).appendChild(CData(case.body))
    file, _, line = case.source.rpartition(":")
    if file:
        element.setAttribute("file", file)
        element.setAttribute("line", line)
    passed = case.outcome == _TestInfo.SUCCESS
    for attempt in case.attempts:
        element.insert_before_output(_attempt(attempt, passed=passed))
    return f"{BEGIN}{element.xml()}\n"


_PLAIN = rendered(Case(test_id="%s.%s", timestamp="%s", source="%s:%s")).replace("0.000", "%.3f")
"""What xmlrunner makes of a case that has nothing but attributes; nearly every case is one."""


def _attempt(result: ProbeResult, *, passed: bool) -> Element:
    """Return an earlier try, as Surefire tells it: with a ``stackTrace`` inside.

    Always as a failure: fewer readers know ``flakyError`` and ``rerunError``.
    """
    element = Element("flakyFailure" if passed else "rerunFailure")
    element.setAttribute("type", _type_of(result))
    element.setAttribute("message", stable(message_of(result)))
    trace = Element("stackTrace")
    trace.appendChild(CData(body_of(result)))
    element.appendChild(trace)
    return element


def _element_of(result: ProbeResult) -> int:
    if result.outcome is Outcome.SKIPPED or excuse_of(result):
        return int(_TestInfo.SKIP)
    return int(_TestInfo.FAILURE if result.outcome in FAILURES else _TestInfo.ERROR)


def _type_of(result: ProbeResult) -> str:
    if excuse_of(result):
        return excuse_of(result).replace(" ", "_")
    error: ErrorDetail | None = result.error
    return _TYPES.get(result.outcome) or (error.exception_class_path if error else "Error")
