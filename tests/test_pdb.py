"""``--pdb``: at a terminal, in the traceback of what failed; stdout stays the report's."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from zygote import Quick

FILES = {
    "shop/probes.py": """
        import unittest
        from django_probe import timeout
        class Checkout(unittest.TestCase):
            def test_1_pays(self):
                basket = "a teapot"
                print("printed by the probe")
                self.assertEqual(basket, "empty")
            @timeout(0.2)
            def test_2_errs(self):
                price = 4711
                raise ValueError("no price")
            def test_3_passes(self): ...
        class Fixture(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                broker = "rabbit"
                raise ConnectionError("no broker")
            def test_1(self): ...
    """,
}
pytestmark = [
    pytest.mark.ends,
    pytest.mark.skipif(not Path("/dev/tty").exists(), reason="needs terminals"),
]


class Terminal:
    """Run a command with a terminal of its own, and type at it."""

    def __init__(self, project, *args: str) -> None:
        self.master, slave = pty.openpty()
        self.seen = ""

        def take_terminal() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "probe", *args],
            cwd=project.folder, env=project.environment(), stdin=slave,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
            preexec_fn=take_terminal,  # noqa: PLW1509 - there is no other thread
        )  # fmt: skip
        os.close(slave)

    def until(self, words: str) -> None:
        """Read the terminal until the words are there; forget what was before them."""
        limit = time.monotonic() + 60
        while words not in self.seen:
            assert time.monotonic() < limit, self.seen
            if select.select([self.master], [], [], 1)[0]:
                self.seen += os.read(self.master, 4096).decode()
        self.seen = self.seen.partition(words)[2]

    def type(self, line: str) -> None:
        os.write(self.master, f"{line}\n".encode())

    def end(self) -> tuple[int, str, str]:
        try:
            out, err = self.process.communicate(timeout=60)
        finally:
            self.process.kill()
            os.close(self.master)
        return self.process.returncode, out, err


def test_it_stops_where_a_probe_failed_and_the_report_stays_clean(make_project):
    terminal = Terminal(make_project(FILES), "--pdb", "--format", "json")
    terminal.until("shop.probes.Checkout.test_1_pays")
    terminal.until("(Pdb) ")
    terminal.type("p basket.upper()")
    terminal.until("'A TEAPOT'")
    terminal.type("q")
    terminal.until("ValueError: no price")
    terminal.until("(Pdb) ")
    time.sleep(0.3)  # Longer than the timeout of its mark: nobody waits for a person.
    terminal.type("p price + 1")
    terminal.until("4712")
    terminal.type("q")
    terminal.until("shop.probes.Fixture.setUpClass")
    terminal.until("(Pdb) ")
    terminal.type("p broker")
    terminal.until("'rabbit'")
    terminal.type("q")
    code, out, err = terminal.end()
    assert code == 1, err
    report = json.loads(out)
    told = [(one["label"].rpartition(".")[2], one["outcome"]) for one in report["results"]]
    assert told == [
        ("test_1_pays", "failed"),
        ("test_2_errs", "errored"),
        ("test_3_passes", "passed"),
        ("test_1", "errored"),
    ]
    assert report["results"][0]["stdout"] == "printed by the probe\n"
    assert "Traceback" not in err


def test_with_failfast_it_stops_once(make_project):
    terminal = Terminal(make_project(FILES), "--pdb", "--failfast", "--format", "json")
    terminal.until("(Pdb) ")
    terminal.type("q")
    code, out, _ = terminal.end()
    assert code == 1
    outcomes = [one["outcome"] for one in json.loads(out)["results"]]
    assert outcomes == ["failed", "not_run", "not_run", "not_run"]


def test_without_a_terminal_it_says_so(make_project):
    done = make_project(FILES).probe("--pdb", stdin=subprocess.DEVNULL, start_new_session=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "--pdb found no terminal" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--parallel", "4"], "--pdb got --parallel 4"),
        (["--executor", "threads"], "--pdb got --executor threads"),
        (["--timeout", "5"], "--pdb got --timeout 5"),
        (["--deadline", "60"], "--pdb got --deadline 60"),
        (["--wait", "60"], "--pdb got --wait 60"),
        (["--stable", "3"], "--pdb got --stable 3"),
        (["--retries", "1"], "--pdb got --retries 1"),
    ],
)
def test_what_cannot_go_with_it_is_one_line_and_exit_2(tmp_path, args, told):
    done = Quick.make(tmp_path / "project", FILES).probe("--pdb", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
