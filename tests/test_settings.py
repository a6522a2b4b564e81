"""Settings of the wrong type or value: one line and exit 2, and a check with an id and a hint."""

from __future__ import annotations

import pytest
from zygote import Quick

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        class Checkout(unittest.TestCase):
            def test_pay(self):
                Path("ran.txt").touch()
    """,
    "lib/parts.py": """
        from django_probe.reporting import Reporter
        class NoReporter:
            pass
        class Strict(Reporter):
            def __init__(self, stream, *, url):
                super().__init__(stream)
                if not url.startswith("https:"):
                    raise ValueError("url must be https")
    """,
    "lib/explodes.py": "raise RuntimeError('not today')\n",
    "lib/leaves.py": "raise SystemExit(0)\n",
}
SETTINGS = """
    import os
    INSTALLED_APPS = ["shop", "django_probe"]
    exec(os.environ.get("EXTRA", ""))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("settings") / "project", FILES, SETTINGS)


def check(project, extra):
    done = project.manage("check", env={"EXTRA": extra})
    return done.returncode, " ".join(done.stderr.split())


def probe(project, extra, *options):
    done = project.probe(*options, env={"EXTRA": extra})
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (project.folder / "ran.txt").exists()
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("extra", "id", "told"),
    [
        ("PROBE_TIMEOUT = '30'", "E002", "PROBE_TIMEOUT is '30', expected a number of seconds greater than 0, or None"),
        ("PROBE_TIMEOUT = 0", "E002", "PROBE_TIMEOUT is 0, expected"),
        ("PROBE_TIMEOUT = True", "E002", "PROBE_TIMEOUT is True, expected"),
        ("PROBE_TIMEOUT = float('nan')", "E002", "PROBE_TIMEOUT is nan, expected"),
        ("PROBE_DEADLINE = -1", "E003", "PROBE_DEADLINE is -1, expected a number of seconds"),
        ("PROBE_DEADLINE = [5]", "E003", "PROBE_DEADLINE is [5], expected a number of seconds"),
        ("PROBE_RUNNER = 5", "E001", "PROBE_RUNNER is 5, expected a dotted path"),
        ("PROBE_EXECUTOR = 'threads'", "E004", "PROBE_EXECUTOR is 'threads', expected a dict with BACKEND"),
        ("PROBE_EXECUTOR = {'backend': 'threads'}", "E004", "PROBE_EXECUTOR has the unknown key 'backend', expected BACKEND, OPTIONS"),
        ("PROBE_EXECUTOR = {'BACKEND': 5}", "E004", "PROBE_EXECUTOR['BACKEND'] is 5, expected"),
        ("PROBE_EXECUTOR = {'OPTIONS': 5}", "E004", "PROBE_EXECUTOR['OPTIONS'] is 5, expected a dict"),
        ("PROBE_REPORTERS = ['junit']", "E005", "PROBE_REPORTERS is ['junit'], expected a dict"),
        ("PROBE_REPORTERS = {'a b': {'BACKEND': 'junit'}}", "E005", "an alias is made of letters"),
        ("PROBE_REPORTERS = {5: {'BACKEND': 'junit'}}", "E005", "an alias is made of letters"),
        ("PROBE_REPORTERS = {'ci': 'junit'}", "E005", "PROBE_REPORTERS['ci'] is 'junit', expected a dict with BACKEND"),
        ("PROBE_REPORTERS = {'ci': {'OUTPUT': 'x'}}", "E005", "expected a dict with BACKEND"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'junit', 'OUTPUT': 5}}", "E005", "['OUTPUT'] is 5, expected the path of a file"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'junit', 'OPTIONS': [1]}}", "E005", "['OPTIONS'] is [1], expected a dict"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'junit', 'FILE': 'x'}}", "E005", "the unknown key 'FILE', expected BACKEND, OPTIONS, OUTPUT"),
        ("PROBE_REPORTERS = {'junit': {'BACKEND': 'lib.parts.Strict'}}", "E005", "'junit' is claimed twice, by PROBE_REPORTERS and as a built-in format"),
        ("PROBE_ENABLED = 'no'", "E040", "PROBE_ENABLED is 'no', expected True or False"),
        ("PROBE_TOKENS = 'abc'", "E041", "PROBE_TOKENS is a str, expected a list of tokens"),
        ("PROBE_TOKENS = ['short-one']", "E041", "PROBE_TOKENS[0] has 9 characters, expected 32 at least"),
        ("PROBE_TOKENS = ['x' * 32, None]", "E041", "PROBE_TOKENS[1] is None, expected a string"),
        ("PROBE_TOKENS = ['é' * 40]", "E041", "PROBE_TOKENS[0] holds what no header carries"),
        ("PROBE_TOKENS = ['sha256:abc']", "E041", "begins with 'sha256:', expected 64 hexadecimal digits"),
        ("PROBE_TOKENS = [{'TOKEN': 'x' * 32, 'SCOPE': 'all'}]", "E041", "has the SCOPE 'all', expected 'report' or 'verdict'"),
        ("PROBE_TOKENS = [{'KEY': 'x' * 32}]", "E041", "is a dict, expected the keys TOKEN and SCOPE"),
        ("PROBE_ACCESS = 5", "E042", "PROBE_ACCESS is 5, expected the dotted path of a function"),
        ("PROBE_CACHE_SECONDS = -1", "E043", "PROBE_CACHE_SECONDS is -1, expected a number of seconds"),
        ("PROBE_KEEP_SECONDS = None", "E044", "PROBE_KEEP_SECONDS is None, expected a number"),
        ("PROBE_VIEW_DEADLINE = 0", "E045", "PROBE_VIEW_DEADLINE is 0, expected a number of seconds from 1 on"),
        ("PROBE_VIEW_RUNS = 1.5", "E046", "PROBE_VIEW_RUNS is 1.5, expected a whole number"),
        ("PROBE_VIEW_RUNS = True", "E046", "PROBE_VIEW_RUNS is True, expected a whole number"),
        ("PROBE_PYTHON = 3.11", "E047", "PROBE_PYTHON is 3.11, expected the path"),
        ("PROBE_RELEASE = 5", "E006", "PROBE_RELEASE is 5, expected a string or a callable"),
        ("PROBE_RELEASE = lambda: 1 / 0", "E006", "PROBE_RELEASE raised ZeroDivisionError: division by zero"),
        ("PROBE_RELEASE = lambda: 5", "E006", "PROBE_RELEASE is 5, expected a string"),
    ],
)  # fmt: skip
def test_a_setting_of_the_wrong_type_is_told_by_the_command_and_by_the_check(
    project, extra, id, told
):
    code, line = probe(project, extra)
    assert code == 2
    assert line.startswith("CommandError: ")
    assert f"probe.{id}: " in line or "PROBE_RUNNER" in line  # It is asked for its options first.
    assert told in line
    code, checked = check(project, extra)
    assert code == 1
    assert f"(probe.{id})" in checked
    assert told in checked
    assert "HINT: " in checked


