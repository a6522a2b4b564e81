"""A terminal for tests: run a command in one, and see what is left on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from dataclasses import dataclass

_CONTROL = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """Draw what a program writes: carriage return, newline, backspace and colours."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.column = 0

    def write(self, text: str) -> None:
        for char in _CONTROL.sub("", text):
            if char == "\r":
                self.column = 0
            elif char == "\n":
                self.rows.append([])
            elif char == "\b":
                self.column = max(0, self.column - 1)
            else:
                self._put(char)

    def _put(self, char: str) -> None:
        assert char.isprintable(), f"{char!r} does something that this terminal does not know"
        width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if self.column + width > self.columns:
            self.rows.append([])
            self.column = 0
        row = self.rows[-1]
        row.extend(" " * (self.column + width - len(row)))
        row[self.column : self.column + width] = [char, *[""] * (width - 1)]
        self.column += width

    @property
    def lines(self) -> list[str]:
        """Return what is on the screen, and above it."""
        return ["".join(row).rstrip() for row in self.rows]


@dataclass
class Seen:
    """What came of a command in a terminal."""

    code: int
    raw: str
    screen: Screen

    @property
    def text(self) -> str:
        return "\n".join(self.screen.lines)


def run_in_terminal(project, *args: str, columns: int = 100, path: str = "", **env: str) -> Seen:
    """Run ``manage.py`` of a project with a terminal as its stdout."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**project.environment(TERM="xterm-256color"), **env}
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        if name not in env:
            environment.pop(name, None)
    if path:
        before = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (path, before)))
    with subprocess.Popen(
        [sys.executable, "manage.py", *args],
        cwd=project.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(slave)
        raw = _read(master)
        errors = process.communicate(timeout=60)[1].decode()
    os.close(master)
    assert "Traceback" not in errors, errors
    screen = Screen(columns)
    screen.write(raw)
    return Seen(process.returncode, raw, screen)


def _read(master: int) -> str:
    pieces = []
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux: the other side is closed.
            piece = b""
        if not piece:
            return b"".join(pieces).decode("utf-8")
        pieces.append(piece)
