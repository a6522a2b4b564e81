"""The table of formats and their readers in the documents is what the readers say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from importlib.metadata import version

import pytest
from browsing import chromium, visiting
from documents import DOCS, rows
from reading_reports import (
    CONSUMERS,
    TAP_PARSER,
    annotations,
    node,
    node_exporter,
    rendered,
)
from tables import check_table, row

HEAD = ("format", "reader", "version tried", "what it makes of 30 probes, of each outcome some")


def told(counts):
    """Return counts in words, without those that are 0."""
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


def pypi(name):
    return version(name)


def npm(name):
    path = CONSUMERS / "node_modules" / name / "package.json"
    return json.loads(path.read_text(encoding="utf-8"))["version"]


def program(*command):
    """Return the first number in what a program says of its version."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.search(r"\d+(\.\d+)+", done.stdout)[0]


def by_junitparser(reports):
    from junitparser import JUnitXml

    suites = list(JUnitXml.fromfile(str(reports / "report.junit")))
    names = ("tests", "failures", "errors", "skipped")
    return told({name: sum(getattr(suite, name) for suite in suites) for name in names})


def by_codecov(reports):
    from test_results_parser import parse_junit_xml

    runs = parse_junit_xml((reports / "report.junit").read_bytes()).testruns
    return told(Counter(str(run.outcome).rpartition(".")[2] for run in runs))


def by_junit_to_ctrf(reports):
    script = "node_modules/junit-to-ctrf/dist/cli.js"
    with tempfile.NamedTemporaryFile("r", suffix=".json", encoding="utf-8") as target:
        node(script, reports / "report.junit", "-o", target.name)
        summary = json.load(target)["results"]["summary"]
    return told({name: summary[name] for name in ("tests", "passed", "failed", "skipped")})


def by_junit2json(reports):
    return told(json.loads(node("junit2json.mjs", reports / "report.junit")))


