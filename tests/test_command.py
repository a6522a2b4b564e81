"""``manage.py probe`` as a command line: its help, and what it says of bad input."""

from __future__ import annotations

import re

import pytest
from support import Project
from zygote import Quick

from django_probe.formats import BUILT_IN

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        class Checkout(unittest.TestCase):
            def test_pay(self):
                Path("ran.txt").touch()
    """,
    "lib/parts.py": """
        class NoReporter:
            pass
    """,
}
SETTINGS = """
    INSTALLED_APPS = ["shop", "django_probe"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("command") / "project", FILES, SETTINGS)


def refused(project, *options, **kwargs):
    """Run with bad input; return the one line that is said of it."""
    before = sorted(project.folder.rglob("*"))
    done = project.probe(*options, **kwargs)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("CommandError: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert sorted(project.folder.rglob("*")) == before
    return done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--repor junit=x.xml", "unrecognized arguments: --repor"),
        ("--tags smoke", "unrecognized arguments: --tags"),
        ("--formt=tap", "unrecognized arguments: --formt=tap; see manage.py probe --help"),
        ("--format nope", "Unknown report format 'nope': "),
        ("--format juint", "Unknown report format 'juint': did you mean 'junit'? There are ctrf, "),
        ("--format=", "Unknown report format '': expected one of ctrf, "),
        ("--format no.such.Reporter", "'no.such.Reporter' cannot be imported from"),
        ("--format lib.parts.NoReporter", "expected a class derived from django_probe.reporting"),
        ("--report nope=x", "Unknown report format 'nope'"),
        ("--report junit", "--report junit has no file, expected NAME=FILE: write --report junit="),
        ("--report junit=", "--report junit has no file"),
        ("--report =x.xml", "Unknown report format ''"),
        ("--output=", "--output is empty, expected the path of a file."),
        ("--executor nope", "Unknown executor 'nope': use 'threads'"),
        ("--executor lib.parts.NoReporter", "is no executor"),
        ("--timeout 0", "argument --timeout: '0' is not a number of seconds greater than 0"),
        ("--timeout -5", "argument --timeout: '-5' is not a number of seconds"),
        ("--timeout x", "'x' is not a number of seconds greater than 0"),
        ("--timeout nan", "'nan' is not a number of seconds"),
        ("--deadline inf", "argument --deadline: 'inf' is not a number of seconds"),
        ("--parallel 0", "argument --parallel: '0' is not a whole number from 1 on"),
        ("--parallel 1.5", "'1.5' is not a whole number"),
        ("--parallel many", "'many' is not a whole number"),
        ("--parallel 100000", "'100000' is more than 1000 probes at once"),
        ("--durations x", "argument --durations: 'x' is not a whole number from 1 on"),
        ("--shuffle x", "argument --shuffle: 'x' is not a seed, a whole number: write labels before"),
        ("--shuffle shop", "write labels before --shuffle"),
        ("-v 7", "argument -v/--verbosity: invalid choice: "),
        ("--timeout", "argument --timeout: expected one argument"),
        ("--no-color --force-color", "--no-color and --force-color options can't be used together"),
        ("--list --format junit", "--list has no format 'junit', expected text or json."),
        ("--list --report junit=x", "--list writes to stdout alone: leave the reports out."),
        ("--list --output x", "--list writes to stdout alone"),
        ("shop nothere", "Unknown label 'nothere'"),
        ("--list nothere", "Unknown label 'nothere'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2_and_nothing_runs(project, options, told):
    assert told in refused(project, *options.split())


def test_with_traceback_the_line_comes_with_where_it_comes_from(project):
    done = project.probe("--traceback", "--format", "nope")
    assert done.returncode == 2
    assert "Traceback (most recent call last):" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("CommandError: Unknown report format 'nope'")


def test_the_help_names_each_option_once_and_the_exit_codes(project):
    done = project.probe("--help", env={"COLUMNS": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+|-k)", done.stdout, re.MULTILINE))
    assert options >= {
        "--tag", "--exclude-tag", "-k", "--shuffle", "--list", "--format", "--output", "--report",
        "--list-formats", "--durations", "--failfast", "--parallel", "--executor", "--timeout",
        "--deadline", "--noinput",
    }  # fmt: skip
    words = " ".join(done.stdout.split())
    assert "exit codes: 0 all ok; 1 something blocks; 2 could not ask" in words
    assert "130, 143 interrupted" in words
    assert done.stdout.isascii()


def test_the_version_is_ours_and_not_djangos(project):
    import django_probe

    assert project.probe("--version").stdout == f"{django_probe.__version__}\n"


def test_the_formats_are_listed_with_what_they_are_for(project):
    done = project.probe("--list-formats")
    assert done.returncode == 0
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert list(lines) == sorted(BUILT_IN)
    assert all(len(purpose) > 10 for purpose in lines.values())
    env = {"DJANGO_SETTINGS_MODULE": "settings"}
    project.write(
        "broken_alias.py",
        """
        from settings import *
        PROBE_REPORTERS = {"mine": {"BACKEND": "no.such.Reporter"}}
    """,
    )
    broken = project.probe("--list-formats", "--settings", "broken_alias", env=env)
    assert broken.returncode == 0
    said = dict(line.split(None, 1) for line in broken.stdout.splitlines())["mine"]
    assert said.startswith("cannot be used: The reporter 'mine' cannot be imported")


def test_options_of_the_first_django_probe_and_of_django_are_accepted(project):
    options = ["--noinput", "--no-input", "-v", "0", "--no-color", "--skip-checks", "--traceback"]
    done = project.probe("--format", "silent", *options, "shop")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (project.folder / "ran.txt").unlink()


START = """
    import sys
    from django.core.management import execute_from_command_line
    import os
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    try:
        execute_from_command_line(sys.argv)
    finally:
        print("\\n".join(sorted(sys.modules)), file=sys.stderr)
"""


def test_a_run_imports_nothing_heavy(tmp_path):
    project = Project.make(tmp_path / "project", FILES, SETTINGS)
    project.write("manage.py", START)
    done = project.probe("shop.Checkout.test_pay", "--format", "silent")
    assert done.returncode == 0
    loaded = done.stderr.split()
    ours = {name for name in loaded if name.startswith("django_probe.reporters.")}
    assert ours == {"django_probe.reporters.silent"}
    assert not {
        "django.test", "lxml", "multiprocessing", "tap", "unittest.mock", "xmlrunner", "yaml",
    }.intersection(loaded)  # fmt: skip


def test_an_app_that_is_only_installed_brings_no_unittest_into_a_web_server(tmp_path):
    project = Project.make(tmp_path / "project", FILES, SETTINGS)
    project.write(
        "manage.py",
        """
        import os, sys
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        import django
        django.setup()
        print(*sys.modules)
    """,
    )
    loaded = project.manage().stdout.split()
    assert "django_probe.checks" in loaded
    assert not {"unittest", "django_probe.discovery", "shop.probes"}.intersection(loaded)
