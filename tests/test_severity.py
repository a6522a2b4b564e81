"""Severity, quarantine, and marks that are wrong: what may block, and who is told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from zygote import Quick

pytestmark = pytest.mark.ends

TODAY = datetime.now(timezone.utc).date()

FILES = {
    "shop/probes.py": f"""
        import unittest
        from datetime import date
        from django_probe import quarantine, severity

        @severity("warning")
        class Soft(unittest.TestCase):
            def test_fails(self):
                self.fail("hm")
            def test_hangs(self):
                raise TimeoutError("gateway")
            @severity("error")
            def test_hard(self):
                self.fail("this one matters")

        class Held(unittest.TestCase):
            @quarantine(owner="payments", issue="SHOP-12", until="2999-12-31")
            def test_known(self):
                self.fail("known")
            @quarantine(owner="payments", until=date({TODAY.year}, {TODAY.month}, {TODAY.day}))
            def test_ended_today(self):
                self.fail("forgotten")
            @quarantine(owner="payments", until="{TODAY + timedelta(1)}")
            def test_ends_tomorrow(self):
                self.fail("soon")

        @quarantine(owner="ops", until="2999-12-31")
        class AllHeld(unittest.TestCase):
            def test_1(self):
                self.fail("known")
            def test_2(self):
                pass
    """,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("severity") / "project", FILES)


def blocking(done):
    return [
        result["label"].rpartition(".")[2]
        for result in json.loads(done.stdout)["results"]
        if result["blocking"]
    ]


def test_a_warning_is_told_everywhere_and_does_not_block(project):
    labels = ("shop.Soft.test_fails", "shop.Soft.test_hangs")
    done = project.probe(*labels, "--format=tap", "--report=junit=r.xml", "--report=text=r.txt",
                         "--report=json=r.json")  # fmt: skip
    assert done.returncode == 0
    assert "not ok 1 shop.probes.Soft.test_fails # TODO warning: hm\n" in done.stdout
    xml = (project.folder / "r.xml").read_text()
    assert '<skipped type="warning" message="warning: hm"><![CDATA[Traceback' in xml
    assert 'tests="2" failures="0" errors="0" skipped="2"' in xml
    text = (project.folder / "r.txt").read_text()
    assert "! failed (warning)" in text
    assert "Does not block: severity warning" in text
    report = json.loads((project.folder / "r.json").read_text())
    assert (report["ok"], report["summary"]["failed"]) == (True, 1)
    assert {result["severity"] for result in report["results"]} == {"warning"}


def test_strict_makes_warnings_block(project):
    done = project.probe("shop.Soft", "--strict", "--format=json")
    assert done.returncode == 1
    assert blocking(done) == ["test_fails", "test_hangs", "test_hard"]


def test_the_mark_of_a_method_goes_before_that_of_its_class(project):
    assert blocking(project.probe("shop.Soft", "--format=json")) == ["test_hard"]


def test_a_quarantine_keeps_from_blocking_until_its_day_and_is_named_after_it(project):
    done = project.probe("shop.Held", "shop.AllHeld", "--format=json", "--report=text=r.txt")
    assert blocking(done) == ["test_ended_today"]
    told = {
        result["label"].rpartition(".")[2]: result["quarantine"]
        for result in json.loads(done.stdout)["results"]
    }
    assert told["test_known"] == "until 2999-12-31 (payments, SHOP-12)"
    assert told["test_ended_today"] == f"ended {TODAY} (payments)"
    assert told["test_2"] == "until 2999-12-31 (ops)"
    text = (project.folder / "r.txt").read_text()
    assert "Does not block: quarantined (until 2999-12-31 (payments, SHOP-12))" in text
    assert f"Quarantine ended {TODAY} (payments)" in text


def test_strict_leaves_a_quarantine_alone(project):
    done = project.probe("shop.Held.test_known", "--strict", "--format=tap")
    assert done.returncode == 0
    assert "# TODO quarantined: known\n" in done.stdout


def test_failfast_goes_on_after_what_does_not_block(project):
    done = project.probe("shop.Held.test_known", "shop.AllHeld", "--failfast", "--format=json")
    outcomes = [result["outcome"] for result in json.loads(done.stdout)["results"]]
    assert sorted(outcomes) == ["failed", "failed", "passed"]


def test_a_list_shows_severity_and_quarantine(project):
    lines = project.probe("--list").stdout.splitlines()
    assert "shop.Soft.test_fails  (warning)" in lines
    assert "shop.Held.test_known  (quarantined until 2999-12-31 (payments, SHOP-12))" in lines
    assert "shop.Soft.test_hard" in lines
    records = json.loads(project.probe("--list", "--format=json").stdout)
    held = {record["label"]: (record["severity"], record["quarantine"]) for record in records}
    assert held["shop.Soft.test_fails"] == ("warning", None)
    assert held["shop.AllHeld.test_1"] == ("error", "until 2999-12-31 (ops)")


def test_a_check_tells_a_quarantine_that_ends_soon_or_has_ended_once_for_each_mark(project):
    done = project.manage("check", "--tag", "probe")
    assert done.stderr.count("(probe.W030)") == 2
    assert "The quarantine of shop.Held.test_ended_today has no effect any more" in done.stderr
    assert "The quarantine of shop.Held.test_ends_tomorrow ends in 1 day: until" in done.stderr


WRONG = {
    "@quarantine(owner='me', until='2026-02-30')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@quarantine got until='2026-02-30', expected a day that there is",
    "@quarantine(owner='me', until='20261231')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@quarantine got until='20261231'",
    "@quarantine(until='2026-12-31')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@quarantine got owner='', expected a name",
    "@quarantine\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@quarantine got A, expected names: write @quarantine(owner='…', issue='…'",
    "class A(unittest.TestCase):\n    @severity\n    def test_a(self): ...":
        "@severity got A.test_a, expected 'warning' or 'error': write @severity('warning').",
    "@quarantine(owner='me')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@quarantine got until=''",
    "@severity('high')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@severity got 'high', expected 'warning' or 'error'",
    "@severity\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@severity got A, expected",
    "@retry(times=-1)\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@retry got times=-1, expected a whole number from 0 to 100",
    "@retry(delay='soon')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@retry got delay='soon'",
    "@retry(only_on=('OSError',))\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@retry got only_on=('OSError',), expected classes of exceptions",
    "@timeout(0)\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@timeout got 0, expected a number of seconds",
    "@serial('')\nclass A(unittest.TestCase):\n    def test_a(self): ...":
        "@serial got ''",
    "@retry\ndef helper(): ...":
        "@retry stands on helper, a function outside of any class",
    "class A(unittest.TestCase):\n    @severity('warning')\n    def helper(self): ...\n    def test_a(self): ...":
        "@severity stands on A.helper, which is no test method",
    "class A(unittest.TestCase):\n    @timeout(3)\n    def setUp(self): ...\n    def test_a(self): ...":
        "@timeout stands on A.setUp, which is no test method",
    "class A(unittest.TestCase):\n    @timeout(3)\n    @classmethod\n    def setUpClass(cls): ...\n    def test_a(self): ...":
        "@timeout stands on A.setUpClass, which is no test method",
    "@serial\nclass A:\n    def test_a(self): ...":
        "@serial stands on A, which is no test case",
    "class A:\n    @tag('smoke')\n    def test_a(self): ...":
        "@tag stands on A.test_a, whose class is no test case",
}  # fmt: skip


@pytest.mark.parametrize("source", WRONG)
def test_a_wrong_mark_is_one_line_and_exit_2_before_anything_runs(tmp_path, source):
    probes = (
        "import unittest\nfrom pathlib import Path\n"
        "from django_probe import quarantine, retry, serial, severity, tag, timeout\n"
        f"{source}\n"
    )
    ran = "import unittest\nclass Z(unittest.TestCase):\n    def test_z(self): open('ran', 'w')\n"
    project = Quick.make(tmp_path / "project", {"early/probes.py": ran, "shop/probes.py": probes})
    for args in ((), ("--list",)):
        done = project.probe(*args)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr.startswith("CommandError: shop/probes.py:"), done.stderr
        assert WRONG[source] in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (project.folder / "ran").exists()
    check = project.manage("check", "--tag", "probe")
    assert check.returncode == 1
    assert "(probe.E030)" in check.stderr
    assert WRONG[source] in check.stderr


def test_marks_that_are_handed_on_are_no_strays(tmp_path):
    project = Quick.make(
        tmp_path / "project",
        {
            "shop/probes.py": """
                import functools, unittest
                from django_probe import severity, tag, timeout
                def logged(function):
                    @functools.wraps(function)
                    def wrapper(self):
                        return function(self)
                    return wrapper
                @tag("mixed")
                class Mixin:
                    @timeout(7)
                    def test_shared(self): ...
                @severity("warning")
                class Base(unittest.TestCase):
                    def helper(self): ...
                class Real(Mixin, Base):
                    @logged
                    @timeout(8)
                    def test_own(self): ...
                class Alone(unittest.TestCase):
                    @timeout(9)
                    def runTest(self): ...
            """
        },
    )
    done = project.probe("--list", "--format=json")
    records = {one["label"].rpartition(".")[2]: one for one in json.loads(done.stdout)}
    assert {name: one["timeout"] for name, one in records.items()} == {
        "runTest": 9.0, "test_own": 8.0, "test_shared": 7.0,
    }  # fmt: skip
    assert records["test_shared"]["tags"] == ["mixed"]
    assert records["test_own"]["severity"] == "warning"


def test_a_wrong_mark_that_load_tests_meets_is_told_the_same(tmp_path):
    project = Quick.make(
        tmp_path / "project",
        {
            "shop/probes/__init__.py": """
                def load_tests(loader, tests, pattern):
                    return loader.loadTestsFromName("shop.probes.late")
            """,
            "shop/probes/late.py": """
                import unittest
                from django_probe import severity
                @severity("urgent")
                class A(unittest.TestCase):
                    def test_a(self): ...
            """,
        },
    )
    done = project.probe()
    assert done.returncode == 2
    assert "shop/probes/late.py:4: @severity got 'urgent'" in done.stderr
    assert done.stderr.count("\n") == 1
