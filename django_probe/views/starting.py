"""Start, stop and end the child process of a run; what it needs of the server's process."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import site
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from django.conf import settings as django_settings

from django_probe.conf import settings
from django_probe.exceptions import ConfigurationError
from django_probe.run_config import RUN_ID, SERVER
from django_probe.views.identity import server_mark
from django_probe.views.orders import STOP

__all__ = ["Child", "find_python"]

# What a CGI-like server puts into the environment of its own process for a request.
REQUESTS_OWN = {"HTTP_AUTHORIZATION", "HTTP_COOKIE", "QUERY_STRING"}
PYTHON_NAME = re.compile(r"(python|pypy)[\d.]*(\.exe)?\Z", re.IGNORECASE)


class Child:
    """The process that runs the probes, in a group of its own.

    Args:
        run_id: by which its probes and its requests can be told.
        arguments: of ``manage.py probe``.
        deadline: seconds until it kills itself, should nobody else do.

    Raises:
        ConfigurationError: there is no interpreter, or no settings module.
        OSError: it cannot be started.
    """

    def __init__(self, run_id: str, arguments: Sequence[str], deadline: float) -> None:
        command = [find_python(settings.python), "-m", "django_probe.child"]
        self._process = subprocess.Popen(  # noqa: S603 - its arguments are checked
            [*command, f"{deadline:.3f}", *arguments],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**_environment(), RUN_ID: run_id, SERVER: server_mark()},
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.wire = self._process.stdout.fileno()
        os.set_blocking(self.wire, False)

    def stop(self) -> None:
        """Ask it to end soon, with whole reports."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(STOP)

    def has_ended(self) -> bool:
        """Return whether its first process, the guard, has ended."""
        try:
            options = os.WEXITED | os.WNOWAIT | os.WNOHANG
            return os.waitid(os.P_PID, self._process.pid, options) is not None
        except ChildProcessError:  # A server that collects what it did not start.
            return True

    def end(self) -> int | None:
        """Kill whatever is left of it, and collect it; return its exit code if it has one."""
        process = self._process
        if not self._waited(1.0):
            self._hang_up()
            self._waited(1.0)
        # Not collected yet, so that the number is still that of its group.
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        self._hang_up()
        assert process.stdout is not None
        process.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        return process.returncode

    def kill(self) -> None:
        """Kill it, with all that it has started."""
        self._hang_up()
        self.end()

    def _hang_up(self) -> None:
        """Close its stdin: its guard kills the group, and collects the command."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _waited(self, seconds: float) -> bool:
        """Return whether it ends in some seconds; it is not collected."""
        ends = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > ends:
                return False
            time.sleep(0.005)
        return True


def find_python(given: str | None) -> str:
    """Return the path of the interpreter: ``PROBE_PYTHON``, or that of this process.

    Within uWSGI and mod_wsgi ``sys.executable`` is the server, or nothing: then
    the interpreter lies in the folder of ``sys.prefix``.

    Raises:
        ConfigurationError: there is none.
    """
    for path in [given] if given else _candidates():
        if Path(path).is_file() and os.access(path, os.X_OK):
            return path
    if given:
        raise ConfigurationError(
            f"PROBE_PYTHON is {given!r}, expected the path of a Python interpreter."
        )
    raise ConfigurationError(
        "No Python interpreter found for the probes: set PROBE_PYTHON to the path of the one that"
        " has the project's packages."
    )


def _candidates() -> Iterator[str]:
    own = sys.executable or ""
    is_python = PYTHON_NAME.match(Path(own).name) is not None
    # Within uWSGI it may be the interpreter that the virtual environment was made with.
    if is_python and (sys.prefix == sys.base_prefix or Path(own).is_relative_to(sys.prefix)):
        yield own
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for prefix in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
        for name in (f"python{version}", "python3", "python"):
            yield str(Path(prefix) / "bin" / name)
        yield str(Path(prefix) / "Scripts" / "python.exe")
    if is_python:
        yield own


def _environment() -> dict[str, str]:
    """Return the server's environment, with its settings and its import path.

    Raises:
        ConfigurationError: the settings are in no module: no other process can have them.
    """
    module = getattr(django_settings, "SETTINGS_MODULE", None)
    if not module:
        raise ConfigurationError(
            "The settings were made by settings.configure(), expected a module: the process that"
            " runs the probes finds them by DJANGO_SETTINGS_MODULE."
        )
    kept = {name: text for name, text in os.environ.items() if name not in REQUESTS_OWN}
    return {**kept, "DJANGO_SETTINGS_MODULE": module, "PYTHONPATH": _import_path()}


def _import_path() -> str:
    """Return where this process finds modules, but for what any interpreter has of its own."""
    own = _own_path()
    paths = (os.path.abspath(path) for path in sys.path)  # noqa: PTH100 - "" is the folder here
    return os.pathsep.join(path for path in dict.fromkeys(paths) if path not in own)


@cache
def _own_path() -> frozenset[str]:
    standard = Path(sysconfig.get_path("stdlib"))
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    return frozenset(
        {
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            str(standard / "lib-dynload"),
            str(standard.parent / f"python{version}.zip"),
            *site.getsitepackages(),
            site.getusersitepackages(),
        }
    )
