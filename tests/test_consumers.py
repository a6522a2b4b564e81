"""The programs that read our reports for a living agree with the table of outcomes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter

import pytest
from reading_reports import TAP_PARSER, annotations, node, rendered
from support import ROOT, Project

pytestmark = pytest.mark.ends


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


@pytest.mark.once
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


@pytest.mark.once
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


@pytest.mark.once
def test_ctrfs_own_library_accepts_it_and_counts_as_the_table_says(reports, outcomes):
    report = json.loads((reports / "report.ctrf").read_text(encoding="utf-8"))
    told = report["results"]["summary"]
    counted = json.loads(node("ctrf.mjs", reports / "report.ctrf"))
    for clock in ("start", "stop", "duration"):
        del counted[clock]
    assert counted.items() <= {**told, "other": 0}.items()
    assert told["passed"] == outcomes["passed"]
    assert told["skipped"] == outcomes["skipped"] + outcomes["expected_failure"]
    assert told["pending"] == 0
    assert told["failed"] == sum(outcomes.values()) - told["passed"] - told["skipped"]
    assert report["results"]["environment"]["healthy"] is False


@pytest.mark.once
def test_annotations_are_what_githubs_own_toolkit_writes(reports):
    text = (reports / "report.github").read_text(encoding="utf-8")
    assert node("annotations.mjs", input=json.dumps(annotations(text))) == text


def test_github_shows_every_annotation_that_is_written(reports, outcomes):
    found = annotations((reports / "report.github").read_text(encoding="utf-8"))
    assert Counter(one["level"] for one in found) == {"error": 10}
    assert all(len(one["message"]) <= 4096 and len(one["title"]) < 256 for one in found)
    places = {(one.get("file"), one.get("line", "").isdigit()) for one in found[:-1]}
    assert places == {("nasty/probes.py", True)}
    kinds = [one["title"].split()[1] for one in found]
    assert kinds == sorted(kinds, key=["TIMED", "ERRORED", "FAILED", "and"].index)
    bad = sum(outcomes[name] for name in ("failed", "errored", "timed_out", "unexpected_success"))
    assert found[-1]["title"] == f"… and {bad - 9} more"


@pytest.mark.once
def test_markdown_is_rendered_with_all_foreign_text_as_code(reports, results):
    page = rendered((reports / "report.markdown").read_text(encoding="utf-8"))
    bad = [result for result in results if result["blocking"]]
    assert page.elements["details"] == page.elements["summary"] == len(bad)
    assert set(page.elements) == {"h3", "p", "strong", "details", "summary", "code", "pre"}
    names = [text for text in page.code if text in {result["label"] for result in bad}]
    assert sorted(names) == sorted(result["label"] for result in bad)
    for word in ("AssertionError", "Traceback", "nasty", "message", "]]>"):
        assert word not in page.loose


NASTY = "a </code> <img src=x onerror=alert(1)> [x](http://x.example) | @someone #1 `x` $x$ ```"


@pytest.mark.once
def test_no_foreign_text_gets_out_of_its_code():
    from dataclasses import replace
    from io import StringIO

    from django_probe.reporters.markdown import MarkdownReporter
    from django_probe.results import ErrorDetail, Outcome
    from django_probe.sample import feed, sample_result, sample_run

    body = f"```\n{NASTY}\n\n````\n</details>\n<script>alert(1)</script>\n    ```\n"
    error = ErrorDetail(exception_class_path="E", message=NASTY, traceback=body)
    found = sample_result(0, "test_x", Outcome.FAILED, error=error, stdout=body, description=NASTY)
    found = replace(found, probe=replace(found.probe, label=NASTY, source=f"{NASTY}:1"))
    stream = StringIO()
    feed(MarkdownReporter(stream), sample_run(found=[found]))
    page = rendered(stream.getvalue())
    assert set(page.elements) == {"h3", "p", "strong", "details", "summary", "code", "pre"}
    assert page.code.count(NASTY) == 2
    assert body.rstrip() in page.code[-1]
    assert "x.example" not in page.loose
    assert "@" not in page.loose


@pytest.mark.once
def test_a_nagios_plugin_library_writes_the_same_performance_data(reports, outcomes):
    from nagiosplugin import Performance

    (line,) = (reports / "report.nagios").read_text(encoding="utf-8").splitlines()
    text, _, told = line.partition(" | ")
    assert text.startswith("PROBES CRITICAL - ")
    assert len(line.encode()) < 1024
    assert "|" not in text
    for part in told.split():
        label, _, values = part.partition("=")
        value, warn, crit, least, *_ = [*values.split(";"), "", "", ""]
        number = value.removesuffix("s")
        unit = value[len(number) :]
        assert str(Performance(label, number, unit, warn, crit, least)) == part
    counts = {label: value.split(";")[0] for label, _, value in map(split, told.split())}
    assert {name: int(counts[name]) for name in outcomes} == outcomes


def split(part):
    return part.partition("=")


@pytest.mark.service
@pytest.mark.once
def test_monitoring_plugins_of_perl_parse_the_performance_data(reports, outcomes):
    perl = shutil.which("perl")
    script = (
        "use Monitoring::Plugin::Performance;"
        " print map { join(' ', $_->label, $_->value, $_->uom // '', $_->threshold->critical->is_set)"
        ' . "\\n" } Monitoring::Plugin::Performance->parse_perfstring($ARGV[0])'
    )
    line = (reports / "report.nagios").read_text(encoding="utf-8")
    command = [perl, "-e", script, line.rpartition(" | ")[2].strip()]
    done = subprocess.run(command, capture_output=True, text=True, check=False) if perl else None
    if done is None or "Can't locate" in done.stderr:
        pytest.skip("Monitoring::Plugin (Perl) is not installed")
    rows = [row.split(" ") for row in done.stdout.splitlines()]
    values = {label: value for label, value, *_ in rows}
    assert {name: int(values[name]) for name in outcomes} == outcomes
    assert rows[0][0::2] == ["time", "s"]
    assert {label for label, *_, alerts in rows if alerts == "1"} == {
        "blocking",
        "fixture_errors",
        "failed_targets",
    }


def test_no_report_holds_what_breaks_its_reader(reports):
    for path in reports.iterdir():
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        assert "\x1b" not in text
        assert "\x00" not in text
        assert b"nasty-secret-key" not in raw
        commands = [
            line for line in text.split("\n") if line.lstrip().startswith(("::", "section_"))
        ]
        assert path.suffix == ".github" or not commands, path
        assert "this ran" not in text


@pytest.mark.once
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
