"""Every reader of every format counts as the table of outcomes says: all outcomes, several targets."""

from __future__ import annotations

from collections import Counter

import pytest
import test_consumer_table as readers
from gate_samples import what_the_gate_says
from reading_reports import FORMATS
from test_reports import report

from django_probe.events import FixtureFailed, ProbeFinished, TargetFailed
from django_probe.results import Outcome
from django_probe.sample import sample_results, sample_run

pytestmark = pytest.mark.once

SOFT = (Outcome.EXPECTED_FAILURE, Outcome.SKIPPED)
FAILURES = (Outcome.FAILED, Outcome.UNEXPECTED_SUCCESS, Outcome.PASSED)


def kind_of(result):
    """Return what a result is to a reader, as the documents say."""
    if result.outcome is Outcome.PASSED and not result.blocking:
        return "pass"
    if result.blocking:
        return "failure" if result.outcome in FAILURES else "error"
    return "skip" if result.outcome is Outcome.SKIPPED else "todo"


def expected(events):
    """Return how many there are of each kind, with those that are no probes."""
    kinds = Counter(kind_of(e.result) for e in events if isinstance(e, ProbeFinished))
    kinds["error"] += sum(isinstance(e, FixtureFailed | TargetFailed) for e in events)
    return kinds


def as_readers_of_junit(kinds):
    told = {"tests": kinds.total(), "failures": kinds["failure"], "errors": kinds["error"]}
    return {**told, "skipped": kinds["skip"] + kinds["todo"]}


def as_readers_of_ctrf(kinds, not_run=0, flaky=0):
    bad = kinds["failure"] + kinds["error"]
    told = {"tests": kinds.total(), "passed": kinds["pass"], "failed": bad - not_run}
    told |= {"skipped": kinds["skip"] + kinds["todo"], "pending": not_run, "flaky": flaky}
    return {name: number for name, number in told.items() if number}


def numbers(said):
    """Return what a reader said as {word: number}."""
    parts = (part.split(" ", 1) for part in said.rpartition("; ")[2].split(", "))
    return {name: int(number) for number, name in parts}


def written(folder, events):
    for kind in (*FORMATS, "tap"):
        (folder / f"report.{kind}").write_text(report(kind, events), encoding="utf-8")
    return folder


EVERYTHING = [*sample_results(), *what_the_gate_says()]
RUNS = {
    "every outcome": sample_run(found=EVERYTHING),
    "two targets, a fixture and a target that failed": sample_run("eu", "us"),
}


@pytest.fixture(params=RUNS)
def run(request, tmp_path):
    """Return a run with its reports."""
    events = RUNS[request.param]
    return events, written(tmp_path, events)


def test_readers_of_junit(run):
    events, folder = run
    kinds = expected(events)
    assert numbers(readers.by_junitparser(folder)) == as_readers_of_junit(kinds)
    skipped = kinds["skip"] + kinds["todo"]
    assert numbers(readers.by_codecov(folder)) == {
        "pass": kinds["pass"], "failure": kinds["failure"], "error": kinds["error"],
        "skip": skipped,
    }  # fmt: skip


def test_readers_of_junit_that_need_node(run):
    events, folder = run
    kinds = expected(events)
    assert numbers(readers.by_junit2json(folder)) == as_readers_of_junit(kinds)
    assert numbers(readers.by_junit_to_ctrf(folder)) == as_readers_of_ctrf(kinds)


def test_the_reference_of_ctrf(run):
    events, folder = run
    found = [e.result for e in events if isinstance(e, ProbeFinished)]
    told = as_readers_of_ctrf(
        expected(events),
        not_run=sum(one.outcome is Outcome.NOT_RUN and one.blocking for one in found),
        flaky=sum(one.flaky for one in found),
    )
    assert numbers(readers.by_ctrf(folder)) == told


def test_readers_of_tap(tmp_path):
    # What failed beside the probes is beyond the plan, to which these readers object.
    events = RUNS["every outcome"]
    kinds, folder = expected(events), written(tmp_path, events)
    bad = kinds["failure"] + kinds["error"]
    told = {"not ok": bad, "ok": kinds["pass"], "skip": kinds["skip"], "todo": kinds["todo"]}
    assert numbers(readers.by_tap_py(folder)) == told
    assert numbers(readers.by_prove(folder)) == {"tests": kinds.total(), "failed": bad}
    assert numbers(readers.by_tap_parser(folder)) == {
        "count": kinds.total(), "pass": kinds["pass"] + kinds["skip"], "fail": bad + kinds["todo"],
        "skip": kinds["skip"], "todo": kinds["todo"],
    }  # fmt: skip
    assert numbers(readers.by_tap_junit(folder)) == {
        "tests": kinds.total(), "failures": bad + kinds["todo"], "skipped": kinds["skip"],
    }  # fmt: skip


def test_readers_of_metrics(run):
    events, folder = run
    found = [e.result for e in events if isinstance(e, ProbeFinished)]
    names = {(one.probe.label, one.target) for one in found}  # The worst stands for its twins.
    bad = {(one.probe.label, one.target) for one in found if one.blocking}
    said = f"`django_probe_run_ok` 0; {len(bad)} of {len(names)} not ok"
    assert readers.by_prometheus(folder) == said
    assert readers.by_nagiosplugin(folder) == "writes the same 16 figures; `PROBES CRITICAL`"
