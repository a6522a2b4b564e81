"""Run many commands quickly: each in a fork of one process that has Django imported.

A fork reads its project's settings anew and has file descriptors, signals and
an exit code of its own; what it has not is the start of an interpreter. Tests
of start-up, streams and signals use ``Project`` itself.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import Project

PRELOADED = [
    "asyncio",
    "doctest",
    "django.contrib.admin.options",
    "django.core.management.commands.check",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.test",
    "django_probe.executors.threads",
    "django_probe.management.commands.probe",
    "django_probe.reporters.json",
    "django_probe.reporters.jsonl",
    "django_probe.reporters.silent",
    "django_probe.reporters.text",
]


class Quick(Project):
    """A project whose commands run in forks."""

    def manage(
        self, *args: str, timeout: float = 60, env: Mapping[str, str] | None = None, **kwargs: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` with arguments, in a fork."""
        return _zygote().run(self, list(args), self.environment(**(env or {})), timeout)


class _Zygote:
    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._end)

    def run(
        self, project: Project, args: list[str], env: dict[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            asked = {"cwd": str(project.folder), "args": args, "env": env, "out": folder}
            self._process.stdin.write(json.dumps({**asked, "timeout": int(timeout)}) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            streams = [(Path(folder) / name).read_text("utf-8") for name in ("stdout", "stderr")]
        return subprocess.CompletedProcess(["manage.py", *args], code, *streams)

    def _end(self) -> None:
        self._process.communicate()


_running: list[_Zygote] = []


def _zygote() -> _Zygote:
    if not _running:
        _running.append(_Zygote(Project(Path()).environment()))
    return _running[0]


def _serve() -> None:
    for name in PRELOADED:
        __import__(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _become(asked)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def _become(asked: dict[str, Any]) -> None:
    """Be the process that runs a command: in its folder, with its streams, to its end."""
    import signal

    signal.alarm(asked["timeout"])  # A command that hangs is killed, and seen as -14.
    os.chdir(asked["cwd"])
    out = Path(asked["out"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(out / "stdout", os.O_WRONLY | os.O_CREAT), 1)
    os.dup2(os.open(out / "stderr", os.O_WRONLY | os.O_CREAT), 2)
    os.environ.clear()
    os.environ.update(asked["env"], DJANGO_SETTINGS_MODULE="settings")
    sys.path.insert(0, asked["cwd"])
    sys.argv = ["manage.py", *asked["args"]]
    code: Any = 1
    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
        code = 0
    except SystemExit as exc:
        code = exc.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.path.pop(0)  # The tests' folder: a project's modules come first.
    _serve()
