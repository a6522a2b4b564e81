"""Worker processes as the command has them: how they start, and how a run with them ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import chaos
import pytest

pytestmark = pytest.mark.ends

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

PROCESSES = ("--executor", "processes")

HANGING = """
    import os, re, subprocess, time, unittest

    class Probe(unittest.TestCase):
        def started(self):
            with open(f"started-{self._testMethodName}", "w"):
                pass
        def test_1(self):
            pass
        def test_2_sleeps(self):
            self.started()
            subprocess.Popen(["sleep", "600"])
            time.sleep(600)
        def test_3_swallows(self):
            self.started()
            while True:
                try:
                    time.sleep(600)
                except BaseException:
                    pass
        def test_4_holds(self):
            self.started()
            re.match("(a+)+$", "a" * 64 + "b")
        def test_5_never_starts(self):
            pass
"""


def outcomes(done):
    results = json.loads(done)["results"]
    return {result["label"].rpartition(".")[2]: result["outcome"] for result in results}


def wait_for(project, *names):
    until = time.monotonic() + 60
    while not all((project.folder / f"started-{name}").exists() for name in names):
        assert time.monotonic() < until
        time.sleep(0.02)


def start(project, mark, *args, **kwargs):
    return project.popen(
        "probe", "--format", "json", "--parallel", "3", *args,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={chaos.COOKIE: mark}, **kwargs,
    )  # fmt: skip


ALL = ("test_2_sleeps", "test_3_swallows", "test_4_holds")


# How a run ends.


@on_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_whole_reports_and_no_process_left(make_project, number):
    project, mark = make_project({"shop/probes.py": HANGING}), chaos.cookie()
    running = start(project, mark, "--report", "tap=report.tap", start_new_session=True)
    wait_for(project, *ALL)
    began = time.monotonic()
    os.killpg(running.pid, number)  # As a terminal does.
    stdout, stderr = running.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert running.returncode == 128 + number, stderr
    assert outcomes(stdout) == {
        "test_1": "passed", **dict.fromkeys(ALL, "not_run"), "test_5_never_starts": "not_run",
    }  # fmt: skip
    tap = (project.folder / "report.tap").read_text().splitlines()
    assert sum(line.startswith(("ok", "not ok")) for line in tap) == 5
    assert tap[-1].startswith("Bail out!")
    assert chaos.wait_for_none(mark) == []


@on_linux
def test_workers_that_are_told_to_end_with_the_command_still_have_their_results(make_project):
    """A service manager signals every process of a service."""
    source = """
        import time, unittest
        class Probe(unittest.TestCase):
            def test_1(self):
                open("started-test_1", "w").close()
                try:
                    time.sleep(600)
                finally:
                    print("cleaned up")
    """
    project, mark = make_project({"shop/probes.py": source}), chaos.cookie()
    running = start(project, mark)
    wait_for(project, "test_1")
    for process in chaos.processes(mark):
        os.kill(process, signal.SIGTERM)
    stdout, _ = running.communicate(timeout=60)
    (result,) = json.loads(stdout)["results"]
    assert running.returncode == 143
    assert result["outcome"] == "not_run"
    assert result["reason"] == "interrupted (SIGTERM) while it ran"
    assert result["stdout"] == "cleaned up\n"


@on_linux
@pytest.mark.parametrize("how", ["twice", "killed"])
@pytest.mark.parametrize(
    "method",
    ["forkserver", *(pytest.param(name, marks=pytest.mark.once) for name in ("fork", "spawn"))],
)
def test_a_run_that_ends_at_once_leaves_no_process(make_project, how, method):
    executor = {"BACKEND": "processes", "OPTIONS": {"start_method": method}}
    settings = f"PROBE_EXECUTOR = {executor!r}\n"
    project, mark = make_project({"shop/probes.py": HANGING}, settings), chaos.cookie()
    running = start(project, mark)
    wait_for(project, *ALL)
    if how == "killed":
        running.kill()
    else:
        running.send_signal(signal.SIGINT)
        while "once more" not in running.stderr.readline():
            pass
        running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == (-9 if how == "killed" else 143)
    assert chaos.wait_for_none(mark) == []


@on_linux
def test_the_deadline_ends_whatever_probes_do(make_project):
    project, mark = make_project({"shop/probes.py": HANGING}), chaos.cookie()
    running = start(project, mark, "--deadline", "8", "--report", "junit=report.xml")
    wait_for(project, *ALL)
    stdout, stderr = running.communicate(timeout=60)
    document = json.loads(stdout)
    assert running.returncode == 1, stderr
    assert outcomes(stdout) == {
        "test_1": "passed", **dict.fromkeys(ALL, "timed_out"), "test_5_never_starts": "not_run",
    }  # fmt: skip
    assert document["run"]["duration"] < 8 + 1 + 1  # The last is for a busy machine.
    for result in document["results"][1:4]:
        assert result["error"]["message"] == "the run's deadline of 8 s has passed"
        assert f"in {result['label'].rpartition('.')[2]}" in result["error"]["traceback"]
    assert (project.folder / "report.xml").read_text().rstrip().endswith("</testsuites>")
    assert chaos.wait_for_none(mark) == []


def test_the_deadline_ends_workers_that_are_still_starting(make_project):
    settings = """
        import os, time
        if "RUNS" in os.environ:
            time.sleep(600)
        os.environ["RUNS"] = "1"
    """

    project = make_project({"shop/probes.py": HANGING}, textwrap.dedent(settings))
    done = project.probe("--format", "json", *PROCESSES, "--deadline", "2")
    assert done.returncode == 1
    assert set(outcomes(done.stdout).values()) == {"not_run"}
    assert json.loads(done.stdout)["run"]["duration"] < 20


HANGS_IN_WORKERS = """
    import os, time, unittest
    if "IMPORTED" in os.environ:
        time.sleep(600)
    os.environ["IMPORTED"] = "1"
    class Probe(unittest.TestCase):
        def test_1(self): pass
