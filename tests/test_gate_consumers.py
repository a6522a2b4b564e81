"""What the gate says of a result is read as it is meant: flaky, warning, quarantined."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter

import pytest
from gate_samples import what_the_gate_says
from support import ROOT
from test_reports import report

from django_probe.sample import sample_run

TAP_PARSER = ROOT / "tests/consumers/node_modules/tap-parser/bin/cmd.cjs"


def written(name: str) -> str:
    return report(name, sample_run(found=what_the_gate_says()))


def test_junitparser_sees_three_that_block_and_two_that_do_not():
    from junitparser import JUnitXml

    (suite,) = JUnitXml.fromstring(written("junit").encode())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (7, 2, 1, 2)
    told = {case.name: [type(result).__name__ for result in case.result] for case in suite}
    assert told["test_flaky"] == []
    assert told["test_flaky_and_blocking"] == ["Failure"]
    assert told["test_warning_of_which_the_quarantine_has_ended"] == ["Skipped"]
    assert told["test_blocks_as_the_quarantine_has_ended"] == ["Failure"]


def test_codecovs_parser_sees_the_same():
    parser = pytest.importorskip("test_results_parser")
    runs = parser.parse_junit_xml(written("junit").encode()).testruns
    counts = Counter(str(run.outcome).rpartition(".")[2] for run in runs)
    assert counts == {"pass": 2, "failure": 2, "error": 1, "skip": 2}


@pytest.mark.once
def test_perls_prove_sees_the_same(tmp_path):
    prove = shutil.which("prove")
    if prove is None:
        pytest.skip("prove (Perl) is not installed")
    path = tmp_path / "report.tap"
    path.write_text(written("tap"), encoding="utf-8")
    done = subprocess.run(
        [prove, "--exec", "cat", str(path)], capture_output=True, text=True, check=False
    )
    assert "Tests: 7 Failed: 3)" in done.stdout
    assert "Parse errors" not in done.stdout


def test_tap_py_reads_the_tries_of_a_flaky_probe():
    from tap.parser import Parser

    lines = [line for line in Parser().parse_text(written("tap")) if line.category == "test"]
    assert [line.ok for line in lines] == [True, False, False, False, False, False, True]
    assert [line.todo for line in lines] == [False, False, False, True, False, True, False]
    assert len(lines[0].yaml_block["attempts"]) == 2
    assert lines[0].yaml_block["severity"] == "comment"


@pytest.mark.once
def test_npms_tap_parser_sees_the_same_when_strict():
    node = shutil.which("node")
    if node is None or not TAP_PARSER.is_file():
        pytest.skip("npm's tap-parser is not installed: make consumers")
    done = subprocess.run(
        [node, str(TAP_PARSER), "--strict", "--json"],
        input=written("tap"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    final = next(e[1] for e in json.loads(done.stdout) if e[0] == "complete")
    assert (final["count"], final["pass"], final["todo"]) == (7, 2, 2)
    assert not [failure for failure in final["failures"] if failure.get("tapError")]
