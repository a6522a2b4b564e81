"""The text report where it runs: at a terminal, in a pipe, in a shell."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import threading

import pytest
from support import Project
from terminal import Screen, run_in_terminal

from django_probe.reporters._live import LiveLine, can_be_live, cells

pytestmark = pytest.mark.once

PROBES = """
    import time
    import unittest
    from django_probe import timeout

    class Slow(unittest.TestCase):
        def test_a(self):
            self.fail("no answer\\nfrom the till")

        @timeout(2.8)
        def test_größe_幅の広い名前(self):
            while True:
                time.sleep(0.01)

        def test_z(self):
            pass

    class Nap(unittest.TestCase):
        def test_nap(self):
            time.sleep(0.6)
"""
QUICK = """
    import unittest

    class Checkout(unittest.TestCase):
        def test_pay(self):
            self.fail("no")

        def test_look(self):
            pass

    class Stock(unittest.TestCase):
        def test_one(self):
            raise ValueError("two")

        def test_two(self):
            pass
"""
LIVE = re.compile(r"\r[^\n]")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """Return a project whose probes take their time; nobody writes to it."""
    return Project.make(tmp_path_factory.mktemp("slow") / "project", {"shop/probes.py": PROBES})


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Return a project with two probes that pass and two that do not."""
    return Project.make(tmp_path_factory.mktemp("quick") / "project", {"shop/probes.py": QUICK})


@pytest.fixture(scope="module")
def without_rich(tmp_path_factory):
    """Return a folder that hides rich from each Python that has it on its path."""
    folder = tmp_path_factory.mktemp("without_rich")
    hide = "import sys\nsys.modules['rich'] = None\n"
    (folder / "sitecustomize.py").write_text(hide, encoding="utf-8")
    return str(folder)


def without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def drawings(seen):
    """Return every state of the line that was drawn."""
    pieces = re.split(r"[\r\n\b]+", without_colours(seen.raw))
    return [piece.strip() for piece in pieces if re.search(r"\d/3 .* ok", piece)]


@pytest.mark.parametrize("rich", [True, False], ids=["rich", "without rich"])
@pytest.mark.parametrize("columns", [100, 44])
def test_a_terminal_shows_what_runs_and_at_the_end_a_whole_report(
    slow, without_rich, rich, columns
):
    if rich:
        pytest.importorskip("rich")
    path = "" if rich else without_rich
    seen = run_in_terminal(slow, "probe", "shop.Slow", columns=columns, path=path)
    assert seen.code == 1
    drawn = drawings(seen)
    assert any("━" in line for line in drawn) == (rich and columns == 100)
    assert any(re.search(r"1/3 .*1 not ok.* \S*広い名前 [12] s$", line) for line in drawn), drawn
    assert max(map(cells, drawn)) < columns
    wrapped = "".join(line.ljust(columns) for line in seen.screen.lines)
    assert not re.search(r"\d/3 ", wrapped), seen.text
    assert "✗ FAILED      0.0" in seen.text
    assert "の広い名前  took" in seen.text.replace("\n", "")
    assert "\n      AssertionError: no answer\n      from the till\n" in seen.text
    assert seen.text.endswith("\nexit 1: 2 probes block\n")


def test_the_terminal_shows_the_same_lines_as_a_pipe(quick):
    lines = run_in_terminal(quick, "probe", "-v", "2", columns=200).screen.lines
    piped = quick.probe("-v", "2").stdout.split("\n")
    assert [_timeless(line) for line in lines] == [_timeless(line) for line in piped]


def _timeless(line):
    return re.sub(r"\d+\.\d{3} s", "0 s", line)


@pytest.mark.parametrize(
    ("args", "env"),
    [((), {"CI": "true"}), ((), {"TERM": "dumb"}), (("-v", "0"), {})],
    ids=["CI", "dumb", "v0"],
)
def test_no_line_is_rewritten_where_that_would_be_noise(slow, args, env):
    seen = run_in_terminal(slow, "probe", "shop.Nap", *args, **env)
    assert seen.code == 0
    assert not LIVE.search(seen.raw.replace("\r\n", "\n"))
    assert "\b" not in seen.raw


def test_a_pipe_is_never_rewritten(slow):
    text = slow.probe("shop.Slow.test_a", "shop.Slow.test_z").stdout
    assert "\r" not in text
    assert "\b" not in text
    assert "\n2/2  shop.Slow: 1 failed, 1 passed (0." in text


