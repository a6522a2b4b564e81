"""A reporter of a package of its own: installed, used by each of its names, refused when wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from support import ROOT, Project

pytestmark = pytest.mark.once

PROBES = {
    "shop/probes.py": """
        import unittest
        class Checkout(unittest.TestCase):
            def test_pay(self):
                pass
            def test_refund(self):
                self.fail("no refunds; today")
    """
}
ROWS = """\
target,probe,outcome,seconds,message
,shop.Checkout.test_pay,passed,
,shop.Checkout.test_refund,failed,
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the example into a folder of its own; return the folder."""
    source = tmp_path_factory.mktemp("source") / "example"
    shutil.copytree(ROOT / "docs" / "example-reporter", source)
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--no-build-isolation", "--target", str(folder), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(make_project, installed, monkeypatch):
    """Return a project in whose environment the example is installed."""
    made = make_project(PROBES)
    path = made.environment().get("PYTHONPATH", "")
    monkeypatch.setattr(
        Project,
        "environment",
        lambda self, _original=Project.environment, **extra: {
            **_original(self, **extra),
            "PYTHONPATH": f"{installed}:{path}".rstrip(":"),
        },
    )
    return made


def rows(text):
    """Return CSV without its seconds and messages, which differ."""
    lines = [line.split(",") for line in text.splitlines()]
    return [line[:3] for line in lines]


EXPECTED = rows(ROWS)


def test_an_entry_point_is_a_format_like_those_that_are_built_in(project, tmp_path):
    done = project.probe("--format", "csv", "--report", f"csv={tmp_path}/probes.csv")
    assert done.returncode == 1, done.stderr
    assert rows(done.stdout) == EXPECTED
    assert rows((tmp_path / "probes.csv").read_text()) == EXPECTED
    assert "csv " in project.probe("--list-formats").stdout


def test_a_dotted_path_is_a_format_too(project):
    assert rows(project.probe("--format", "probe_csv.CsvReporter").stdout) == EXPECTED


def test_an_alias_carries_output_and_options(project):
    project.write(
        "settings_alias.py",
        """
        from settings import *
        PROBE_REPORTERS = {
            "semicolons": {
                "BACKEND": "csv", "OUTPUT": "out/probes.csv", "OPTIONS": {"delimiter": ";"}},
            "strict": {"BACKEND": "probe_csv.CsvReporter", "OPTIONS": {"no_such": 1}},
        }
    """,
    )
    done = project.probe("--format", "semicolons", "--settings", "settings_alias")
    assert (done.returncode, done.stdout) == (1, "")
    assert (project.folder / "out/probes.csv").read_text().startswith("target;probe;outcome")
    refused = project.probe("--format", "strict", "--settings", "settings_alias")
    assert_told(refused, "'strict'", "no_such")


@pytest.mark.parametrize("alias", ["csv", "junit"])
def test_a_name_that_is_claimed_twice_is_refused(project, alias):
    project.write(
        "settings_twice.py",
        f"""
        from settings import *
        PROBE_REPORTERS = {{"{alias}": {{"BACKEND": "probe_csv.CsvReporter"}}}}
    """,
    )
    done = project.probe("--format", alias, "--settings", "settings_twice")
    assert_told(done, f"'{alias}'", "claimed twice")


def test_two_packages_that_claim_one_name_are_both_named(project, installed):
    other = installed / "other_csv-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other-csv\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[django_probe.reporters]\ncsv = other_csv:Csv\n")
    try:
        done = project.probe("--format", "csv")
    finally:
        shutil.rmtree(other)
    assert_told(done, "probe_csv.CsvReporter", "other_csv.Csv")


def test_what_is_no_reporter_is_refused(project):
    assert_told(project.probe("--format", "collections.Counter"), "collections.Counter")
    assert_told(project.probe("--format", "no.such.Reporter"), "no.such.Reporter")


def test_its_own_tests_pass(installed):
    env = Project(installed).environment()
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "test_probe_csv"],
        cwd=ROOT / "docs" / "example-reporter",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 9 tests" in done.stderr


def assert_told(done, *words):
    """Assert that a run was refused in one line that holds the words."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