def by_prove(reports):
    command = ["prove", "--exec", "cat", str(reports / "report.tap")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tests, failed = re.search(r"Tests: (\d+) Failed: (\d+)\)", done.stdout).groups()
    assert "Parse errors" not in done.stdout
    return f"{tests} tests, {failed} failed"


def by_tap_py(reports):
    from tap.parser import Parser

    lines = [
        line for line in Parser().parse_file(str(reports / "report.tap")) if line.category == "test"
    ]
    kinds = (
        "todo" if line.todo else "skip" if line.skip else "ok" if line.ok else "not ok"
        for line in lines
    )
    return told(Counter(kinds))


def by_tap_parser(reports):
    text = (reports / "report.tap").read_text(encoding="utf-8")
    command = [shutil.which("node"), str(TAP_PARSER), "--strict", "--json"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    final = next(event[1] for event in json.loads(done.stdout) if event[0] == "complete")
    assert not [failure for failure in final["failures"] if failure.get("tapError")]
    return told({name: final[name] for name in ("count", "pass", "fail", "skip", "todo")})


def by_tap_junit(reports):
    text = (reports / "report.tap").read_text(encoding="utf-8")
    xml = node("node_modules/tap-junit/bin/tap-junit", input=text)
    # An empty document comes first, then that of the report.
    documents = re.findall(r"<testsuites.*?</testsuites>", xml, re.DOTALL)
    suite = ET.fromstring(documents[-1]).find("testsuite")
    return told({name: int(suite.get(name)) for name in ("tests", "failures", "skipped")})


def by_jq(reports):
    command = ["jq", "-e", ".ok", str(reports / "report.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"`jq -e .ok`: {done.stdout.strip()}, exit code {done.returncode}"


def by_ctrf(reports):
    counts = json.loads(node("ctrf.mjs", reports / "report.ctrf"))
    names = ("tests", "passed", "failed", "skipped", "pending", "flaky")
    return f"valid; {told({name: counts.get(name, 0) for name in names})}"


def by_the_toolkit(reports):
    text = (reports / "report.github").read_text(encoding="utf-8")
    found = annotations(text)
    assert node("annotations.mjs", input=json.dumps(found)) == text
    last = found[-1]["title"].removeprefix("… ")
    return f"writes the same {len(found)} annotations, the last one: {last}"


def by_markdown_it(reports):
    page = rendered((reports / "report.markdown").read_text(encoding="utf-8"))
    return f"{page.elements['details']} results to be unfolded, no foreign markup"


def by_nagiosplugin(reports):
    from nagiosplugin import Performance

    line = (reports / "report.nagios").read_text(encoding="utf-8").strip()
    parts = line.partition(" | ")[2].split()
    for part in parts:
        label, _, values = part.partition("=")
        value, warn, crit, least, *_ = [*values.split(";"), "", "", ""]
        number = value.removesuffix("s")
        assert str(Performance(label, number, value[len(number) :], warn, crit, least)) == part
    return f"writes the same {len(parts)} figures; `{line.partition(' - ')[0]}`"


def by_prometheus(reports):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    text = (reports / "report.openmetrics").read_text(encoding="utf-8")
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    ok = [sample.value for sample in samples if sample.name == "django_probe_ok"]
    (run,) = (sample.value for sample in samples if sample.name == "django_probe_run_ok")
    return f"`django_probe_run_ok` {run:g}; {ok.count(0)} of {len(ok)} not ok"


def by_node_exporter(reports):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(reports / "report.openmetrics", f"{folder}/probes.prom")
        with node_exporter(folder) as text:
            assert "node_textfile_scrape_error 0" in text
            lines = [line for line in text.splitlines() if line.startswith("django_probe_")]
    ok = [line.rpartition(" ")[2] for line in lines if line.startswith("django_probe_ok{")]
    assert "django_probe_run_ok 0" in lines
    return f"`django_probe_run_ok` 0; {ok.count('0')} of {len(ok)} not ok"


def by_chromium(reports):
    with chromium() as browser, visiting(browser, (reports / "report.html").as_uri()) as page:
        verdict = page.get_by_role("heading", level=1).inner_text()
        rows = page.locator(".row").count()
        bad = sum(page.locator(f".row[data-kinds~='{kind}']").count() for kind in LOUD)
    return f'"{verdict}"; {bad} of {rows} need a look; nothing on the console'


LOUD = ("timed_out", "errored", "failed", "unexpected_success")

READERS = (
    ("junit", "junitparser", lambda: pypi("junitparser"), by_junitparser),
    ("junit", "Codecov's test-results-parser", lambda: pypi("test-results-parser"), by_codecov),
    ("junit", "junit-to-ctrf (npm)", lambda: npm("junit-to-ctrf"), by_junit_to_ctrf),
    ("junit", "junit2json (npm)", lambda: npm("junit2json"), by_junit2json),
    ("tap", "prove (Perl)", lambda: program("prove", "--version"), by_prove),
    ("tap", "tap.py", lambda: pypi("tap.py"), by_tap_py),
    ("tap", "tap-parser (npm), strict", lambda: npm("tap-parser"), by_tap_parser),
    ("tap", "tap-junit (npm)", lambda: npm("tap-junit"), by_tap_junit),
    ("json", "jq", lambda: program("jq", "--version"), by_jq),
    ("ctrf", "ctrf (npm)", lambda: npm("ctrf"), by_ctrf),
    ("github", "GitHub's @actions/core (npm)", lambda: npm("@actions/core"), by_the_toolkit),
    (
        "markdown",
        "markdown-it-py, as GitHub and GitLab",
        lambda: pypi("markdown-it-py"),
        by_markdown_it,
    ),
    ("nagios", "nagiosplugin", lambda: pypi("nagiosplugin"), by_nagiosplugin),
    ("openmetrics", "prometheus_client", lambda: pypi("prometheus-client"), by_prometheus),
    (
        "openmetrics",
        "node_exporter, textfile collector",
        lambda: program("prometheus-node-exporter", "--version"),
        by_node_exporter,
    ),
    ("html", "Chromium, from a file", lambda: program("chromium", "--version"), by_chromium),
)


@pytest.mark.service
@pytest.mark.once
def test_each_row_of_the_table_of_readers_is_what_the_reader_says(reports):
    if not (CONSUMERS / "node_modules").is_dir():
        pytest.skip("the readers that need Node are not installed: make consumers")
    document = DOCS / "reports.md"
    # Another release that says the same is no difference: `make tables` notes which was tried.
    noted = {cells[1]: cells[2] for cells in rows(document, "Who reads what")}
    lines = [row(HEAD), "|---" * len(HEAD) + "|"]
    for name, reader, released, shows in READERS:
        tried = released()
        if os.environ.get("UPDATE_TABLES") != "1":
            tried = noted.get(reader, tried)
        lines.append(row((f"`{name}`", reader, tried, shows(reports))))
    check_table(document, "readers", lines)
