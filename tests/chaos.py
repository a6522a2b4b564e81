"""A project whose probes do their worst, and what must come of each."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from textwrap import dedent, indent

__all__ = ["COOKIE", "KINDS", "cookie", "probes", "processes", "wait_for_none"]

COOKIE = "DJANGO_PROBE_TEST_COOKIE"
"""The environment variable by which whatever a run has started can be found."""

HEAD = """
import ctypes, os, re, resource, signal, subprocess, sys, threading, time, unittest
from django_probe import timeout

def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
"""

KINDS = {
    "sleeps": ("timed_out", "", "time.sleep(600)"),
    "swallows": (
        "timed_out",
        "",
        """
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
        """,
    ),
    "holds_the_interpreter": ("timed_out", "", "re.match('(a+)+$', 'a' * 64 + 'b')"),
    "waits_for_a_child": ("timed_out", "", "subprocess.run(['sleep', '600'])"),
    "exits": ("errored", "exit status 3", "os._exit(3)"),
    "exits_as_if_all_were_well": ("errored", "exit status 0", "os._exit(0)"),
    "segfaults": ("errored", "SIGSEGV (signal 11)", "ctypes.string_at(0)"),
    "aborts": ("errored", "SIGABRT (signal 6)", "os.abort()"),
    "runs_out_of_memory": (
        "errored",
        "SIGKILL (signal 9): the system kills so when memory runs out",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ),
    "leaves_a_daemon": (
        "errored",
        "exit status 4",
        """
        daemon()
        subprocess.Popen(["sleep", "600"])
        os._exit(4)
        """,
    ),
    "system_exit": ("errored", "5", "sys.exit(5)"),
    "interrupts": ("errored", "", "raise KeyboardInterrupt"),
    "eats_memory": (
        "errored",
        "",
        """
        before = resource.getrlimit(resource.RLIMIT_AS)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_AS, before)
        with open("/proc/self/statm") as stream:
            now = int(stream.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 27), before[1]))
        eaten = []
        while True:
            eaten.append(bytearray(1 << 24))
        """,
    ),
}
"""Kind -> outcome, what its message holds, body."""


def probes(count: int, bad: int) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return the source of ``count`` probes of which ``bad`` are bad; and what must come of each."""
    expected = {}
    lines = [HEAD]
    kinds = list(KINDS)
    every, made = count // bad, 0
    for number in range(count):
        if number % 20 == 0:
            lines.append(f"class Test{number // 20:02}(unittest.TestCase):")
            if number % 40 == 0:
                lines.append("    @classmethod\n    def setUpClass(cls): cls.up = True")
        name, body, outcome, message = f"test_{number:03}_good", "print('good')", "passed", ""
        if number % every == every - 1 and made < bad:
            kind = kinds[made % len(kinds)]
            made += 1
            outcome, message, body = KINDS[kind]
            name = f"test_{number:03}_{kind}"
        body = indent(dedent(body).strip(), " " * 8)
        lines.append(f"    @timeout(TIMEOUT)\n    def {name}(self):\n{body}")
        expected[name] = (outcome, message)
    return "\n".join(lines), expected


def cookie() -> str:
    """Return a value that no other run has."""
    return uuid.uuid4().hex


def processes(value: str) -> dict[int, str]:
    """Return the living processes with this cookie, and their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or folder.name == str(os.getpid()):
            continue
        try:
            if f"{COOKIE}={value}".encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = command
        except OSError:
            continue
    return found


def wait_for_none(value: str, seconds: float = 10.0) -> list[str]:
    """Return the processes with this cookie that are still there after so many seconds."""
    until = time.monotonic() + seconds
    while (found := processes(value)) and time.monotonic() < until:
        time.sleep(0.05)
    return list(found.values())
