"""Test data left behind in production must be seen: each format tells that a cleanup failed."""

from __future__ import annotations

import json
import re

import pytest
from junitparser import JUnitXml
from zygote import Quick

from django_probe.formats import BUILT_IN

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        class Orders(unittest.TestCase):
            def test_clean(self):
                pass
            def test_cleanup_alone(self):
                self.addCleanup(self.leave, "order 4711 stays")
            def test_fails_too(self):
                self.addCleanup(self.leave, "order 4712 stays")
                self.assertEqual(402, 200)
            def test_flaky(self):
                if not Path("tried.txt").exists():
                    Path("tried.txt").touch()
                    self.addCleanup(self.leave, "order 4713 stays")
                    self.fail("the first try")
            def leave(self, what):
                raise OSError(what)
        class Shared(unittest.TestCase):
            @classmethod
            def tearDownClass(cls):
                raise OSError("table probe_4714 stays")
            def test_with_it(self):
                pass
    """,
}
TOLD = {
    "test_cleanup_alone": "cleanup failed, something may be left behind: order 4711 stays",
    "test_fails_too": "cleanup failed too, something may be left behind: 402 != 200",
    "test_flaky": "cleanup of an earlier try failed, something may be left behind: flaky: passed at try 2",
    "tearDownClass": "something may be left behind: table probe_4714 stays",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    project = Quick.make(tmp_path_factory.mktemp("left") / "project", FILES)
    names = sorted(BUILT_IN.keys() - {"silent"})
    asked = [f"--report={name}={name}.report" for name in names]
    done = project.probe("--retries", "1", "--output", "main.txt", *asked)
    assert done.returncode == 1, done.stderr
    return {name: (project.folder / f"{name}.report").read_text() for name in names}


@pytest.mark.parametrize("name", sorted(BUILT_IN.keys() - {"silent"}))
def test_every_format_tells_what_a_failed_cleanup_may_have_left(reports, name):
    text = reports[name]
    if name == "openmetrics":
        assert "django_probe_run_left_behind 4.0" in text
        return
    if name == "nagios":
        assert "left_behind=4;0;;0" in text
    told = (
        text
        if name in ("json", "jsonl", "nagios")
        else text.replace("&#58;", ":").replace("%0A", "\n")
    )
    assert re.search("order 4711 stays", told)
    assert re.search("table probe_4714 stays", told)
    if name != "nagios":  # It names the worst, and counts the others.
        assert re.search("order 4712 stays", told)
    if name not in ("nagios", "github"):  # What passed is a notice there, in a line.
        assert re.search("order 4713 stays", told)
    if name not in ("json", "jsonl"):
        assert len(re.findall("(?i)left behind", told)) >= 4 - (name == "nagios")


def test_json_has_the_errors_apart_and_those_of_earlier_tries_too(reports):
    results = {result["label"]: result for result in json.loads(reports["json"])["results"]}
    left = {
        label.rpartition(".")[2]: [
            error["message"]
            for one in (result, *result["attempts"])
            for error in one["cleanup_errors"]
        ]
        for label, result in results.items()
    }
    assert left == {
        "test_clean": [],
        "test_cleanup_alone": ["order 4711 stays"] * 2,
        "test_fails_too": ["order 4712 stays"] * 2,
        "test_flaky": ["order 4713 stays"],
        "test_with_it": [],
    }
    finished = [json.loads(line) for line in reports["jsonl"].splitlines()]
    on_wire = {
        event["result"]["label"]: len(event["result"]["cleanup_errors"])
        for event in finished
        if event["event"] == "probe_finished"
    }
    assert on_wire["shop.Orders.test_cleanup_alone"] == 1


def test_the_message_says_it_first_for_readers_that_show_no_more(reports):
    cases = {
        case.name: case
        for suite in JUnitXml.fromstring(reports["junit"].encode())
        for case in suite
    }
    for name in ("test_cleanup_alone", "test_fails_too", "tearDownClass"):
        (problem,) = cases[name].result
        assert problem.message.startswith(TOLD[name])
    assert (
        "Cleanup failed, something may be left behind:\nTraceback"
        in cases["test_cleanup_alone"].result[0].text
    )
    assert (
        "Cleanup failed too, something may be left behind:\nTraceback"
        in cases["test_fails_too"].result[0].text
    )
    assert cases["test_cleanup_alone"].result[0].text.count("OSError: order 4711 stays") == 1
    tests = {
        test["name"].rpartition(".")[2]: test
        for test in json.loads(reports["ctrf"])["results"]["tests"]
    }
    for name, told in TOLD.items():
        assert tests[name]["message"].startswith(told)
    for told in TOLD.values():
        assert f"message: '{told}" in reports["tap"]


def test_what_was_clean_says_nothing_of_it(reports):
    cases = {
        case.name: case
        for suite in JUnitXml.fromstring(reports["junit"].encode())
        for case in suite
    }
    assert cases["test_clean"].result == []
    assert "test_clean\n" in reports["tap"].replace("shop.probes.Orders.", "")