"""


def test_an_import_that_hangs_in_a_worker_is_stopped_at_the_timeout(make_project):
    project = make_project({"shop/probes.py": HANGS_IN_WORKERS})
    (result,) = project.results(*PROCESSES, "--timeout", "0.5").values()
    assert result["outcome"] == "timed_out"
    assert result["error"]["message"] == "took longer than its timeout of 0.5 s"
    assert "time.sleep(600)" in result["error"]["traceback"]


def test_an_import_that_hangs_in_a_worker_is_stopped_at_the_deadline(make_project):
    project = make_project({"shop/probes.py": HANGS_IN_WORKERS})
    (result,) = project.results(*PROCESSES, "--deadline", "3").values()
    assert result["outcome"] in ("timed_out", "not_run")
    assert result["blocking"]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_that_do_not_come_up_are_told_with_what_they_said(make_project, method):
    executor = {"BACKEND": "processes", "OPTIONS": {"start_method": method}}
    settings = (
        f"PROBE_EXECUTOR = {executor!r}\n"
        + """
import os
if "RUNS" in os.environ:
    raise ValueError("only once")
os.environ["RUNS"] = "1"
"""
    )
    project = make_project({"shop/probes.py": HANGING}, settings)
    done = project.probe("--format", "json")
    assert set(outcomes(done.stdout).values()) == {"not_run"}
    assert done.returncode == 4
    (failed,) = json.loads(done.stdout)["failed_targets"]
    assert failed["error"]["message"] == "no worker process comes up: ValueError: only once"


# What --parallel means.

WHERE = """
    import os, threading, unittest
    class Probe(unittest.TestCase):
        def test_1(self): print(threading.current_thread() is threading.main_thread())
"""


@pytest.mark.parametrize(
    ("setting", "args", "in_process"),
    [
        (None, [], False),
        (None, ["--parallel", "2"], True),
        (None, ["--parallel", "1"], True),
        (None, ["--parallel", "2", "--executor", "threads"], False),
        (None, ["--executor", "processes"], True),
        ({"OPTIONS": {"max_workers": 2}}, ["--parallel", "2"], True),
        ({"BACKEND": "threads"}, ["--parallel", "2"], False),
        ({"BACKEND": "processes"}, [], True),
        ({"BACKEND": "processes"}, ["--executor", "threads", "--parallel", "2"], False),
    ],
)
def test_parallel_means_processes_unless_something_else_is_said(
    make_project, setting, args, in_process
):
    settings = "" if setting is None else f"PROBE_EXECUTOR = {setting!r}\n"
    (result,) = make_project({"shop/probes.py": WHERE}, settings).results(*args).values()
    assert result["stdout"] == f"{in_process}\n"


# How workers find their probes.

LOADED = """
    import unittest

    class Case(unittest.TestCase):
        def __init__(self, method="test_it", number=0):
            super().__init__(method)
            self.number = number
        def id(self): return f"shop.case.{self.number}"
        def test_it(self): print(self.number)

    class Plain(unittest.TestCase):
        def test_a(self): pass

    def load_tests(loader, tests, pattern):
        made = type("Made", (Case,), {"__module__": __name__, "__qualname__": "here.<locals>.Made"})
        cases = [Case(number=n) for n in (3, 1, 2)] + [Case(number=1), made(number=4), Plain("test_a")]
        return unittest.TestSuite(cases)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_find_what_load_tests_makes_also_shuffled_and_twice(make_project, method):
    executor = {"BACKEND": "processes", "OPTIONS": {"start_method": method}}
    project = make_project({"shop/probes.py": LOADED}, f"PROBE_EXECUTOR = {executor!r}\n")
    done = project.probe("--format", "json", "--shuffle", "3", "--parallel", "2")
    results = json.loads(done.stdout)["results"]
    assert sorted(result["id"] for result in results) == [
        "shop.case.1", "shop.case.1", "shop.case.2", "shop.case.3", "shop.case.4",
        "shop.probes.Plain.test_a",
    ]  # fmt: skip
    for result in results:
        if result["id"].startswith("shop.case"):
            assert result["stdout"] == result["id"].rpartition(".")[2] + "\n"
    assert done.returncode == 0


