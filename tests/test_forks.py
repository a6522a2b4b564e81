"""A probe forks, and its child comes back: the run is its parent's alone."""

from __future__ import annotations

import json
from collections import Counter

import pytest

FILES = {
    "shop/probes.py": """
        import asyncio, multiprocessing, os, sys, unittest
        from pathlib import Path

        def note(text):
            with open("notes", "a") as stream:
                stream.write(text + "\\n")

        def status_of(child):
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        class Forks(unittest.TestCase):
            def setUp(self):
                if "tears_down" not in self._testMethodName:
                    self.addCleanup(note, f"cleanup of {self._testMethodName}")

            def test_1_child_returns(self):
                if child := os.fork():
                    self.assertEqual(status_of(child), 0)

            def test_2_child_fails(self):
                if child := os.fork():
                    self.assertEqual(status_of(child), 1)
                else:
                    self.fail("in the child")

            def test_3_child_exits(self):
                if child := os.fork():
                    self.assertEqual(status_of(child), 3)
                else:
                    sys.exit(3)

            def test_4_child_is_skipped(self):
                if child := os.fork():
                    self.fail(f"the parent's own words, {status_of(child)}")
                self.skipTest("in the child")

            def test_5_children_of_multiprocessing(self):
                process = multiprocessing.get_context("fork").Process(target=note, args=["child"])
                process.start()
                process.join()
                self.assertEqual(process.exitcode, 0)

            def test_6_child_tears_down(self):
                self.tearDown = self.fork_again

            def fork_again(self):
                if child := os.fork():
                    self.assertEqual(status_of(child), 0)

        class Shared(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                if child := os.fork():
                    assert status_of(child) == 0

            def test_of_the_class(self):
                note("of the class")

        class Async(unittest.IsolatedAsyncioTestCase):
            async def test_async(self):
                await asyncio.sleep(0)
                if child := os.fork():
                    self.assertEqual(status_of(child), 0)

        class Last(unittest.TestCase):
            def test_last(self):
                note("last")
    """,
}
OUTCOMES = {
    "test_1_child_returns": "passed",
    "test_2_child_fails": "passed",
    "test_3_child_exits": "passed",
    "test_4_child_is_skipped": "failed",
    "test_5_children_of_multiprocessing": "passed",
    "test_6_child_tears_down": "passed",
    "test_of_the_class": "passed",
    "test_async": "passed",
    "test_last": "passed",
}


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_child_that_comes_back_tears_nothing_down_and_runs_no_other_probe(make_quick, executor):
    project = make_quick(FILES)
    done = project.probe("--executor", executor, "--format", "jsonl", "--report", "tap=report.tap")
    assert done.returncode == 1, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    results = [event["result"] for event in events if event["event"] == "probe_finished"]
    told = [(result["label"].rpartition(".")[2], result["outcome"]) for result in results]
    assert Counter(told) == Counter(OUTCOMES.items())
    assert [event["event"] for event in events].count("run_finished") == 1
    failed = next(result for result in results if result["outcome"] == "failed")
    assert failed["error"]["message"] == "the parent's own words, 1"
    assert (project.folder / "report.tap").read_text().count("\n1..9\n") == 1
    notes = Counter((project.folder / "notes").read_text().splitlines())
    cleanups = {f"cleanup of {name}": 1 for name in list(OUTCOMES)[:5]}
    assert notes == {**cleanups, "child": 1, "of the class": 1, "last": 1}
