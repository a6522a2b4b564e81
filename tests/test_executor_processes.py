"""The executor ``processes``: its contract, by each start method, and what only it does."""

from __future__ import annotations

import json
import os
import sys
import unittest
import unittest.mock

import chaos
import in_process  # noqa: F401 - sets up Django
import pytest

from django_probe.executors.processes import ProcessesExecutor
from django_probe.testing import ExecutorContract


class Contract(ExecutorContract):
    """``ProcessesExecutor`` keeps what every executor has to keep."""

    method = ""

    def setUp(self):
        patch = unittest.mock.patch.dict(os.environ, DJANGO_SETTINGS_MODULE="worker_settings")
        patch.start()
        self.addCleanup(patch.stop)

    def make_executor(self, config, **options):
        return ProcessesExecutor(config, start_method=self.method, **options)


class TestForkContract(Contract, unittest.TestCase):
    method = "fork"


@pytest.mark.ends
class TestForkserverContract(Contract, unittest.TestCase):
    method = "forkserver"


@pytest.mark.once
class TestSpawnContract(Contract, unittest.TestCase):
    method = "spawn"


# Whatever probes do.

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def chaos_run(make_project, method, count, bad, timeout=1.0):
    source, expected = chaos.probes(count, bad)
    executor = {"BACKEND": "processes", "OPTIONS": {"start_method": method}}
    project = make_project(
        {"shop/probes.py": f"TIMEOUT = {timeout}\n{source}"}, f"PROBE_EXECUTOR = {executor!r}\n"
    )
    mark = chaos.cookie()
    done = project.probe(
        "--format", "json", "--parallel", "4", env={chaos.COOKIE: mark}, timeout=110
    )
    assert done.returncode == 1, done.stderr
    results = {r["label"].rpartition(".")[2]: r for r in json.loads(done.stdout)["results"]}
    assert results.keys() == expected.keys()
    for name, (outcome, message) in expected.items():
        result = results[name]
        assert (name, result["outcome"]) == (name, outcome), result
        if outcome == "passed":
            assert result["stdout"] == "good\n"
        else:
            assert message in result["error"]["message"]
            assert "django_probe/executors" not in result["error"]["traceback"]
            assert "keeper" not in result["error"]["traceback"]
            assert (
                f"in {name}" in result["error"]["traceback"]
                or "SIGKILL" in message
                or ("exit status" in message)
            ), result
    assert chaos.wait_for_none(mark) == []
    return results, done


@on_linux
@pytest.mark.parametrize(
    "method",
    ["forkserver", *(pytest.param(name, marks=pytest.mark.once) for name in ("fork", "spawn"))],
)
def test_whatever_probes_do_each_has_its_result_and_no_process_is_left(make_project, method):
    chaos_run(make_project, method, count=26, bad=13)


@on_linux
@pytest.mark.once
def test_of_200_probes_40_hang_crash_exit_or_hold_the_interpreter(make_project):
    results, _ = chaos_run(make_project, None, count=200, bad=40)
    assert len(results) == 200