OBJECTS = """
    import unittest
    from django_probe.simple import DjangoProbeSuiteRunner
    from django_probe.loading import entries_of
    from django_probe.batching import make_batches
    from django_probe.plan import Plan, Planned
    from django_probe.probe_classes import ProbeClass
    from django.apps import apps

    class Hidden:
        class Case(unittest.TestCase):
            def __init__(self, number): super().__init__("test_it"); self.number = number
            def test_it(self): print(self.number)

    class Runner(DjangoProbeSuiteRunner):
        def build_suite(self, selection):
            owner = ProbeClass(Hidden.Case, apps.get_app_config("shop"))
            entries = [Planned(owner, "test_it", Hidden.Case(5))]
            entries += [e for c in apps.get_app_configs() for e in entries_of(c, {})]
            return Plan(batches=make_batches(entries), total=len(entries))
"""


@pytest.mark.parametrize("method", ["forkserver", "fork"])
def test_probes_that_a_runner_makes_of_objects_need_a_fork_and_say_so(make_project, method):
    executor = {"BACKEND": "processes", "OPTIONS": {"start_method": method}}
    settings = f"PROBE_RUNNER = 'shop.runner.Runner'\nPROBE_EXECUTOR = {executor!r}\n"
    files = {"shop/runner.py": OBJECTS, "shop/probes.py": WHERE}
    made, plain = make_project(files, settings).results("--parallel", "2").values()
    assert plain["outcome"] == "passed"
    if method == "fork":
        assert made["stdout"] == "5\n"
    else:
        assert made["outcome"] == "errored"
        assert "cannot be made in a worker process: it is an object" in made["error"]["message"]
        assert "start_method 'fork'" in made["error"]["message"]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_have_the_settings_path_folder_and_flags_of_the_command(make_project, method):
    source = """
        import os, sys, unittest
        import elsewhere
        from django.conf import settings
        class Probe(unittest.TestCase):
            def test_1(self):
                print(settings.NAME, elsewhere.NAME, os.path.basename(os.getcwd()), sys.argv[1],
                      os.environ["FROM"], sys.flags.optimize, sys.warnoptions)
    """
    project = make_project({"shop/probes.py": source})
    project.write("other.py", "from settings import *\nNAME = 'other'\n")
    project.write("lib/elsewhere.py", "NAME = 'elsewhere'\n")
    executor = {"BACKEND": "processes", "OPTIONS": {"start_method": method}}
    project.write(
        "other.py", f"from settings import *\nNAME = 'o'\nPROBE_EXECUTOR = {executor!r}\n"
    )

    done = subprocess.run(
        [sys.executable, "-O", "-W", "error", "../manage.py", "probe", "--format", "json",
         "--settings", "other", "--pythonpath", str(project.folder / "lib")],
        cwd=project.folder / "shop", env=project.environment(FROM="shell", PYTHONWARNINGS=""),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (result,) = json.loads(done.stdout)["results"]
    assert result["stdout"] == "o elsewhere shop probe shell 1 ['error']\n", done.stderr


def test_where_an_app_starts_threads_workers_are_new_interpreters(make_project):
    app = """
        import threading
        from django.apps import AppConfig
        class ShopConfig(AppConfig):
            name = "shop"
            def ready(self):
                threading.Thread(target=threading.Event().wait, daemon=True).start()
    """
    source = """
        import os, sys, threading, unittest
        class Probe(unittest.TestCase):
            def test_1(self):
                print([thread.name for thread in threading.enumerate()][:2])
    """
    project = make_project({"shop/apps.py": app, "shop/probes.py": source})
    (result,) = project.results("--parallel", "2", env={"PYTHONWARNINGS": "error"}).values()
    assert result["outcome"] == "passed", result
    assert result["stdout"].startswith("['MainThread', 'Thread-1")


def test_nothing_warns_by_default(make_project):
    """A fork of a process with threads does, from Python 3.12 on."""
    project = make_project({"shop/probes.py": WHERE})
    done = project.probe("--parallel", "2", env={"PYTHONWARNINGS": "error"})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
