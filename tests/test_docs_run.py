"""What the documents show is what happens: their commands, examples and recipes are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from documents import (
    DOCS,
    README,
    Block,
    blocks,
    differences,
    documents,
    examples,
    keep,
    rows,
    spans,
)
from serving import FILES, TOKEN, serving
from support import ROOT, Project
from zygote import Quick

from django_probe.results import Outcome

pytestmark = pytest.mark.once

REPORTS, RUNNER = DOCS / "reports.md", DOCS / "runner.md"


def hold(document: Path, example: Block, real: str) -> None:
    """Compare an example with what is really written; ``DJANGO_PROBE_DOCS=write`` mends it."""
    if os.environ.get("DJANGO_PROBE_DOCS") == "write":
        keep(document, example, real)
    else:
        wrong = differences(example.code, real)
        assert wrong == [], f"{document.name}, {example.heading}: DJANGO_PROBE_DOCS=write mends it"


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_piece_of_python_compiles(document: Path) -> None:
    for block in blocks(document):
        if block.language == "python":
            compile(block.code, f"{document.name}: {block.heading}", "exec")


def test_the_five_minutes_of_the_readme_go_as_they_are_told(tmp_path: Path) -> None:
    first, *steps = examples(README, "Your first probe in five minutes")
    assert "pip install django-probe-runner" in first.code  # Here the checkout stands for it.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = 0
    for step, following in zip(steps, [*steps[1:], Block("", "", "", "")], strict=True):
        if step.language == "python":
            (tmp_path / spans(step.before)[0]).write_text(step.code, encoding="utf-8")
        elif step.language == "sh":
            done = subprocess.run(
                ["sh", "-c", step.code],
                cwd=tmp_path,
                env=Project(tmp_path).environment(PATH=path),
                capture_output=True,
                text=True,
                encoding="utf-8",
            )
            assert done.stderr == ""
            if following.language == "text":
                hold(README, following, done.stdout)
                shown += 1
    assert shown == 2
    assert ET.parse(tmp_path / "reports" / "probes.xml").getroot().tag == "testsuites"


def test_the_endpoint_of_the_readme_answers_as_it_is_told(tmp_path: Path) -> None:
    python, asking = (block.code for block in examples(README, "Ask over HTTP"))
    _, urls, settings = re.split(r"# mysite/\w+\.py\n", python)
    probes = "import unittest\nclass Up(unittest.TestCase):\n    def test_up(self): pass\n"
    files = {**FILES, "shop/probes.py": probes, "urls.py": f"urlpatterns = []\n{urls}"}
    project = Project.make(tmp_path, files, f'{settings}\nROOT_URLCONF = "urls"\n')
    with serving(project, TOKEN=TOKEN) as server:
        here = asking.replace("https://shop.example", f"http://127.0.0.1:{server.port}")
        done = subprocess.run(
            here, shell=True, env={**os.environ, "TOKEN": TOKEN}, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert "OK: 1 probe passed" in done.stdout


def test_the_examples_of_all_formats_are_what_the_command_writes(tmp_path: Path) -> None:
    (source,) = examples(REPORTS, "The formats")
    project = Project.make(tmp_path, {"shop/probes.py": source.code})
    formats = (
        "junit",
        "tap",
        "json",
        "jsonl",
        "ctrf",
        "github",
        "markdown",
        "nagios",
        "openmetrics",
    )
    done = project.probe(*(f"--report={name}={name}" for name in formats))
    assert done.returncode == 1
    for name in ("text", *formats):
        real = done.stdout if name == "text" else (tmp_path / name).read_text(encoding="utf-8")
        hold(REPORTS, examples(REPORTS, name)[0], real)


TABLE = "What an outcome is in each format"
OUTCOMES = """
    import time, unittest

    class Everything(unittest.TestCase):
        def test_passed(self): pass
        def test_failed(self): self.fail("no")
        def test_errored(self): raise ZeroDivisionError("no")
        def test_skipped(self): self.skipTest("why")
        @unittest.expectedFailure
        def test_expected_failure(self): self.fail("as said")
        @unittest.expectedFailure
        def test_unexpected_success(self): pass

    class Later(unittest.TestCase):
        def test_1_timed_out(self):
            while True:
                time.sleep(0.01)
        def test_2_not_run(self): pass
"""


def in_junit(case: ET.Element) -> str:
    """Return what the table says of a case: its element, and its type where that is a constant."""
    found = case.find("*")
    if found is None:
        return "`<testcase/>`"
    kinds = {
        "skip": "",
        "AssertionError": "",
        "ZeroDivisionError": ", its type the exception's class",
    }
    kind = found.get("type") or ""
    return f"`<{found.tag}>`" + kinds.get(kind, f" of type `{kind}`")


def in_tap(lines: list[str], name: str) -> str:
    """Return what the table says of a probe's line: the verdict, and its directive."""
    found = [re.match(rf"((?:not )?ok) \d+ \S+{name}(?: # (\w+))?", line) for line in lines]
    ((verdict, directive),) = (match.groups() for match in found if match)
    return f"{verdict} … # {directive}" if directive else verdict


def test_the_table_of_outcomes_is_true_for_every_format(tmp_path: Path) -> None:
    project = Quick.make(tmp_path, {"shop/probes.py": OUTCOMES})
    reports = (
        "--report=junit=x.xml",
        "--report=tap=x.tap",
        "--report=json=x.json",
        "--report=ctrf=x.ctrf",
    )
    reports = (*reports, "--report=github=x.github")
    text = project.probe("-v", "2", "--deadline", "1", *reports).stdout
    cases = {c.get("name", ""): c for c in ET.parse(tmp_path / "x.xml").getroot().iter("testcase")}
    lines = (tmp_path / "x.tap").read_text(encoding="utf-8").splitlines()
    results = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["results"]
    document = json.loads((tmp_path / "x.ctrf").read_text(encoding="utf-8"))
    tests = {t["name"].rpartition(".")[2]: t["status"] for t in document["results"]["tests"]}
    found = (tmp_path / "x.github").read_text(encoding="utf-8")
    annotations = {
        name: [level]
        for level, name in re.findall(r"^(::\w+) .*?\.(test_\w+),", found, re.MULTILINE)
    }
    table = {spans(cells[0])[0]: cells[1:] for cells in rows(REPORTS, TABLE)}
    assert set(table) == {outcome.value for outcome in Outcome}
    for result in results:
        name, outcome = result["id"].rpartition(".")[2], result["outcome"]
        assert name.endswith(outcome)
        told_in_text, told_in_junit, told_in_tap, told_in_json, *others = table[outcome]
        assert re.search(rf"^{spans(told_in_text)[0]} .*{name}\b", text, re.MULTILINE)
        assert in_junit(cases[name]) == told_in_junit
        assert in_tap(lines, name) == spans(told_in_tap)[0]
        assert spans(told_in_json) == [f'"{outcome}"']
        assert spans(" ".join(others)) == [f'"{tests[name]}"', *annotations.get(name, ())]


def test_the_runner_that_the_documents_show_is_the_one_that_is_tested() -> None:
    shown, setting = (block.code for block in examples(RUNNER, "An example")[:2])
    tested = ROOT / "tests" / "snippets" / "deploy_gate.py"
    assert shown == tested.read_text(encoding="utf-8")
    assert setting.strip() in shown
