"""A run of two targets, and one that cannot be asked, as the programs that read reports see it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from reading_reports import TAP_PARSER, node
from test_reports import report

from django_probe.results import Outcome
from django_probe.sample import sample_run
from django_probe.tally import Tally

pytestmark = pytest.mark.ends

RESULTS = 2 * 14
"""Of each target but the probe that did not run, which would end a TAP stream."""
BESIDES = 2
"""A fixture and a target that failed."""


@pytest.fixture(scope="module")
def run():
    *events, last = sample_run("eu", "us")
    events = [e for e in events if "test_not_run" not in repr(getattr(e, "probe", e))]
    tally = Tally()
    for event in events:
        tally.add(event)
    counts = tally.total()
    assert counts.total == RESULTS
    summary = replace(last.summary, counts=counts, by_target=tally.by_target(events[0].targets))
    return [*events, replace(last, summary=summary)]


def bad(run):
    counts = run[-1].summary.counts
    kinds = (Outcome.FAILED, Outcome.ERRORED, Outcome.TIMED_OUT, Outcome.UNEXPECTED_SUCCESS)
    # One of each target only warns, one is quarantined.
    return sum(map(counts.of, kinds)) - 4


def test_junitparser_counts_each_target_and_sees_the_one_that_is_lost(run):
    from junitparser import JUnitXml

    suites = list(JUnitXml.fromstring(report("junit", run).encode()))
    keys = Counter((case.classname, case.name) for suite in suites for case in suite)
    assert sum(keys.values()) == len(keys) == RESULTS + BESIDES
    by_target = Counter()
    for suite in suites:
        assert suite.tests == len(list(suite))
        by_target[suite.hostname] += suite.tests
        told = {one.name: one.value for one in suite.properties()}
        assert told["target"] == suite.hostname
        assert suite.name.startswith(f"{suite.hostname}.")
        if suite.hostname != "us-2":
            assert told["release"] == {"eu": "2026.3", "us": "2026.2"}[suite.hostname]
    assert by_target == {"eu": RESULTS // 2 + 1, "us": RESULTS // 2, "us-2": 1}
    assert ("us-2.django_probe.target", "answers [us-2]") in keys
    wrong = sum(suite.failures + suite.errors for suite in suites)
    assert wrong == bad(run) + BESIDES


def test_names_alone_and_classes_with_names_tell_all_apart(run):
    """Each consumer has its own key: none may merge two targets."""
    from junitparser import JUnitXml

    cases = [c for suite in JUnitXml.fromstring(report("junit", run).encode()) for c in suite]
    by_name = Counter((case.name, case.classname.rpartition(".")[2]) for case in cases)
    assert set(by_name.values()) == {1}


def test_codecovs_parser_counts_the_same(run):
    parser = pytest.importorskip("test_results_parser")
    runs = parser.parse_junit_xml(report("junit", run).encode()).testruns
    counts = Counter(str(one.outcome).rpartition(".")[2] for one in runs)
    assert counts["failure"] + counts["error"] == bad(run) + BESIDES
    assert sum(counts.values()) == RESULTS + BESIDES
    names = {(one.classname, one.name) for one in runs}
    assert len(names) == RESULTS + BESIDES


@pytest.mark.once
def test_perls_prove_counts_the_same(run, tmp_path):
    prove = shutil.which("prove")
    if prove is None:
        pytest.skip("prove (Perl) is not installed")
    path = tmp_path / "report.tap"
    path.write_text(report("tap", run), encoding="utf-8")
    done = subprocess.run(
        [prove, "--exec", "cat", str(path)], capture_output=True, text=True, check=False
    )
    assert f"Tests: {RESULTS + BESIDES} Failed: {bad(run) + BESIDES})" in done.stdout
    assert "Parse errors" not in done.stdout


def test_tap_py_sees_the_target_in_description_and_yaml(run):
    from tap.parser import Parser

    lines = [line for line in Parser().parse_text(report("tap", run)) if line.category == "test"]
    assert len(lines) == RESULTS + BESIDES
    assert len({line.description for line in lines}) == len(lines)
    for line in lines:
        alias = line.description.rpartition("[")[2].rstrip("]")
        assert alias in {"eu", "us", "us-2"}
        if not line.ok:
            assert line.yaml_block["target"] == alias


@pytest.mark.once
def test_npms_tap_parser_counts_the_same(run):
    program = shutil.which("node")
    if program is None or not TAP_PARSER.is_file():
        pytest.skip("npm's tap-parser is not installed: make consumers")
    done = subprocess.run(
        [program, str(TAP_PARSER), "--strict", "--json"],
        input=report("tap", run),
        capture_output=True,
        text=True,
        check=False,
    )
    final = next(e[1] for e in json.loads(done.stdout) if e[0] == "complete")
    assert final["count"] == RESULTS + BESIDES
    assert final["fail"] - final["todo"] == bad(run) + BESIDES
    assert not [failure for failure in final["failures"] if failure.get("tapError")]


def test_ctrf_has_the_target_as_a_label(run):
    tests = json.loads(report("ctrf", run))["results"]["tests"]
    assert Counter(test["labels"]["target"] for test in tests) == {
        "eu": RESULTS // 2 + 1,
        "us": RESULTS // 2,
        "us-2": 1,
    }
    assert len({test["name"] for test in tests}) == RESULTS + BESIDES


@pytest.mark.once
def test_ctrfs_own_library_counts_the_same(run, tmp_path):
    path = tmp_path / "report.ctrf"
    path.write_text(report("ctrf", run), encoding="utf-8")
    told = json.loads(path.read_text(encoding="utf-8"))["results"]["summary"]
    counted = json.loads(node("ctrf.mjs", path))
    assert counted["failed"] == told["failed"] == bad(run) + BESIDES
    assert counted["tests"] == RESULTS + BESIDES
