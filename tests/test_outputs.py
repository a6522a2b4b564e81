"""Where reports go: files that appear whole or not at all, stdout that is the report's alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
from support import Project
from zygote import Quick

pytestmark = pytest.mark.ends

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        class Checkout(unittest.TestCase):
            def test_pay(self):
                Path("ran.txt").touch()
    """,
}
SETTINGS = """
    INSTALLED_APPS = ["shop", "django_probe"]
"""


@pytest.fixture
def project(tmp_path):
    return Quick.make(tmp_path / "project", FILES, SETTINGS)


def is_whole(path):
    events = [json.loads(line)["event"] for line in path.read_text().splitlines()]
    return events == ["run_started", "probe_started", "probe_finished", "run_finished"]


def leftovers(project):
    return [path.name for path in project.folder.rglob("*.tmp")]


def refused(project, *options):
    done = project.probe(*options)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (project.folder / "ran.txt").exists()
    assert leftovers(project) == []
    return done.stderr


def test_missing_folders_are_made_and_each_report_is_whole(project):
    done = project.probe(
        "--format", "jsonl", "--output", "a/b/main.jsonl",
        "--report", "jsonl=c/one.jsonl", "--report=jsonl=c/two=2.jsonl",
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in ("a/b/main.jsonl", "c/one.jsonl", "c/two=2.jsonl"):
        assert is_whole(project.folder / name)
        mode = stat.S_IMODE((project.folder / name).stat().st_mode)
        assert mode == 0o666 & ~_umask(), "as any file that a program writes"
    assert leftovers(project) == []


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_dash_or_the_stdout_device_is_stdout(project):
    for name in ("-", "/dev/stdout", "/dev/fd/1"):
        done = project.probe(
            "--format", "silent", "--output", os.devnull, "--report", f"jsonl={name}"
        )
        assert done.returncode == 0
        assert done.stdout.count("\n") == 4


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("taken", "Cannot write a report to 'taken': it is a folder: give another path."),
        ("taken/", "it is a folder"),
        ("shop/probes.py/x.xml", "'shop/probes.py/x.xml': 'shop/probes.py' is no folder: give"),
        ("/proc/nowhere/x.xml", "Cannot write a report to '/proc/nowhere/x.xml': No such file"),
        ("x" * 300, "File name too long"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_anything_runs(project, path, told):
    (project.folder / "taken").mkdir()
    (project.folder / "old.jsonl").write_text("old")
    for options in (["--output", path], ["--report", f"jsonl={path}"]):
        assert told in refused(project, "--format", "jsonl", "--report", "json=old.jsonl", *options)
    assert (project.folder / "old.jsonl").read_text() == "old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told_before_anything_runs(project):
    (project.folder / "closed").mkdir(mode=0o500)
    assert "Permission denied" in refused(project, "--output", "closed/x.txt")


@pytest.mark.parametrize(
    "second",
    ["one.txt", "./one.txt", "folder/../one.txt", "link.txt", "linked/one.txt", "{cwd}/one.txt"],
)
def test_two_reports_on_one_path_are_refused_however_it_is_spelled(project, second):
    (project.folder / "folder").mkdir()
    (project.folder / "link.txt").symlink_to("one.txt")
    (project.folder / "linked").symlink_to(".")
    second = second.format(cwd=project.folder)
    line = refused(project, "--output", "one.txt", "--report", f"jsonl={second}")
    assert "Two reports go to" in line
    assert "expected one for each place: give another path." in line


def test_two_reports_on_stdout_are_refused_and_on_the_null_device_are_not(project):
    assert "Two reports go to stdout" in refused(project, "--report", "jsonl=-")
    done = project.probe("--output", os.devnull, "--report", f"jsonl={os.devnull}")
    assert done.returncode == 0


def test_a_link_stays_a_link_and_an_old_report_is_replaced(project):
    (project.folder / "kept.jsonl").write_text("old")
    (project.folder / "link.jsonl").symlink_to("kept.jsonl")
    (project.folder / "dangling.jsonl").symlink_to("new/place.jsonl")
    done = project.probe(
        "--format", "jsonl", "--output", "link.jsonl", "--report", "jsonl=dangling.jsonl"
    )
    assert done.returncode == 0
    assert (project.folder / "link.jsonl").is_symlink()
    assert is_whole(project.folder / "kept.jsonl")
    assert is_whole(project.folder / "new/place.jsonl")


def test_the_home_folder_is_understood(project):
    done = project.probe("--output", "~/probe.txt", env={"HOME": str(project.folder / "home")})
    assert done.returncode == 0
    assert (project.folder / "home/probe.txt").exists()


@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_an_old_report_stays_until_the_new_one_is_whole(tmp_path, how):
    project = Project.make(
        tmp_path / "project",
        {
            "shop/probes.py": """
                import os, signal, unittest
                from pathlib import Path
                class Checkout(unittest.TestCase):
                    def test_a(self):
                        self.assertEqual(Path("report.jsonl").read_text(), "old")
                        self.assertEqual(len(list(Path(".").glob("*.tmp"))), 1)
                    def test_b(self):
                        if os.environ["HOW"] == "killed":
                            os.kill(os.getpid(), signal.SIGKILL)
                        os.kill(os.getpid(), signal.SIGTERM)
            """
        },
        SETTINGS,
    )
    report = project.folder / "report.jsonl"
    report.write_text("old")
    done = project.probe("--format", "jsonl", "--output", "report.jsonl", env={"HOW": how})
    if how == "killed":
        assert done.returncode == -9
        assert report.read_text() == "old"
    else:
        assert done.returncode == 143
        assert '"run_finished"' in report.read_text().splitlines()[-1]
        assert leftovers(project) == []


def test_a_probe_module_that_changes_the_folder_does_not_move_a_report(tmp_path):
    files = {
        "shop/probes.py": FILES["shop/probes.py"] + "\n        import os\n        os.chdir('lib')",
        "lib/__init__.py": "",
    }
    project = Quick.make(tmp_path / "project", files, SETTINGS)
    done = project.probe("--format", "jsonl", "--output", "out/report.jsonl")
    assert done.returncode == 0, done.stderr
    assert is_whole(project.folder / "out/report.jsonl")


NOISE = """
    import logging, os, subprocess, sys, threading, unittest
    print("printed at import")
    handler = logging.StreamHandler(sys.stdout)
    class Noisy(unittest.TestCase):
        def test_noise(self):
            print("printed")
            os.write(1, b"by descriptor\\n")
            sys.__stdout__.write("by the first stdout\\n")
            subprocess.run(["echo", "by a subprocess"], check=True)
            logging.getLogger("shop").warning("by a log handler")
    logging.getLogger("shop").addHandler(handler)
    import atexit
    atexit.register(lambda: os.write(1, b"at exit\\n"))
    atexit.register(print, "printed at exit")
"""


def test_nothing_but_the_report_reaches_stdout_to_the_very_end(tmp_path):
    project = Project.make(tmp_path / "project", {"shop/probes.py": NOISE}, SETTINGS)
    done = project.probe("--format", "jsonl")
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines][-1] == "run_finished"
    assert len(lines) == 4
    for text in (
        "printed at import",
        "by descriptor",
        "by a subprocess",
        "at exit",
        "printed at exit",
    ):
        assert text in done.stderr


def test_a_result_can_be_read_from_a_pipe_while_the_next_probe_runs(tmp_path):
    project = Project.make(
        tmp_path / "project",
        {
            "shop/probes.py": """
                import unittest
                from pathlib import Path
                class Checkout(unittest.TestCase):
                    def test_a(self):
                        pass
                    def test_b(self):
                        while not Path("go.txt").exists():
                            pass
            """
        },
        SETTINGS,
    )
    process = project.popen("probe", "--format", "jsonl", stdout=subprocess.PIPE)
    seen = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert seen[2]["result"]["label"] == "shop.Checkout.test_a"
    (project.folder / "go.txt").touch()
    with process:
        assert process.stdout.read().count("\n") == 3
    assert process.returncode == 0


def shell(project, line):
    """Run a shell line in a project; ``probe`` in it is the command."""
    command = f'probe() {{ "{sys.executable}" manage.py probe "$@"; }}; {line}'
    return subprocess.run(
        ["sh", "-c", command],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Project.make(tmp_path_factory.mktemp("plain") / "project", FILES, SETTINGS)


def test_a_closed_stdout_is_told_before_anything_runs_unless_the_report_goes_elsewhere(plain):
    done = shell(plain, "probe --format jsonl >&-")
    assert done.returncode == 2
    assert done.stderr == (
        "CommandError: stdout is closed, expected it open: use --output FILE instead.\n"
    )
    assert not (plain.folder / "ran.txt").exists()
    for line in ("probe --list >&-", "probe --list-formats >&-"):
        assert shell(plain, line).returncode == 2
    done = shell(plain, "probe --format jsonl --output out.jsonl >&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert is_whole(plain.folder / "out.jsonl")


def test_a_closed_stderr_changes_neither_report_nor_exit_code(plain):
    done = shell(plain, "probe --format jsonl 2>&-")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 4
    assert shell(plain, "probe --format nope 2>&-").returncode == 2
    assert shell(plain, "probe --format jsonl <&- >out2.jsonl 2>&-").returncode == 0
    assert is_whole(plain.folder / "out2.jsonl")
