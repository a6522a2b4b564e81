"""Under GitHub Actions annotations and a summary are added to the text report."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.once

PROBES = """
    import os, subprocess, unittest

    class Checkout(unittest.TestCase):
        def test_pay(self):
            subprocess.run(["echo", "::error::by a subprocess"], check=True)
            os.write(2, b"::add-mask::a\\n")
            print("::warning::by print")

        def test_ship(self):
            if "BROKEN" in os.environ:
                self.fail("parcels wait\\n::notice::by a message")
"""
COMMAND = re.compile(r"^\s*::(?P<name>[\w-]+)(?: (?P<properties>.*?))?::(?P<data>.*)$")


def commands(log):
    """Return the commands that GitHub's runner would obey: ActionCommandManager.TryProcessCommand."""
    obeyed, token = [], None
    for line in log.splitlines():
        found = COMMAND.match(line)
        if found is None:
            continue
        if token is not None:
            token = None if found["name"] == token else token
        elif found["name"] == "stop-commands":
            token = found["data"]
        else:
            obeyed.append(found.groups())
    assert token is None, "commands stay stopped"
    return obeyed


@pytest.fixture
def github(make_quick, tmp_path):
    """Return a function that probes a project under GitHub Actions."""
    project = make_quick({"shop/probes.py": PROBES})
    summary = tmp_path / "summary.md"

    def probe(*args, **env):
        on_github = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_WORKSPACE": str(tmp_path),
        }
        return project.probe(*args, env={**on_github, **env})

    probe.summary = summary
    return probe


def test_a_red_run_has_annotations_at_the_lines_of_the_repository(github):
    done = github(BROKEN="1")
    assert done.returncode == 1
    ((name, properties, data),) = commands(done.stderr)
    title = "title=✗ FAILED shop.Checkout.test_ship"
    assert (name, properties) == ("error", f"{title},file=project/shop/probes.py,line=10")
    assert data.startswith("parcels wait%0A\\::notice::by a message%0A%0ATraceback")


def test_what_probes_and_their_subprocesses_write_is_no_command(github):
    done = github()
    assert "\n::error::by a subprocess\n" in done.stderr
    assert "\n::add-mask::a\n" in done.stderr
    assert commands(done.stderr) == []
    assert commands(done.stdout) == []


def test_the_text_report_stays_as_it_is(github):
    def settled(text):
        return re.sub(r"\d+\.\d+", "<seconds>", text)

    with_ci, without = github(BROKEN="1"), github("--no-ci", BROKEN="1")
    assert settled(with_ci.stdout) == settled(without.stdout)
    assert with_ci.returncode == without.returncode == 1


def test_no_ci_adds_nothing(github):
    done = github("--no-ci", BROKEN="1")
    assert "stop-commands" not in done.stderr
    assert "::error title" not in done.stderr
    assert not github.summary.exists()


@pytest.mark.parametrize("options", ["--format=json", "--format=github", "--list"])
def test_only_the_text_report_gets_them(github, options):
    done = github(options)
    assert "stop-commands" not in done.stderr
    assert not github.summary.exists()


@pytest.mark.parametrize("value", ["", "false", "1"])
def test_elsewhere_there_are_none(github, value):
    done = github(GITHUB_ACTIONS=value, BROKEN="1")
    assert "stop-commands" not in done.stderr
    assert not github.summary.exists()


def test_the_summary_is_added_to_what_is_there(github):
    github.summary.write_text("# Deploy\n\n")
    assert github().returncode == 0
    assert github(BROKEN="1").returncode == 1
    text = github.summary.read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads[0] == "# Deploy"
    assert heads[1].startswith("### ✓ OK: 2 probes passed in ")
    assert heads[2].startswith("### ✗ NOT OK: 2 probes in ")
    assert "parcels wait" in text


def test_a_summary_is_cut_at_githubs_mebibyte_and_says_so(make_quick, tmp_path):
    source = """
        import unittest
        class Many(unittest.TestCase): pass
        def fails(self):
            print("o" * 9000)
            self.fail("no")
        for n in range(200):
            setattr(Many, f"test_{n:03}", fails)
    """
    summary = tmp_path / "summary.md"
    summary.write_text("x" * 100_000 + "\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = make_quick({"shop/probes.py": source}).probe(env=env)
    assert done.returncode == 1
    assert 1_000_000 < summary.stat().st_size <= 1024 * 1024
    text = summary.read_text(encoding="utf-8")
    shown = text.count("<details>")
    assert f"… and {200 - shown} more that are not shown: cut at 948,574 bytes." in text
    assert len(commands(done.stderr)) == 10


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("no/such/folder/summary.md", "cannot be written to: No such file or directory"),
        (".", "cannot be written to: Is a directory"),
        ("full.md", "is as long as GitHub allows"),
    ],
)
def test_a_summary_that_cannot_be_had_is_told_and_changes_no_exit_code(
    github, tmp_path, place, why
):
    (tmp_path / "full.md").write_text("x" * 1024 * 1024)
    done = github(GITHUB_STEP_SUMMARY=str(tmp_path / place))
    assert done.returncode == 0
    assert "The summary of this step is left out: " in done.stderr
    assert why in done.stderr


def test_without_a_file_for_the_summary_there_are_annotations_alone(github):
    done = github(GITHUB_STEP_SUMMARY="", BROKEN="1")
    assert len(commands(done.stderr)) == 1
    assert "left out" not in done.stderr


def test_a_run_that_cannot_begin_leaves_commands_on(github, tmp_path):
    (tmp_path / "file").touch()
    done = github("--report", f"junit={tmp_path}/file/report.xml")
    assert done.returncode == 2
    assert commands(done.stderr) == []
    assert done.stderr.endswith("give another path.\n")
    assert github.summary.read_text() == ""


def test_one_stream_for_both_is_no_clash(make_project):
    script = """
        import io, os
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        import django
        django.setup()
        from django.core.management import call_command
        both = io.StringIO()
        call_command("probe", stdout=both, stderr=both)
        print("OK: 2 probes passed" in both.getvalue())
    """
    project = make_project({"shop/probes.py": PROBES})
    project.write("manage.py", script)
    done = project.manage(env={"GITHUB_ACTIONS": "true"})
    assert done.stdout.splitlines()[-1] == "True", done.stderr