@pytest.mark.parametrize(
    ("extra", "options", "id", "told"),
    [
        ("PROBE_RUNNER = 'no.such.Runner'", "", "E001", "PROBE_RUNNER is 'no.such.Runner', which cannot be imported: No module named 'no'"),
        ("PROBE_RUNNER = 'NoDots'", "", "E001", "PROBE_RUNNER is 'NoDots', which cannot be imported"),
        ("PROBE_RUNNER = 'lib.parts.NoReporter'", "", "E001", "expected a class derived from django_probe.simple.DjangoProbeSuiteRunner"),
        ("PROBE_RUNNER = 'lib.explodes.Runner'", "", "E001", "cannot be imported: not today"),
        ("PROBE_RUNNER = 'lib.leaves.Runner'", "", "E001", "'lib.leaves.Runner', which cannot be imported"),
        ("PROBE_EXECUTOR = {'BACKEND': 'thread'}", "", "E004", "Unknown executor 'thread': use 'threads'"),
        ("PROBE_EXECUTOR = {'BACKEND': 'lib.parts.NoReporter'}", "", "E004", "lib.parts.NoReporter is no executor"),
        ("PROBE_EXECUTOR = {'OPTIONS': {'max_workers': 0}}", "", "E004", "max_workers is 0, expected a whole number"),
        ("PROBE_EXECUTOR = {'OPTIONS': {'wrokers': 2}}", "", "E004", "refuses its options"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'juint'}}", "--format ci", "E005", "Unknown report format 'juint': did you mean 'junit'?"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'lib.nope.X'}}", "--format ci", "E005", "'ci' cannot be imported from 'lib.nope.X': No module named 'lib.nope'"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'lib.parts.X'}}", "--format ci", "E005", "has no attribute 'X'"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'lib.explodes.X'}}", "--format ci", "E005", "RuntimeError: not today"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'lib.leaves.X'}}", "--format ci", "E005", "SystemExit"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'lib.parts.NoReporter'}}", "--format ci", "E005", "expected a class derived from django_probe.reporting.Reporter"),
        ("PROBE_REPORTERS = {'ci': {'BACKEND': 'tap', 'OPTIONS': {'colour': 1}}}", "--format ci", "E005", "'ci' refuses its OPTIONS (colour): "),
    ],
)  # fmt: skip
def test_what_a_setting_names_must_be_there_and_of_its_kind(project, extra, options, id, told):
    code, line = probe(project, extra, *options.split())
    assert code == 2
    assert told in line
    code, checked = check(project, extra)
    assert code == 1
    assert f"(probe.{id})" in checked
    assert told in checked


