"""The ways to start worker processes, as their parent sees them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from django_probe.exceptions import ConfigurationError
from django_probe.executors.process.birth import Ends, Surroundings
from django_probe.executors.process.frames import Lines, framed
from django_probe.executors.process.keeper import interpreter, keep
from django_probe.plan import Planned

__all__ = ["METHODS", "Starter", "Starters", "checked_method"]

METHODS = ("fork", "forkserver", "spawn")
_starting = threading.Lock()
"""No keeper inherits what is meant for another: several targets may start theirs at once."""
PATIENCE = 2.0
"""Seconds that the keeper has to end."""


class Starter:
    """Have a keeper start workers and tell which have ended.

    Args:
        method: how the keeper comes to be, and how it starts workers.
        plan: the entries, by their index: a fork has them already.
    """

    def __init__(self, method: str, plan: Mapping[int, Planned]) -> None:
        self.processes: dict[int, int] = {}
        """Number of a worker -> its process, as soon as it is known."""
        self.ended: dict[int, int | None] = {}
        """Number -> exit status, or less than 0: a signal; None where nobody can tell."""
        self.gone = False
        """Whether it can start nothing more."""
        self.why = ""
        """What the keeper said as its last, if it failed."""
        self.numbers = count(1)
        """Of its workers: no two have the same."""
        self._lines = Lines()
        self._can_stay = method != "fork"  # A fork knows one plan.
        self._asked: set[int] = set()
        self._control, theirs = socket.socketpair()
        with theirs, _starting:
            if method == "fork":
                self._keeper = self._fork(theirs, plan)
            else:
                self._keeper = self._spawn(theirs, method)

    def _fork(self, theirs: socket.socket, plan: Mapping[int, Planned]) -> int:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        process = os.fork()
        if process == 0:
            self._control.close()
            keep(theirs, plan=plan)
        return process

    def _spawn(self, theirs: socket.socket, method: str) -> int:
        surroundings = Surroundings.here()
        os.set_inheritable(theirs.fileno(), True)
        command = interpreter(method, (theirs.fileno(),), surroundings.path)
        streams = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, 2, 1),
        ]
        process = os.posix_spawn(sys.executable, command, os.environ, file_actions=streams)
        self._control.sendall(framed(surroundings))
        return process

    @property
    def is_idle(self) -> bool:
        """Return whether it can start workers for others: all of its own have ended."""
        self.look()
        return self._can_stay and not self.gone and self._asked <= set(self.ended)

    def fileno(self) -> int:
        """Return a descriptor that can be read when there is something to look at."""
        return self._control.fileno()

    def start(self, number: int, ends: Ends) -> None:
        """Start a worker with its own descriptors; the caller closes its copies of them."""
        self._asked.add(number)
        with contextlib.suppress(OSError):  # The keeper is gone: `look` tells.
            socket.send_fds(self._control, [number.to_bytes(4, "big")], ends)

    def look(self) -> None:
        """Hear what the keeper says of workers that have begun or ended."""
        try:
            data = b"" if self.gone else self._control.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        for line in self._lines.feed(data):
            self._hear(*json.loads(line))
        if not data:
            self.kill_all()
            self.gone = True
            self.ended.update(dict.fromkeys(self._asked - set(self.ended)))

    def kill(self, number: int) -> None:
        """End a worker and what it has started, if it has begun to be."""
        process = self.processes.get(number)
        if process is None or number in self.ended:
            return
        for end in (os.killpg, os.kill):  # It may not have its group yet.
            with contextlib.suppress(OSError):
                end(process, signal.SIGKILL)

    def kill_all(self) -> None:
        """End all workers at once, without a word."""
        for number in tuple(self.processes):
            self.kill(number)

    def close(self) -> None:
        """End the keeper, and with it whatever is left."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        with contextlib.suppress(OSError):
            while poll.poll(PATIENCE * 1000) and self._control.recv(65536):
                pass
        self._control.close()
        with contextlib.suppress(OSError):
            if os.waitpid(self._keeper, os.WNOHANG) == (0, 0):
                os.kill(self._keeper, signal.SIGKILL)
                os.waitpid(self._keeper, 0)

    def _hear(self, what: str, number: int, value: Any) -> None:
        if what == "failed":
            self.why = value
        else:
            (self.processes if what == "started" else self.ended)[number] = value


class Starters:
    """Lend what starts workers; one that comes back may be kept for the next.

    A keeper has set up Django once. Where many targets are asked, one after the
    other or side by side, as many keepers do as are in use at a time.
    """

    def __init__(self) -> None:
        self.keeps = False
        """Whether any are kept: until ``close()``."""
        self._idle: list[Starter] = []
        self._lock = threading.Lock()

    def take(self, make: Callable[[], Starter]) -> Starter:
        """Return one that has nothing to do, else a new one."""
        with self._lock:
            while self._idle:
                starter = self._idle.pop()
                if starter.is_idle:
                    return starter
                starter.close()
        return make()

    def give_back(self, starter: Starter) -> None:
        """Keep one, if it can be of use; end it otherwise."""
        with self._lock:
            if self.keeps and starter.is_idle:
                self._idle.append(starter)
                return
        starter.close()

    def close(self) -> None:
        """End all that are kept, and keep no more."""
        with self._lock:
            self.keeps = False
            idle, self._idle = self._idle, []
        for starter in idle:
            starter.close()


def checked_method(method: str | None) -> str:
    """Return a start method: what was asked for, else what is safe here.

    Linux forks from a process that has no threads and no connections. On macOS
    the system's libraries do not survive a fork, so each worker is a new
    interpreter. Settings without a module, made by ``settings.configure()``,
    exist in this process alone: it has to fork itself.

    Raises:
        ConfigurationError: no such method, or none that works here.
    """
    if not hasattr(os, "fork"):
        raise ConfigurationError(
            f"The executor 'processes' does not work on {sys.platform}: use --executor threads."
        )
    has_module = bool(os.environ.get("DJANGO_SETTINGS_MODULE"))
    if method is None:
        method = "forkserver" if sys.platform == "linux" else "spawn"
        return method if has_module else "fork"
    if method not in METHODS:
        raise ConfigurationError(
            f"start_method is {method!r}, expected one of {', '.join(METHODS)}: change it in"
            " PROBE_EXECUTOR['OPTIONS']."
        )
    if method != "fork" and not has_module:
        raise ConfigurationError(
            f"start_method {method!r} needs DJANGO_SETTINGS_MODULE, which is not set: set it, or"
            " use 'fork'."
        )
    return method
