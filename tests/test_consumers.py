"""The programs that read our reports for a living agree with the table of outcomes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter

import pytest
from support import ROOT, Project

TAP_PARSER = ROOT / "tests/consumers/node_modules/tap-parser/bin/cmd.cjs"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Run the nasty probes once; return the folder of the reports, and the run."""
    folder = tmp_path_factory.mktemp("reports")
    project = Project(ROOT / "tests" / "project")
    kinds = [f"--report={kind}={folder}/report.{kind}" for kind in ("junit", "json", "jsonl")]
    done = project.probe("--format=tap", *kinds)
    (folder / "report.tap").write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    return folder


@pytest.fixture(scope="module")
def results(reports):
    """Return the results of the JSON report."""
    return json.loads((reports / "report.json").read_text(encoding="utf-8"))["results"]


@pytest.fixture(scope="module")
def outcomes(results):
    """Return how many results have each outcome."""
    return Counter(result["outcome"] for result in results)


def test_every_outcome_is_there(outcomes):
    # not_run needs a run that is cut short: test_a_run_cut_short_…
    assert dict(outcomes) == {
        "passed": 9,
        "failed": 8,
        "errored": 7,
        "timed_out": 1,
        "unexpected_success": 1,
        "skipped": 3,
        "expected_failure": 1,
    }


def test_junitparser_counts_as_the_table_says(reports, outcomes):
    from junitparser import JUnitXml

    counts = Counter()
    for suite in JUnitXml.fromfile(str(reports / "report.junit")):
        cases = list(suite)
        assert suite.tests == len(cases)
        told = Counter(type(result).__name__ for case in cases for result in case.result)
        assert (suite.failures, suite.errors, suite.skipped) == (
            told["Failure"],
            told["Error"],
            told["Skipped"],
        )
        counts.update(told)
        counts["Passed"] += sum(1 for case in cases if not case.result)
        for case in cases:
            assert case.name
            assert case.classname
            assert len(case.result) <= 1
            for result in case.result:
                assert result.message
                assert result.text.strip()
    assert counts == {
        "Passed": outcomes["passed"],
        "Failure": outcomes["failed"] + outcomes["unexpected_success"],
        "Error": outcomes["errored"] + outcomes["timed_out"],
        "Skipped": outcomes["skipped"] + outcomes["expected_failure"],
    }


def test_codecovs_parser_counts_as_the_table_says(reports, outcomes):
    parser = pytest.importorskip("test_results_parser")
    runs = parser.parse_junit_xml((reports / "report.junit").read_bytes()).testruns
    counts = Counter(str(run.outcome).rpartition(".")[2] for run in runs)
    assert counts == {
        "pass": outcomes["passed"],
        "failure": outcomes["failed"] + outcomes["unexpected_success"],
        "error": outcomes["errored"] + outcomes["timed_out"],
        "skip": outcomes["skipped"] + outcomes["expected_failure"],
    }
    assert len({(run.testsuite, run.classname, run.name) for run in runs}) == len(runs)
    for run in runs:
        assert run.failure_message or str(run.outcome) != "failure"


def test_perls_prove_counts_as_the_table_says(reports, outcomes):
    prove = shutil.which("prove")
    if prove is None:
        pytest.skip("prove (Perl) is not installed")
    done = subprocess.run(
        [prove, "--exec", "cat", str(reports / "report.tap")],
        capture_output=True,
        text=True,
        check=False,
    )
    total = sum(outcomes.values())
    not_ok = total - outcomes["passed"] - outcomes["skipped"] - outcomes["expected_failure"]
    assert f"Tests: {total} Failed: {not_ok})" in done.stdout
    assert "Parse errors" not in done.stdout


