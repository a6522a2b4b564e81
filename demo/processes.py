"""The shop's processes: ``manage.py``, the server, the probes. None of them outlives its caller."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEMO = Path(__file__).resolve().parent
PATIENCE = 90.0
"""Seconds that one command may take."""
START_PATIENCE = 20.0
"""Seconds that the server may take to answer."""


class DemoFailed(Exception):
    """The demo cannot go on, or did not show what it is there to show."""


@dataclass(frozen=True)
class Shop:
    """The shop in one work folder, under one settings module."""

    work: Path
    settings: str
    more: Mapping[str, str] = field(default_factory=dict)
    """What else its processes find in their environment."""

    @property
    def log(self) -> Path:
        """Return the file into which the server logs."""
        return self.work / "server.log"

    def environment(self, **more: str) -> dict[str, str]:
        """Return what the shop's processes find in their environment."""
        own = {"SHOP_WORK": str(self.work), "DJANGO_SETTINGS_MODULE": self.settings}
        return {**os.environ, **own, **self.more, **more}


def manage(shop: Shop, *arguments: str) -> list[str]:
    """Run ``manage.py`` to its end; return the lines that it prints.

    Raises:
        DemoFailed: it did not succeed, or took more than ``PATIENCE``.
    """
    try:
        done = subprocess.run(
            command(*arguments),
            env=shop.environment(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise DemoFailed(f"{shown(*arguments)} took more than {PATIENCE:g} s") from exc
    if done.returncode:
        raise DemoFailed(f"{shown(*arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout.splitlines()


def probe(shop: Shop, url: str, *options: str) -> int:
    """Run the probes against an address, on our own stdout; return the exit code.

    Raises:
        DemoFailed: they took more than ``PATIENCE``.
    """
    return watched(command("probe", *options), shop.environment(SHOP_URL=url))


def watched(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run what asks probes to its end, on our own stdout; return the exit code.

    Raises:
        DemoFailed: it took more than ``PATIENCE``.
    """
    process = subprocess.Popen(arguments, env=environment)
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired as exc:
        raise DemoFailed(f"the probes took more than {PATIENCE:g} s") from exc
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)  # The Ctrl-C is theirs too: let them write their reports.
        raise
    finally:
        end(process)


@contextlib.contextmanager
def opened(shop: Shop) -> Iterator[str]:
    """Serve the shop meanwhile; yield its address.

    Raises:
        DemoFailed: it does not answer in time.
    """
    with shop.log.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, str(DEMO / "server.py")],
            env=shop.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for the probes and us: we close the shop.
        )
    try:
        yield _wait_for_answer(process, shop)
    finally:
        end(process)


def _wait_for_answer(process: subprocess.Popen[str], shop: Shop) -> str:
    assert process.stdout is not None
    alarm = threading.Timer(START_PATIENCE, process.kill)
    alarm.start()
    try:
        port = process.stdout.readline().strip()
        if not port:
            log = shop.log.read_text(encoding="utf-8", errors="replace")
            raise DemoFailed(f"the server did not start:\n{log}")
        url = f"http://127.0.0.1:{port}"
        straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.suppress(urllib.error.HTTPError):  # An answer, too.
            straight.open(url, timeout=START_PATIENCE).close()
    except OSError as exc:
        raise DemoFailed(f"the server does not answer: {exc}; see {shop.log}") from exc
    finally:
        alarm.cancel()
    return url


def end(process: subprocess.Popen[Any]) -> None:
    """Make sure that a process has ended: ask, then insist."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def command(*arguments: str) -> list[str]:
    """Return the command line of ``manage.py`` with arguments."""
    return [sys.executable, str(DEMO / "manage.py"), *arguments]


def shown(*arguments: str) -> str:
    """Return that command line as a person would type it."""
    return shlex.join(["python", short(DEMO / "manage.py"), *arguments])


def short(path: Path) -> str:
    """Return a path from where the reader stands, if it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
