"""Exit codes: one for each way a run can end, and whole reports in all of them."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import Project
from zygote import Quick

pytestmark = pytest.mark.ends

FILES = {
    "good/probes.py": """
        import unittest
        class Good(unittest.TestCase):
            def test_a(self):
                pass
            def test_b(self):
                pass
    """,
    "bad/probes.py": """
        import unittest
        class Bad(unittest.TestCase):
            def test_bad(self):
                self.fail("not today")
        class Clean(unittest.TestCase):
            def test_clean(self):
                pass
            @classmethod
            def tearDownClass(cls):
                raise OSError("left behind")
    """,
    "idle/probes.py": """
        import unittest
        class Idle(unittest.TestCase):
            @unittest.skip("not on Mondays")
            def test_idle(self):
                pass
            @unittest.expectedFailure
            def test_known(self):
                self.fail("known")
    """,
    "lib/reporters.py": """
        import os
        from django_probe.reporting import Reporter
        def explode(self, *args):
            raise {"exit": SystemExit(0), "interrupt": KeyboardInterrupt()}.get(
                os.environ.get("KIND"), RuntimeError("reporter\\nbroke"))
        Bad = type("Bad", (Reporter,), {os.environ.get("METHOD", "none"): explode})
    """,
    "lib/executors.py": """
        from django_probe.executors.threads import ThreadsExecutor
        class Breaks(ThreadsExecutor):
            def execute(self, batches, target, deadline):
                yield from super().execute(batches, target, deadline)
                raise RuntimeError("all told, and broken")
    """,
}
SETTINGS = """
    import os
    INSTALLED_APPS = ["good", "bad", "idle", "django_probe"]
    exec(os.environ.get("EXTRA", ""))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("codes") / "project", FILES, SETTINGS)


def outcomes(text):
    """Return (label, outcome) of each result of a whole wire."""
    events = [json.loads(line) for line in text.splitlines()]
    assert events[0]["event"] == "run_started"
    assert events[-1]["event"] == "run_finished"
    results = [event["result"] for event in events if event["event"] == "probe_finished"]
    assert len(results) == events[0]["planned"]
    return [(result["label"], result["outcome"]) for result in results]


def summary(text):
    return json.loads(text.splitlines()[-1])["summary"]


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ("good", 0),
        ("good idle", 0),
        ("idle.Idle.test_known", 0),
        ("idle.Idle.test_idle", 5),
        ("bad.Bad", 1),
        ("good bad.Bad", 1),
        ("bad.Clean", 1),
        ("good nope", 2),
    ],
)
def test_the_exit_code_tells_what_came_of_a_run_and_the_summary_agrees(project, labels, code):
    done = project.probe("--format", "jsonl", *labels.split())
    assert done.returncode == code
    if code != 2:
        verdict = summary(done.stdout)
        assert (verdict["exit_code"], verdict["ok"]) == (code, code == 0)


def test_a_full_disk_loses_that_report_alone_and_is_exit_3(project):
    done = project.probe("good", "--format", "jsonl", "--report", "jsonl=/dev/full")
    assert done.returncode == 3
    assert done.stderr == (
        "Report 'jsonl' to /dev/full: OSError: No space left on device. This report is lost.\n"
    )
    assert len(outcomes(done.stdout)) == 2
    done = project.probe("bad.Bad", "--format", "jsonl", "--report", "jsonl=/dev/full")
    assert done.returncode == 1, "what blocks goes first, where a report of it exists"
    done = project.probe("bad.Bad", "--format", "jsonl", "--output", "/dev/full")
    assert done.returncode == 3, "nobody can read what blocks"


def test_a_full_disk_behind_stdout_is_exit_3_and_files_are_whole(project):
    plain = Project(project.folder)
    for name in ("text", "json", "jsonl"):
        with Path("/dev/full").open("w") as full:
            process = plain.popen(
                "probe", "good", "--format", name, "--report", f"jsonl={name}.full",
                stdout=full, stderr=subprocess.PIPE,
            )  # fmt: skip
            told = process.communicate(timeout=60)[1]
        assert process.returncode == 3, told
        assert f"Report '{name}' to stdout: OSError: No space left on device." in told
        assert told.count("\n") == 1
        assert len(outcomes((project.folder / f"{name}.full").read_text())) == 2