def test_tap_py_reads_its_own_lines_back(reports, outcomes):
    from tap.parser import Parser

    lines = list(Parser().parse_text((reports / "report.tap").read_text(encoding="utf-8")))
    assert not [line for line in lines if line.category in ("unknown", "bail")]
    tests = [line for line in lines if line.category == "test"]
    assert [line.number for line in tests] == list(range(1, sum(outcomes.values()) + 1))
    assert sum(1 for line in tests if line.skip) == outcomes["skipped"]
    assert sum(1 for line in tests if line.todo) == outcomes["expected_failure"]
    good = sum(1 for line in tests if line.ok and not line.skip)
    assert good == outcomes["passed"]
    for line in tests:
        if not line.ok:
            assert line.yaml_block["message"]
            assert isinstance(line.yaml_block["at"], str)
            assert line.yaml_block["duration_ms"] >= 0


def test_npms_tap_parser_accepts_it_when_strict(reports, outcomes):
    node = shutil.which("node")
    if node is None or not TAP_PARSER.is_file():
        pytest.skip("npm's tap-parser is not installed: make consumers")
    done = subprocess.run(
        [node, str(TAP_PARSER), "--strict", "--json"],
        input=(reports / "report.tap").read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=False,
    )
    final = next(e[1] for e in json.loads(done.stdout) if e[0] == "complete")
    total = sum(outcomes.values())
    assert final["count"] == total
    assert final["skip"] == outcomes["skipped"]
    assert final["todo"] == outcomes["expected_failure"]
    bad = total - outcomes["passed"] - outcomes["skipped"] - outcomes["expected_failure"]
    assert final["fail"] - final["todo"] == bad
    assert not [failure for failure in final["failures"] if failure.get("tapError")]


def test_no_report_holds_what_breaks_its_reader(reports):
    for path in reports.iterdir():
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        assert "\x1b" not in text
        assert "\x00" not in text
        assert b"nasty-secret-key" not in raw
        assert not [
            line for line in text.split("\n") if line.lstrip().startswith(("::", "section_"))
        ], path
        assert "this ran" not in text


def test_names_are_the_same_from_run_to_run(reports, tmp_path):
    project = Project(ROOT / "tests" / "project")
    again = project.probe("--format=junit", "-k", "nasty.probes.Errors.test_address").stdout
    first = (reports / "report.junit").read_text(encoding="utf-8")

    def identity(xml: str) -> str:
        start = xml.index('name="test_address"')
        return xml[start : xml.index("<![CDATA", start)].split('message="')[1]

    assert identity(again) == identity(first)
    assert "0x…" in identity(first)


def test_a_saved_wire_says_the_same_as_the_other_reports(reports, outcomes):
    from django_probe.events import ProbeFinished, RunFinished
    from django_probe.wire import decode

    lines = (reports / "report.jsonl").read_text(encoding="utf-8").splitlines()
    events = [decode(line) for line in lines]
    told = Counter(e.result.outcome.value for e in events if isinstance(e, ProbeFinished))
    assert told == outcomes
    assert isinstance(events[-1], RunFinished)
    assert events[-1].summary.exit_code == 1


def test_a_run_cut_short_is_a_bail_out_after_every_planned_line(tmp_path):
    project = Project.make(
        tmp_path,
        {
            "shop/probes.py": """
                import os, signal, time, unittest
                class Stopped(unittest.TestCase):
                    def test_a(self):
                        pass
                    def test_b(self):
                        os.kill(os.getpid(), signal.SIGTERM)
                        while True:
                            time.sleep(0.01)
                    def test_c(self):
                        pass
            """
        },
    )
    done = project.probe("--format=tap", f"--report=junit={tmp_path}/junit.xml")
    assert done.returncode == 143
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert lines == [
        "TAP version 13",
        "1..3",
        "ok 1 shop.probes.Stopped.test_a",
        "not ok 2 shop.probes.Stopped.test_b",
        "not ok 3 shop.probes.Stopped.test_c",
        "Bail out! interrupted (SIGTERM) while it ran",
    ]
    xml = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert xml.count('<error type="NotRun"') == 2
    assert 'tests="3" failures="0" errors="2"' in xml
