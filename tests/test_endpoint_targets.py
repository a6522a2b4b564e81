"""``/probe/?target=``: the endpoint hands aliases to its child, and asks nothing itself."""

from __future__ import annotations

import json

import pytest
from serving import BASE, FILES, LAST, serving
from support import Project

pytestmark = pytest.mark.ends

PROBES = """
    import unittest
    from django_probe import current_target, only_on
    class Checkout(unittest.TestCase):
        def test_pay(self):
            print("asked", current_target().parameters["url"])
        @only_on("us")
        def test_tax(self):
            self.fail("no rates")
"""
PLACES = """
    def targets():
        return {
            alias: {"BACKEND": "local", "OPTIONS": {"parameters": {"url": f"https://{alias}"}}}
            for alias in ("eu", "us")
        }
"""
SETTING = {
    "dict": "    import places\n    PROBE_TARGETS = places.targets()\n",
    "function": "    PROBE_TARGETS = 'places.targets'\n",
}


@pytest.fixture(scope="module", params=SETTING)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("targets") / "project"
    files = {**FILES, "shop/probes.py": PROBES, "places.py": PLACES}
    project = Project.make(folder, files, f"{BASE}\n{SETTING[request.param]}{LAST}")
    with serving(project) as server:
        yield server


def test_all_targets_are_asked_and_told_apart(server):
    answer = server.ask("/probe/")
    assert answer.status == 503
    told = answer.json()
    assert {(r["label"], r["target"]): r["outcome"] for r in told["results"]} == {
        ("shop.Checkout.test_pay", "eu"): "passed",
        ("shop.Checkout.test_pay", "us"): "passed",
        ("shop.Checkout.test_tax", "us"): "failed",
    }
    assert list(told["by_target"]) == ["eu", "us"]


def test_a_target_can_be_chosen(server):
    answer = server.ask("/probe/?target=eu")
    assert (answer.status, answer.headers["X-Probe-Ok"]) == (200, "true")
    (result,) = answer.json()["results"]
    assert (result["target"], result["stdout"]) == ("eu", "asked https://eu\n")


def test_its_wire_names_each_target_before_its_results(server):
    answer = server.ask("/probe/?stream=1&fresh=1")
    events = [json.loads(line) for line in answer.text.splitlines()]
    begun = [e["target"] for e in events if e["event"] == "target_started"]
    assert sorted(begun) == ["eu", "us"]
    assert events[0]["targets"] == ["eu", "us"]
    assert events[-1]["event"] == "run_finished"


@pytest.mark.parametrize("target", ["asia", "e*", "--list", "https://eu"])
def test_what_is_no_alias_is_not_there(server, target):
    answer = server.ask(f"/probe/?target={target}", accept="application/json")
    assert answer.status == 404, answer.text
    assert target in answer.json()["error"]["message"]
