"""The runner that a project derives, and the command called from Python."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from support import Project
from zygote import Quick

SNIPPET = Path(__file__).parent / "snippets" / "deploy_gate.py"

FILES = {
    "shop/probes.py": """
        import os
        import unittest
        class Checkout(unittest.TestCase):
            def test_pay(self):
                print("printed by a probe")
                self.assertNotIn("FAIL", os.environ)
    """,
    "deploy_gate.py": SNIPPET.read_text(),
    "lib/runners.py": """
        import sys
        from django_probe.exceptions import ConfigurationError
        from django_probe.plan import Plan
        from django_probe.simple import DjangoProbeSuiteRunner
        class ForgetsToReturn(DjangoProbeSuiteRunner):
            def run(self, labels=()):
                super().run(labels)
        class ReturnsNonsense(DjangoProbeSuiteRunner):
            def run(self, labels=()):
                return 256
        class Exits(DjangoProbeSuiteRunner):
            def run_probes(self, selection):
                sys.exit(0)
        class Breaks(DjangoProbeSuiteRunner):
            def build_suite(self, selection):
                raise ZeroDivisionError("in build_suite,\\nby a project")
        class BreaksEarly(DjangoProbeSuiteRunner):
            @classmethod
            def add_arguments(cls, parser):
                raise ZeroDivisionError("in add_arguments")
        class Refuses(DjangoProbeSuiteRunner):
            def run_probes(self, selection):
                raise ConfigurationError("Not on Fridays: deploy on Monday.")
        class OnlyFirst(DjangoProbeSuiteRunner):
            def build_suite(self, selection):
                plan = super().build_suite(selection)
                return Plan(batches=plan.batches[:1], total=len(plan.batches[0].entries))
        class TwoOnOnePath(DjangoProbeSuiteRunner):
            def get_reports(self):
                return super().get_reports() + [self.get_report("json", "same.txt")]
    """,
    "lib/executors.py": """
        from django_probe.executors.threads import ThreadsExecutor
        class Breaks(ThreadsExecutor):
            def execute(self, batches, target, deadline):
                events = super().execute(batches, target, deadline)
                yield next(events)
                yield next(events)
                raise RuntimeError("no more, says a-secret-key-of-the-tests-that-nobody-knows")
        class Forgets(ThreadsExecutor):
            def execute(self, batches, target, deadline):
                for event in super().execute(batches, target, deadline):
                    if type(event).__name__ != "ProbeFinished" or "pay" in event.result.probe.id:
                        yield event
    """,
    "more/probes.py": """
        import unittest
        class More(unittest.TestCase):
            def test_more(self):
                pass
    """,
}
SETTINGS = """
    import os
    INSTALLED_APPS = ["shop", "more", "django_probe"]
    exec(os.environ.get("EXTRA", ""))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("runner") / "project", FILES, SETTINGS)


def run(project, runner, *options, **env):
    return project.probe(*options, env={"EXTRA": f"PROBE_RUNNER = {runner!r}", **env})


def test_a_project_adds_an_option_and_a_reporter_in_a_few_lines(project):
    runner = "deploy_gate.GateRunner"
    assert "--ticket FILE" in run(project, runner, "--help").stdout
    done = run(project, runner, "--ticket", "notes/ticket.txt", "--format", "silent")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (project.folder / "notes/ticket.txt").read_text() == "go: 2 probes\n"
    done = run(project, runner, "--ticket", "-", "--output", "text.txt", FAIL="1")
    assert (done.returncode, done.stdout) == (1, "STOP: 2 probes\n")
    assert run(project, runner, "--format", "silent").returncode == 0
    code = [line for line in SNIPPET.read_text().splitlines() if line and '"""' not in line]
    body = code[code.index("class GateRunner(DjangoProbeSuiteRunner):") :]
    assert len(body) <= 10


def test_a_runner_may_change_the_plan(project):
    done = run(project, "lib.runners.OnlyFirst", "--format", "jsonl")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[0])["planned"] == 1