def test_a_reader_of_stdout_that_left_is_exit_3_and_files_are_whole(project):
    plain = Project(project.folder)
    for name in ("text", "jsonl", "json"):
        process = plain.popen(
            "probe", "good", "--format", name, "--report", f"jsonl={name}.pipe",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        process.stdout.close()
        told = process.stderr.read()
        process.stderr.close()
        assert process.wait(timeout=60) == 3, told
        assert (
            told
            == f"Report '{name}' to stdout: BrokenPipeError: Broken pipe. This report is lost.\n"
        )
        assert len(outcomes((project.folder / f"{name}.pipe").read_text())) == 2


@pytest.mark.parametrize("option", ["--list", "--list-formats"])
def test_a_list_that_nobody_takes_is_exit_3_and_one_line(project, option):
    with Path("/dev/full").open("w") as full:
        process = Project(project.folder).popen(
            "probe", option, "good", stdout=full, stderr=subprocess.PIPE
        )
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 3
    assert told == "Cannot write the list to stdout: No space left on device.\n"


# What it takes to have each method called, and the exit code.
METHODS = {
    "run_started": (["good"], 3),
    "probe_started": (["good"], 3),
    "probe_finished": (["good"], 3),
    "fixture_failed": (["good", "bad.Clean"], 1),
    "target_failed": (["good", "--executor", "lib.executors.Breaks"], 4),
    "run_finished": (["good"], 3),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["error", "exit", "interrupt"])
def test_a_reporter_that_raises_is_left_out_and_the_others_are_whole(project, method, kind):
    asked, code = METHODS[method]
    reports = ["--format=jsonl", "--report=lib.reporters.Bad=bad.txt", "--report=jsonl=b.jsonl"]
    done = project.probe(*asked, *reports, env={"METHOD": method, "KIND": kind})
    assert done.returncode == code
    what = {
        "error": "RuntimeError: reporter broke",
        "exit": "SystemExit: 0",
        "interrupt": "KeyboardInterrupt",
    }
    assert done.stderr == (
        f"Report 'lib.reporters.Bad' to bad.txt: {what[kind]}. This report is lost.\n"
    )
    assert len(outcomes(done.stdout)) == len(outcomes((project.folder / "b.jsonl").read_text()))
    assert not (project.folder / "bad.txt").exists()
    assert list(project.folder.glob(".*.tmp")) == []


def test_a_reporter_that_cannot_be_made_is_exit_2(project):
    done = project.probe("good", "--report", "lib.reporters.Bad=x", env={"METHOD": "__init__"})
    assert done.returncode == 2
    assert "refuses to be made: reporter" in done.stderr


# Interrupted runs.

WAITS = """
    import time, unittest
    from pathlib import Path
    class Waits(unittest.TestCase):
        def test_a(self):
            pass
        def test_b(self):
            Path("waiting.txt").touch()
            while not Path("go.txt").exists():
                time.sleep(0.01)
        def test_c(self):
            pass
        def tearDown(self):
            with Path("torn.txt").open("a") as stream:
                stream.write(self._testMethodName + " ")
"""
HANGS = """
    import time
    from pathlib import Path
    Path("waiting.txt").touch()
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass
"""
STUBBORN = HANGS.replace("except Exception", "except BaseException")


def started(tmp_path, files, *options):
    """Start a run; return (project, process) when it waits."""
    project = Project.make(tmp_path / "project", files)
    process = project.popen(
        "probe", "--format", "jsonl", "--report", "jsonl=file.jsonl", *options,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not (project.folder / "waiting.txt").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return project, process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_whole_reports(tmp_path, number, code):
    project, process = started(tmp_path, {"shop/probes.py": WAITS})
    process.send_signal(number)
    out, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert outcomes(out) == [
        ("shop.Waits.test_a", "passed"),
        ("shop.Waits.test_b", "not_run"),
        ("shop.Waits.test_c", "not_run"),
    ]
    assert (project.folder / "file.jsonl").read_text() == out
    assert (project.folder / "torn.txt").read_text() == "test_a test_b "
    assert summary(out)["interrupted"] == number
    assert summary(out)["exit_code"] == code
    assert told == f"\n{number.name}: writing the reports; once more to leave at once.\n"


def test_a_second_signal_leaves_at_once(tmp_path):
    stuck = WAITS.replace("time.sleep(0.01)", "next(iter(int, 1))").replace(
        "def tearDown(self):", "def tearDown(self):\n            time.sleep(30)"
    )
    _, process = started(tmp_path, {"shop/probes.py": stuck.replace("test_a", "dont_a")})
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline() == "\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (130, 143)  # 143 where the first one was quick enough.
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_a_module_is_imported_ends_the_run_with_whole_reports(
    tmp_path, number, code
):
    files = {"a/probes.py": WAITS, "b/probes.py": HANGS, "c/probes.py": WAITS}
    project, process = started(tmp_path, files)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert outcomes(out) == [
        ("b.probes", "not_run"),
        ("c.probes", "not_run"),
        ("a.Waits.test_a", "not_run"),
        ("a.Waits.test_b", "not_run"),
        ("a.Waits.test_c", "not_run"),
    ]
    assert f"interrupted ({number.name}) while b.probes was loaded" in out
    assert (project.folder / "file.jsonl").read_text() == out


def test_the_deadline_ends_an_import_that_hangs_and_says_where(tmp_path):
    files = {"a/probes.py": WAITS, "b/probes.py": HANGS, "c/probes.py": WAITS}
    _, process = started(tmp_path, files, "--deadline", "0.5")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert sorted(outcomes(out)) == [
        ("a.Waits.test_a", "not_run"),
        ("a.Waits.test_b", "not_run"),
        ("a.Waits.test_c", "not_run"),
        ("b.probes", "timed_out"),
        ("c.probes", "not_run"),
    ]
    assert "deadline of 0.5 s has passed while b.probes was loaded" in out
    assert 'b/probes.py\\", line 7' in out
    assert "interrupts.py" not in out


def test_the_deadline_ends_load_tests_and_the_making_of_cases_too(tmp_path):
    hang = "import time\n            while True:\n                time.sleep(0.01)"
    project = Quick.make(
        tmp_path / "project",
        {
            "a/probes.py": f"""
        def load_tests(loader, standard, pattern):
            {hang}
        """,
            "b/probes.py": f"""
        import unittest
        class Slow(unittest.TestCase):
            def id(self):
                {hang.replace("            while", "                while").replace("                time.s", "                    time.s")}
            def test_slow(self):
                pass
        """,
        },
    )
    for app, told in (("a", "a.probes.load_tests"), ("b", "b.probes.Slow.test_slow")):
        done = project.probe(app, "--format", "jsonl", "--deadline", "0.3")
        assert done.returncode == 1
        assert [outcome for _, outcome in outcomes(done.stdout)] == ["timed_out"]
        assert f"while {told} was loaded" in done.stdout


def test_an_import_that_swallows_the_deadline_does_not_hold_the_gate_for_ever(
    tmp_path, monkeypatch
):
    _, process = started(tmp_path, {"a/probes.py": STUBBORN}, "--deadline", "1")
    out, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert told == (
        "No verdict: the run's deadline of 1 s has passed, and an import cannot be interrupted.\n"
    )


def test_a_signal_that_the_shell_ignores_stays_ignored(tmp_path):
    project = Project.make(tmp_path / "project", {"shop/probes.py": WAITS})
    process = project.popen(
        "probe", "--format", "jsonl", stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    while not (project.folder / "waiting.txt").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    (project.folder / "go.txt").touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [outcome for _, outcome in outcomes(out)] == ["passed"] * 3


def test_listing_can_be_interrupted_while_a_module_is_imported(tmp_path):
    project = Project.make(tmp_path / "project", {"a/probes.py": HANGS})
    process = project.popen("probe", "--list", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not (project.folder / "waiting.txt").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130
