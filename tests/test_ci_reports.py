"""Reports for CI servers and monitoring, as the command writes them: bounds, paths, states."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from io import StringIO

import pytest

from django_probe.reporters.github import GithubReporter
from django_probe.reporters.markdown import MarkdownReporter
from django_probe.reporters.nagios import NagiosReporter
from django_probe.results import ErrorDetail, Outcome
from django_probe.sample import feed, sample_result, sample_run

pytestmark = pytest.mark.once

FILED = ("ctrf", "github", "markdown", "nagios", "html", "openmetrics")
LONG = ErrorDetail(
    exception_class_path="E", message="m" * 3000, traceback="t" * 60_000 + "\nthe last line\n"
)


def failures(number, **values):
    """Return a run of failures; the last one hung."""
    found = [sample_result(n, f"test_{n}", Outcome.FAILED, **values) for n in range(number)]
    return sample_run(found=[*found[:-1], replace(found[-1], outcome=Outcome.TIMED_OUT)])


def report(reporter_class, events, **options):
    stream = StringIO()
    feed(reporter_class(stream, **options), events)
    return stream.getvalue()


def test_of_500_failures_github_gets_the_worst_and_the_number_of_the_others():
    lines = report(GithubReporter, failures(500)).splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("::error title=✗ TIMED OUT shop.Checkout.test_499,")
    assert lines[1].startswith("::error title=✗ FAILED shop.Checkout.test_0,")
    assert lines[-1].startswith("::error title=… and 491 more::")


def test_an_annotation_keeps_the_message_and_the_end_of_the_traceback_within_githubs_limit():
    (line,) = report(GithubReporter, failures(1, error=LONG)).splitlines()
    message = line.split("::")[2].replace("%0A", "\n")
    assert len(message) == 4096
    assert message.startswith("mmm")
    assert message.endswith("ttt\nthe last line")


@pytest.mark.parametrize(
    ("folder", "source", "place"),
    [
        ("", "shop/probes.py:7", "file=shop/probes.py,line=7"),
        ("services/shop", "shop/probes.py:7", "file=services/shop/shop/probes.py,line=7"),
        ("services/shop", "../probes.py:7", "file=services/probes.py,line=7"),
        ("services/shop", "{root}/lib/probes.py:7", "file=lib/probes.py,line=7"),
        ("services/shop", "/usr/lib/shop/probes.py:7", ""),
        ("", "../probes.py:7", ""),
        ("", "", ""),
    ],
)
def test_paths_in_annotations_are_relative_to_the_repository(
    tmp_path, monkeypatch, folder, source, place
):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    one = sample_result(0, "test_x", Outcome.FAILED)
    one = replace(one, probe=replace(one.probe, source=source.format(root=tmp_path)))
    line = report(GithubReporter, sample_run(found=[one]))
    assert re.match(rf"::error title=[^,]*{',' if place else ''}{re.escape(place)}::", line)


def test_outside_of_the_checkout_paths_stay_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    line = report(GithubReporter, failures(1))
    assert ",file=shop/probes.py,line=10::" in line


def test_what_a_probe_says_cannot_end_its_annotation_or_add_a_property():
    error = ErrorDetail(exception_class_path="E", message="100 %, a::b\n::error file=x::y")
    one = sample_result(0, "test_a,line=1::b%0A", Outcome.FAILED, error=error)
    (line,) = report(GithubReporter, sample_run(found=[one])).splitlines()
    assert line == (
        "::error title=✗ FAILED shop.Checkout.test_a%2Cline=1%3A%3Ab%250A,file=shop/probes.py,line=10"
        "::100 %25, a::b%0A::error file=x::y"
    )


@pytest.mark.parametrize("limit", [1000, 65_536, 1024 * 1024])
def test_a_markdown_report_keeps_to_its_limit_and_says_what_is_cut(limit):
    text = report(MarkdownReporter, failures(500, error=LONG, stdout="o" * 9000), limit=limit)
    assert len(text.encode()) <= limit
    shown = text.count("<details>")
    assert text.count("</details>") == shown
    assert f"… and {500 - shown} more that are not shown: cut at {limit:,} bytes." in text
    assert shown == 0 if limit == 1000 else text.index("TIMED OUT") < text.index("FAILED <code>")


def test_without_a_need_nothing_is_cut_and_nothing_said_of_it():
    text = report(MarkdownReporter, failures(3))
    assert text.count("<details>") == 3
    assert "cut at" not in text


@pytest.mark.parametrize("limit", [0, 999, "65536", None])
def test_a_limit_that_is_none_is_refused_before_anything_runs(make_quick, limit):
    entry = {"BACKEND": "markdown", "OPTIONS": {"limit": limit}}
    project = make_quick({"shop/probes.py": ""}, f"PROBE_REPORTERS = {{'note': {entry!r}}}")
    done = project.probe("--report", "note=note.md")
    assert done.returncode == 2
    assert f"limit is {limit!r}, expected a number of bytes from 1000 on" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (project.folder / "note.md").exists()


@pytest.mark.parametrize("name", FILED)
def test_an_option_that_does_not_exist_is_refused_by_name(make_quick, name):
    entry = {"BACKEND": name, "OPTIONS": {"colour": "red"}}
    project = make_quick({"shop/probes.py": ""}, f"PROBE_REPORTERS = {{'mine': {entry!r}}}")
    done = project.probe("--format", "mine")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'mine' refuses its OPTIONS (colour)" in done.stderr


@pytest.mark.parametrize("name", FILED)
def test_a_folder_that_is_a_file_is_told_before_anything_runs(make_quick, name):
    source = NAGIOS["OK"].replace("pass", "open('it-ran', 'w').close()")
    source = f"import unittest\nclass A(unittest.TestCase):\n    {source}\n"
    project = make_quick({"shop/probes.py": source, "note": ""})
    done = project.probe("--report", f"{name}=note{os.sep}report")
    assert done.returncode == 2
    assert "'note' is no folder" in done.stderr
    assert not (project.folder / "it-ran").exists()


NAGIOS = {
    "OK": "def test_x(self): pass",
    "CRITICAL": "def test_x(self): self.fail('a | b')",
    "UNKNOWN": "def test_x(self): self.skipTest('not here')",
}


@pytest.mark.parametrize("state", NAGIOS)
def test_the_state_for_nagios_is_the_verdict(make_quick, state):
    source = f"import unittest\nclass A(unittest.TestCase):\n    {NAGIOS[state]}\n"
    done = make_quick({"shop/probes.py": source}).probe("--format", "nagios")
    assert re.fullmatch(
        rf"PROBES {state} - [^|\n]+ \| time=\d\.\d+s;;;0 probes=1;[^|\n]+\n", done.stdout
    )
    assert done.returncode == {"OK": 0, "CRITICAL": 1, "UNKNOWN": 5}[state]


def test_what_does_not_block_is_a_warning_for_nagios():
    soft = sample_result(0, "test_x", Outcome.FAILED, blocking=False, severity="warning")
    ok = sample_result(1, "test_y", Outcome.PASSED)
    line = report(NagiosReporter, sample_run(found=[soft, ok]))
    assert line.startswith(
        "PROBES WARNING - 2 probes in 4.500 s: 1 failed, 1 passed - shop.Checkout.test_x: warning:"
    )


def test_a_line_for_nagios_fits_into_what_nrpe_carries():
    name = "test_" + "ü" * 200
    found = [sample_result(n, name, Outcome.FAILED, error=LONG) for n in range(10_000, 10_009)]
    line = report(NagiosReporter, sample_run(found=found))
    assert len(line.encode()) < 1024
    assert "… | time=4.500s;;;0 probes=9;" in line