@pytest.mark.parametrize(
    ("runner", "told"),
    [
        ("ForgetsToReturn", "The runner's run() returned None, expected an exit code, 0 to 255."),
        ("ReturnsNonsense", "The runner's run() returned 256, expected an exit code"),
        ("Exits", "SystemExit: 0 - no verdict: "),
        ("Breaks", "ZeroDivisionError: in build_suite, by a project - no verdict: this is no fault of"
         " a probe; --traceback shows where it comes from."),
        ("BreaksEarly", "ZeroDivisionError: in add_arguments - no verdict: "),
        ("Refuses", "Not on Fridays: deploy on Monday."),
        ("TwoOnOnePath", "Two reports go to same.txt, expected one for each place"),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_a_runner_is_one_line_and_exit_2(project, runner, told):
    done = run(project, f"lib.runners.{runner}", "--format", "silent", "--report", "json=same.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"CommandError: {told}")
    assert done.stderr.count("\n") == 1
    traced = run(
        project,
        f"lib.runners.{runner}",
        "--format",
        "silent",
        "--report",
        "json=same.txt",
        "--traceback",
    )
    assert traced.returncode == 2
    assert "Traceback (most recent call last):" in traced.stderr


@pytest.mark.parametrize(
    ("executor", "told"),
    [
        ("Breaks", "RuntimeError"),
        ("Forgets", "its executor told 1 results for 2 probes"),
    ],
)
def test_an_executor_that_breaks_leaves_one_result_for_each_probe(project, executor, told):
    done = project.probe("--format", "jsonl", "--executor", f"lib.executors.{executor}")
    assert done.returncode == 4
    events = [json.loads(line) for line in done.stdout.splitlines()]
    results = [event["result"]["outcome"] for event in events if event["event"] == "probe_finished"]
    assert results == ["passed", "not_run"]
    failed = [event["error"] for event in events if event["event"] == "target_failed"]
    assert len(failed) == 1
    assert told in f"{failed[0]['exception_class_path']}: {failed[0]['message']}"
    assert "nobody-knows" not in done.stdout
    assert events[-1]["summary"]["ok"] is False


# From Python.

SCRIPT = """
    import io, os, signal, sys
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import django
    django.setup()
    from django.core.management import CommandError, call_command
    def call(*args, **options):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("probe", *args, stdout=out, stderr=err, **options)
            code = 0
        except SystemExit as exc:
            code = exc.code
        except CommandError as exc:
            code = (exc.returncode, str(exc))
        return code, out.getvalue(), err.getvalue()
"""


def python(tmp_path, code, **env):
    """Run Python code in a project; return what it printed, line by line."""
    project = Project.make(tmp_path / "project", FILES, SETTINGS)
    project.write("manage.py", textwrap.dedent(SCRIPT) + textwrap.dedent(code))
    done = project.manage(env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_call_command_ends_in_system_exit_with_the_code_when_not_ok(tmp_path):
    lines = python(
        tmp_path,
        """
        print(*call("shop", format="silent"))
        os.environ["FAIL"] = "1"
        print(*call("shop", format="silent"))
        print(*call("shop", tag=["nothing"], format="silent"))
        print(*call("shop", "--tag", "nothing", format="silent"))
        print(*call(list_probes=True))
        print(*call("nope"))
        """,
    )
    assert lines == [
        "0  ",
        "1  ",
        "5  Nothing ran: no probe of shop has the tag 'nothing', or any other tag.",
        "",
        "5  Nothing ran: no probe of shop has the tag 'nothing', or any other tag.",
        "",
        "0 shop.Checkout.test_pay",
        "more.More.test_more",
        " ",
        "(2, \"Unknown label 'nope': expected a name as in shop.Checkout, more.More.\")  ",
    ]


def test_the_streams_of_call_command_take_report_and_warnings_and_nothing_else_does(tmp_path):
    lines = python(
        tmp_path,
        """
        import json
        code, out, err = call("shop", format="jsonl", report=["jsonl=/dev/full"])
        print(code, err.strip())
        print([json.loads(line)["event"] for line in out.splitlines()])
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        """,
    )
    assert lines == [
        "3 Report 'jsonl' to /dev/full: OSError: No space left on device. This report is lost.",
        "['run_started', 'probe_started', 'probe_finished', 'run_finished']",
        "True",
        "True",
    ]


def test_two_runs_in_one_process_know_nothing_of_each_other(tmp_path):
    lines = python(
        tmp_path,
        """
        import json
        def total(out):
            return json.loads(out.splitlines()[-1])["summary"]["counts"]["total"]
        for labels in (["shop"], [], ["shop"]):
            code, out, err = call(*labels, format="jsonl")
            print(code, total(out), out.count("run_started"))
        os.environ["FAIL"] = "1"
        print(call("shop", format="silent")[0], call("more", format="silent")[0])
        """,
    )
    assert lines == ["0 1 1", "0 2 1", "0 1 1", "1 0"]


def test_the_process_s_own_stdout_is_given_back_after_call_command(tmp_path):
    lines = python(
        tmp_path,
        """
        call_command("probe", "shop", format="jsonl")
        print("afterwards")
        os.system("echo by a subprocess")
        """,
    )
    assert lines.count("by a subprocess") == lines.count("afterwards") == 1
    assert [json.loads(line)["event"] for line in lines if line.startswith("{")][
        -1
    ] == "run_finished"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("timeout='x'", "The option timeout: 'x' is not a number of seconds greater than 0."),
        ("deadline=-1", "The option deadline: '-1' is not a number of seconds"),
        ("parallel=0", "The option parallel: '0' is not a whole number from 1 on."),
        ("shuffle='y'", "The option shuffle: 'y' is not a seed"),
        ("report=5", "The option report is 5, expected a list of strings."),
    ],
)
def test_an_option_of_the_wrong_type_from_python_is_told_like_any_other(project, options, told):
    project.write(
        "lib/calls.py",
        f"""
        from django_probe.simple import DjangoProbeSuiteRunner
        class Runner(DjangoProbeSuiteRunner):
            def __init__(self, **options):
                super().__init__(**{{**options, **dict({options})}})
    """,
    )
    done = run(project, "lib.calls.Runner", "--format", "silent")
    assert (done.returncode, done.stderr) == (2, done.stderr)
    assert done.stderr.startswith(f"CommandError: {told}")


def test_options_from_python_may_be_strings_and_numbers(tmp_path):
    lines = python(
        tmp_path,
        """
        print(call("shop", timeout="5", deadline=60, parallel="2", shuffle=7, durations=1,
                   report="jsonl=out.jsonl", format="silent")[0])
        print('"seed": 7' in open("out.jsonl").read(), '"timeout": 5.0' in open("out.jsonl").read())
        """,
    )
    assert lines == ["0", "True True"]


def test_a_run_in_another_thread_touches_no_signal(tmp_path):
    lines = python(
        tmp_path,
        """
        import threading
        result = []
        thread = threading.Thread(target=lambda: result.append(call("shop", format="silent", deadline=30)))
        thread.start()
        thread.join()
        print(result[0])
        """,
    )
    assert lines == ["(0, '', '')"]
