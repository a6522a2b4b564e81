"""How a process becomes a worker, whichever way it was started."""

from __future__ import annotations

import contextlib
import contextvars
import faulthandler
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from django_probe.descendants import adopt_orphans

if TYPE_CHECKING:
    from django_probe.plan import Planned

__all__ = ["DUMP", "Ends", "Surroundings", "be_deaf", "serve", "set_up"]

DUMP = signal.SIGUSR2
"""The signal that makes a worker tell its stack, even while C code holds the interpreter."""
FAULT = 70
"""The exit status of a worker that could not begin: EX_SOFTWARE of sysexits.h."""

_inherited: list[Any] = []


class Ends(NamedTuple):
    """The descriptors that a worker has of its own."""

    line: int
    stdout_reader: int
    stdout: int
    stderr_reader: int
    stderr: int
    dump: int


class Surroundings(NamedTuple):
    """What a new interpreter takes over of its parent: plain values, known before Django is."""

    path: list[str]
    folder: str
    argv: list[str]
    environ: dict[str, str]

    @classmethod
    def here(cls) -> Surroundings:
        """Return those of this process."""
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" is the folder
        return cls(path, os.getcwd(), list(sys.argv), dict(os.environ))  # noqa: PTH109


def set_up(surroundings: Surroundings) -> None:
    """Take them over, and set up Django by the settings that they name."""
    sys.path[:] = surroundings.path
    sys.argv = surroundings.argv
    with contextlib.suppress(OSError):
        os.chdir(surroundings.folder)
    os.environ.clear()
    os.environ.update(surroundings.environ)
    import django

    django.setup()


def be_deaf() -> None:
    """Let the parent alone say when it ends.

    Ctrl-C reaches all processes of a terminal, and a service manager tells all
    of a service to end: the parent then still wants their results. A function,
    not ``SIG_IGN``: programs that probes start would inherit that.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ignore)
    signal.set_wakeup_fd(-1)


def serve(ends: Ends, plan: Mapping[int, Planned] | None = None) -> NoReturn:
    """Be a worker, to the end of this process.

    Args:
        plan: the parent's, where a fork has inherited it.
    """
    code = FAULT
    try:
        contextvars.Context().run(_serve, ends, plan)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve(ends: Ends, plan: Mapping[int, Planned] | None) -> None:
    with contextlib.suppress(OSError):
        os.setsid()  # A group of its own, to be ended with all that its probes have started.
    be_deaf()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    adopt_orphans()
    outside = _take_over(ends)
    connection = socket.socket(fileno=ends.line)
    surroundings, charter = _read_record(connection), _read_record(connection)
    from django.apps import apps

    if not apps.ready:
        set_up(pickle.loads(surroundings))  # noqa: S301 - of our own parent
    _forget_connections()

    from django_probe.executors.process.child import work
    from django_probe.executors.process.line import Line
    from django_probe.executors.process.pipes import Pipes

    pipes = Pipes((ends.stdout_reader, ends.stderr_reader), outside)
    work(pickle.loads(charter), Line(connection), pipes, plan)  # noqa: S301


def _take_over(ends: Ends) -> int:
    """Put the worker's pipes in place; return the descriptor of what was stderr."""
    for descriptor in ends:
        os.set_inheritable(descriptor, False)
    outside = os.dup(2)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((null, 0), (ends.stdout, 1), (ends.stderr, 2)):
        os.dup2(source, number)
        os.close(source)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if not _writes_to(getattr(sys, name), number):
            stream = os.fdopen(number, "w", 1, encoding="utf-8", errors="replace", closefd=False)
            setattr(sys, name, stream)
    faulthandler.enable(file=ends.dump, all_threads=False)
    faulthandler.register(DUMP, file=ends.dump, all_threads=False)
    return outside


def _writes_to(stream: Any, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):
        return False


def _read_record(connection: socket.socket) -> bytes:
    return _read(connection, int.from_bytes(_read(connection, 4), "big"))


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            os._exit(0)  # The run has ended before this worker had begun.
        data += part
    return data


def _forget_connections() -> None:
    """Keep off the database connections that a fork has inherited: the parent still uses them.

    They are never freed: the driver would take leave of the server in the parent's name.
    """
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        _inherited.append(connection)
        del connections[connection.alias]


def _ignore(number: int, frame: object) -> None:
    """Do nothing."""