def test_ci_may_be_switched_off_by_its_variable(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    for value, live in (("", True), ("0", True), ("false", True), ("1", False), ("true", False)):
        monkeypatch.setenv("CI", value)
        assert can_be_live(Terminal()) is live
        assert can_be_live(io.StringIO()) is False


# Colour.


def test_colour_is_for_terminals_and_for_who_asks(quick):
    assert "\x1b[1;31m✗ FAILED" in run_in_terminal(quick, "probe").raw
    assert "\x1b" not in run_in_terminal(quick, "probe", "--no-color").raw
    assert "\x1b" not in run_in_terminal(quick, "probe", NO_COLOR="1").raw
    assert "\x1b" not in quick.probe().stdout
    assert "\x1b[1;31m✗ FAILED" in quick.probe("--force-color").stdout


# What can be run again.


def rerun_of(text):
    """Return the command that a report names."""
    (line,) = re.findall(r"^Run again what failed:\n  (.*)$", text, re.MULTILINE)
    _, *command = shlex.split(line)
    assert command[:2] == ["manage.py", "probe"]
    return command[2:]


def test_the_command_that_is_named_runs_just_what_failed(quick):
    labels = rerun_of(quick.probe().stdout)
    assert labels == ["shop.Checkout.test_pay", "shop.Stock.test_one"]
    again = quick.probe("-v", "2", *labels)
    assert again.returncode == 1
    assert "Running 2 probes" in again.stdout
    assert rerun_of(again.stdout) == labels


def test_the_command_that_is_named_can_be_pasted_into_a_shell(tmp_path):
    project = Project.make(
        tmp_path,
        {
            "shop/probes.py": """
                import unittest
                import elsewhere
                class Odd(unittest.TestCase):
                    def test_it(self): self.fail("no")
                setattr(Odd, "test_it's odd", Odd.test_it)
            """,
            "more here/elsewhere.py": "",
            "other.py": "from settings import *\nINSTALLED_APPS = ['shop', 'django_probe']",
        },
    )
    asked = ("--settings=other", "--pythonpath=more here", "--timeout=2.5", "--allow-writes")
    (line,) = re.findall(
        r"^Run again what failed:\n  (.*)$", project.probe(*asked).stdout, re.MULTILINE
    )
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert "NOT OK: 2 probes" in done.stdout, done.stderr
    assert line in done.stdout
    assert [word for word in shlex.split(line) if word.startswith("--")] == [
        "--settings", "--pythonpath", "--timeout", "--allow-writes",
    ]  # fmt: skip


def test_a_module_that_cannot_be_imported_can_be_run_again(make_project):
    project = make_project({"shop/probes.py": "import nosuchmodule\n"})
    labels = rerun_of(project.probe().stdout)
    assert labels == ["shop.probes"]
    assert "No module named 'nosuchmodule'" in project.probe(*labels).stdout


def test_many_failures_are_named_by_class_and_too_many_are_cut(make_project):
    classes = "\n".join(
        f"class C{n}(unittest.TestCase):\n"
        f"    def test_a(self): self.fail()\n"
        f"    def test_b(self): assert {n} == 3\n"
        for n in range(15)
    )
    project = make_project({"shop/probes.py": f"import unittest\n{classes}"})
    labels = rerun_of(project.probe().stdout)
    assert labels[:3] == ["shop.C0", "shop.C1", "shop.C10"]
    assert "shop.C3.test_a" in labels
    assert len(labels) == 15
    again = project.probe(*labels)
    assert "NOT OK: 29 probes" in again.stdout
    assert len(rerun_of(again.stdout)) == 15

    lone = "\n".join(f"    def test_{n}(self): self.fail()\n" for n in range(30))
    ok = "    def test_ok(self): pass\n"
    project.write("shop/probes.py", f"import unittest\nclass C(unittest.TestCase):\n{lone}\n{ok}")
    text = project.probe("shop").stdout
    assert len(rerun_of(text)) == 20
    assert re.search(r"\n  … and 10 more; all of it again:\n  \S+ manage\.py probe shop\n", text)


def test_the_command_that_is_named_is_as_narrow_as_the_one_that_was_given(make_quick):
    methods = "\n".join(f"    def test_{n}(self): self.fail()" for n in range(30))
    project = make_quick(
        {
            "shop/probes.py": "import unittest\nfrom django_probe import tag\n"
            f"@tag('a b')\nclass C(unittest.TestCase):\n    def test_ok(self): pass\n{methods}"
        }
    )
    narrow = ["--tag", "a b", "--exclude-tag", "slow", "-k", "*test_[12]*"]
    whole = rerun_of(project.probe(*narrow).stdout)
    assert whole == [*narrow, "shop.C"]
    assert "NOT OK: 22 probes in " in project.probe(*whole).stdout
    text = project.probe("shop", *narrow, "-k", "test_ok").stdout
    (line,) = re.findall(r"\n  … and 2 more; all of it again:\n  (.*)\n", text)
    assert shlex.split(line)[1:] == ["manage.py", "probe", *narrow, "-k", "test_ok", "shop"]


# A run loads what it needs.

NEVER = {"rich", "lxml", "xmlrunner", "tap", "yaml", "django.test", "multiprocessing", "asyncio"}


def test_a_text_run_imports_nothing_heavy(make_project, tmp_path):
    project = make_project(
        {
            "shop/probes.py": """
                import unittest
                class Checkout(unittest.TestCase):
                    def test_pay(self):
                        self.fail("no")
            """
        }
    )
    names = tmp_path / "names.txt"
    project.write(
        "sitecustomize.py",
        f"""
        import atexit, pathlib, sys
        def tell():
            pathlib.Path({str(names)!r}).write_text("\\n".join(sys.modules))
        atexit.register(tell)
        """,
    )
    env = {"PYTHONPATH": f"{project.environment().get('PYTHONPATH', '')}:{project.folder}"}
    checked = project.manage("check", env=env)
    assert checked.returncode == 0, checked.stderr
    before = set(names.read_text(encoding="utf-8").split())
    assert project.probe(env=env).returncode == 1
    loaded = set(names.read_text(encoding="utf-8").split())
    assert "django_probe.reporters.text" in loaded
    assert not {name for name in loaded - before if name in NEVER or name.split(".")[0] in NEVER}
    others = {name.split(".")[0] for name in loaded - before} - {"django", "django_probe", "shop"}
    assert not others - set(sys.stdlib_module_names) - {"sitecustomize"}


# The line itself.


class Terminal(io.StringIO):
    """A stream that notices when two threads write at once."""

    def __init__(self):
        super().__init__()
        self.pieces = []
        self._busy = threading.Lock()

    def write(self, text):
        assert self._busy.acquire(blocking=False), "two threads write at the same time"
        try:
            self.pieces.append(text)
        finally:
            self._busy.release()
        return len(text)


def test_lines_and_drawings_never_mix():
    stream, drawn = Terminal(), threading.Event()
    painted = []

    def paint(width):
        line = f"drawing {len(painted)} {'x' * (len(painted) % 40)}"
        painted.append(line)
        if len(painted) > 200:
            drawn.set()
        return line, len(line)

    line = LiveLine(stream, lambda: paint)
    line.period = 0.0001
    line.start()
    told = []
    while not drawn.is_set():
        told.append(f"line {len(told)}")
        line.write(f"{told[-1]}\n")
    line.stop()
    count = len(painted)
    screen = Screen(80)
    screen.write("".join(stream.pieces).replace("\n", "\r\n"))
    assert screen.lines == [*told, ""]
    assert len(painted) == count


def test_a_painter_that_fails_costs_the_line_and_nothing_else():
    stream, asked = Terminal(), threading.Event()

    def paint(width):
        asked.set()
        raise ZeroDivisionError

    line = LiveLine(stream, lambda: paint)
    line.start()
    assert asked.wait(20)
    line.write("one\n")
    line.stop()
    assert "".join(stream.pieces) == "one\n"


def test_rich_is_not_needed_to_know_how_wide_a_name_is():
    assert cells("plain") == 5
    assert cells("größe") == 5
    assert cells("gro\u0308ße") == 5
    assert cells("幅の") == 4


def test_the_terminal_of_these_tests_draws_as_one_does():
    screen = Screen(5)
    screen.write("ab\rc\b d\x1b[1;31m!\x1b[0m\r\n幅幅幅\r\nlonger")
    assert screen.lines == [" d!", "幅幅", "幅", "longe", "r"]
