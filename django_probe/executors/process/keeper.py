"""The process that starts workers, looks after them, and outlives nobody.

It has set up Django once and has no threads, so that it can fork a worker in
milliseconds, safely. Where an app has started threads, or with ``spawn``, each
worker is a new interpreter. When the command is gone, however it went, the
keeper ends all workers with what their probes have started, and itself.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from django_probe.descendants import adopt_orphans, end_orphans
from django_probe.executors.process.birth import Ends, be_deaf, serve, set_up

if TYPE_CHECKING:
    from django_probe.plan import Planned

__all__ = ["interpreter", "keep", "main"]

BOOT = (
    "import sys; sys.path[:] = sys.argv[3:];"
    "from django_probe.executors.process.keeper import main; main(*sys.argv[1:3])"
)
WORKER = "worker"
PRELOADED = ("django_probe.executors.process.child", "django_probe.capture_logs", "unittest")
"""What every worker needs, imported once for all."""


def interpreter(role: str, descriptors: tuple[int, ...], path: list[str]) -> list[str]:
    """Return the command line of a new interpreter in a role, with this one's flags."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    given = ",".join(map(str, descriptors))
    return [sys.executable, *flags, "-c", BOOT, role, given, *path]


def main(role: str, descriptors: str) -> NoReturn:
    """Be a worker, or a keeper that starts workers by the method which its role names."""
    numbers = [int(number) for number in descriptors.split(",")]
    if role == WORKER:
        serve(Ends(*numbers))
    control = socket.socket(fileno=numbers[0])
    os.set_inheritable(numbers[0], False)
    keep(control, method=role)


def keep(
    control: socket.socket, *, method: str = "fork", plan: Mapping[int, Planned] | None = None
) -> NoReturn:
    """Be a keeper, to the end of this process.

    Args:
        plan: the parent's, where a fork has inherited it.
    """
    keeper = _Keeper(control, plan)
    try:
        with contextlib.suppress(OSError):
            os.setsid()
        be_deaf()
        adopt_orphans()
        keeper.run(method)
    except BaseException as exc:
        traceback.print_exc()
        keeper.tell("failed", 0, f"{type(exc).__name__}: {exc}")
    finally:
        keeper.end_all()
        os._exit(0)


class _Keeper:
    def __init__(self, control: socket.socket, plan: Mapping[int, Planned] | None) -> None:
        self._control = control
        self._plan = plan
        self._forks = plan is not None
        self._workers: dict[int, int] = {}
        """Process -> number."""

    def run(self, method: str) -> None:
        """Start what the parent asks for, tell it what has ended, until it is gone."""
        if self._plan is None:
            self._prepare(forks=method == "forkserver")
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        gc.freeze()  # Or the first collection in each fork copies all of its memory.
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake:
                    os.read(self._wake, 4096)
                    self._reap()
                elif not self._start_next():
                    return

    def end_all(self) -> None:
        """End all workers, and what their probes have started."""
        for process in self._workers:
            _kill(process)
        for process in self._workers:
            with contextlib.suppress(OSError):
                os.waitpid(process, 0)
        self._workers.clear()
        end_orphans(self._workers)

    def _prepare(self, *, forks: bool) -> None:
        """Set up Django, once for all workers that are to be forks of this process."""
        size = int.from_bytes(self._control.recv(4, socket.MSG_WAITALL), "big")
        surroundings = pickle.loads(self._control.recv(size, socket.MSG_WAITALL))  # noqa: S301
        if not forks:
            return
        set_up(surroundings)
        from django.db import connections

        for name in PRELOADED:
            import_module(name)
        connections.close_all()
        self._forks = threading.active_count() == 1 and _threads() == 1

    def _start_next(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, 4, len(Ends._fields))
        if not message:
            return False
        number, ends = int.from_bytes(message, "big"), Ends(*descriptors)
        process = self._fork(ends) if self._forks else self._spawn(ends)
        for descriptor in ends:
            os.close(descriptor)
        self._workers[process] = number
        self.tell("started", number, process)
        return True

    def _fork(self, ends: Ends) -> int:
        process = os.fork()
        if process == 0:
            self._control.close()
            serve(ends, self._plan)
        return process

    def _spawn(self, ends: Ends) -> int:
        for descriptor in ends:
            os.set_inheritable(descriptor, True)
        command = interpreter(WORKER, ends, list(sys.path))
        return os.posix_spawn(sys.executable, command, os.environ)

    def _reap(self) -> None:
        """Tell which workers have ended; what their probes have left ends, too."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            if process in self._workers:
                number = self._workers.pop(process)
                _kill(process)
                end_orphans(self._workers)
                self.tell("ended", number, os.waitstatus_to_exitcode(status))

    def tell(self, *values: object) -> None:
        """Tell the parent something, if it is still there."""
        with contextlib.suppress(OSError):
            self._control.sendall(json.dumps(values).encode() + b"\n")


def _kill(process: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process, signal.SIGKILL)


def _threads() -> int:
    """Return how many threads there are, those that Python does not know included (Linux)."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208
    except OSError:
        return 1