def test_a_setting_that_is_nearly_one_is_warned_of(project):
    code, checked = check(project, "PROBE_TIMEOUTS = 5; PROBE_SITE_URL = 'mine'")
    assert code == 0
    assert "(probe.W002) PROBE_TIMEOUTS is no setting of django-probe" in checked
    assert "Did you mean PROBE_TIMEOUT?" in checked
    assert "PROBE_SITE_URL" not in checked
    assert (
        "W002" not in check(project, "PROBE_TIMEOUTS = [5]; PROBE_TIMEOUT = PROBE_TIMEOUTS[0]")[1]
    )


def test_an_alias_with_the_name_of_a_format_is_told_once(project):
    _, checked = check(project, "PROBE_REPORTERS = {'junit': {'BACKEND': 'tap'}}")
    assert checked.count("claimed twice") == 1


def test_a_reporter_that_refuses_its_options_is_told_without_their_values(project):
    for options, told in (
        ("{'url': 'http://s3cret@host'}", "refuses its OPTIONS (url): url must be https"),
        ("{'uri': 's3cret'}", "unexpected keyword argument 'uri'"),
        ("{}", "refuses to be made: "),
    ):
        extra = (
            f"PROBE_REPORTERS = {{'ci': {{'BACKEND': 'lib.parts.Strict', 'OPTIONS': {options}}}}}"
        )
        code, line = probe(project, extra, "--format", "jsonl", "--report", "ci=out.txt")
        assert code == 2
        assert told in line
        assert "s3cret" not in line
    assert list(project.folder.glob("*out*")) == list(project.folder.glob(".*")) == []


def test_without_system_checks_a_wrong_setting_is_still_one_line_and_exit_2(project):
    for extra in (
        "PROBE_TIMEOUT = 'x'",
        "PROBE_DEADLINE = 0",
        "PROBE_EXECUTOR = 5",
        "PROBE_RELEASE = 5",
    ):
        code, line = probe(project, extra, "--skip-checks", "--format", "silent")
        assert code == 2
        assert line.startswith(f"CommandError: {extra.split()[0]} is ")


def test_several_wrong_settings_are_one_line_that_counts_the_others(project):
    code, line = probe(project, "PROBE_TIMEOUT = 'x'; PROBE_DEADLINE = 'y'; PROBE_RELEASE = 5")
    assert code == 2
    assert line.endswith("(2 more: manage.py check)\n")


def test_a_callable_release_and_one_from_the_environment_reach_the_reports(tmp_path):
    project = Quick.make(tmp_path / "project", FILES, SETTINGS)
    for extra, release in (
        ("PROBE_RELEASE = lambda: '2026.11'", "2026.11"),
        ("PROBE_RELEASE = '1.0\\n'", "1.0"),
        ("", "from outside"),
    ):
        env = {"EXTRA": extra, "PROBE_RELEASE": "from outside\n"}
        done = project.probe("--format", "jsonl", env=env)
        assert f'"release": "{release}"' in done.stdout.splitlines()[0]


def test_good_settings_of_every_kind_pass_and_are_honoured(tmp_path):
    project = Quick.make(tmp_path / "project", FILES, SETTINGS)
    extra = (
        "PROBE_TIMEOUT = None; PROBE_DEADLINE = 60; PROBE_RELEASE = None;"
        "PROBE_RUNNER = 'django_probe.simple.DjangoProbeSuiteRunner';"
        "PROBE_EXECUTOR = {'BACKEND': 'django_probe.executors.threads.ThreadsExecutor'};"
        "PROBE_REPORTERS = {'ci': {'BACKEND': 'jsonl', 'OUTPUT': 'reports/all.jsonl'}}"
    )
    assert check(project, extra)[0] == 0
    done = project.probe("--format", "ci", "--report", "silent=other.txt", env={"EXTRA": extra})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (project.folder / "reports/all.jsonl").read_text().count("\n") == 4
    done = project.probe("--format", "silent", "--report", "ci", env={"EXTRA": extra})
    assert done.returncode == 0
    listed = project.probe("--list-formats", env={"EXTRA": extra})
    assert listed.stdout.startswith("ci     ")


@pytest.mark.parametrize(
    ("extra", "id", "told"),
    [
        ("PROBE_ACCESS = 'lib.nope.function'", "E042", "PROBE_ACCESS is 'lib.nope.function', which cannot be imported"),
        ("PROBE_ACCESS = 'lib.parts.__name__'", "E042", "expected a function"),
        ("PROBE_ACCESS = 'asyncio.sleep'", "E042", "expected a function (request) -> bool, not async"),
        ("PROBE_PYTHON = '/no/such/python'", "E047", "PROBE_PYTHON is '/no/such/python', expected the path"),
    ],
)  # fmt: skip
def test_what_the_endpoint_needs_is_told_by_the_check(project, extra, id, told):
    code, checked = check(project, extra)
    assert code == 1
    assert f"(probe.{id})" in checked
    assert told in checked
