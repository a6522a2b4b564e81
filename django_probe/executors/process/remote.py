"""A worker process as its parent sees it: what it is at, what it says, what it leaves."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import socket
import time

from django_probe.capture import Sink
from django_probe.executors.batch_run import BatchRun
from django_probe.executors.fixture_run import FixtureRun
from django_probe.executors.process.birth import DUMP, Ends
from django_probe.executors.process.dying import stack_in
from django_probe.executors.process.frames import Given, Lines, framed
from django_probe.executors.process.pipes import pending
from django_probe.executors.process.references import name_of, refer
from django_probe.executors.watch import Watch
from django_probe.recording import Recorder
from django_probe.run_config import RunConfig

__all__ = ["RemoteFixtures", "RemoteWorker"]

LATE = 0.25
"""Seconds beyond a limit before a worker that says nothing of it is looked at."""
SILENT = 0.75
"""Seconds without a sign of life: something holds its interpreter."""
CHUNK = 256 * 1024
DUMP_PATIENCE = 0.3
"""Seconds that a worker has to write down its stack."""
SLICE = 0.02
"""Seconds of work that a worker is given at once, where its probes are quicker than that."""
MOST = 50
"""Probes that it is given at once."""


class RemoteFixtures(FixtureRun):
    """What a worker says of the fixtures of its task."""

    told_owed: tuple[str, ...] = ()

    @property
    def owed(self) -> list[str]:
        """Return the teardowns that are still to come."""
        return list(self.told_owed)


class RemoteWorker:
    """Talk to one worker process.

    Args:
        number: its name in results.
    """

    def __init__(self, number: int, config: RunConfig, target: str) -> None:
        self.number = number
        self.recorder = Recorder(config, target, f"{number}")
        self.watch = Watch()
        """Used for one thing only: whether it has been given up."""
        self.task: BatchRun | None = None
        self.idle = False
        self.lost = False
        """Whether it has said that it cannot go on: its probe does not let itself be stopped."""
        self.began = False
        """Whether it has ever been ready."""
        self.closing = False
        self._config = config
        self._limit: float | None = None
        self._given_at = self._fresh_since = self._heard = time.monotonic()
        self._given = 1
        self._pace = SLICE
        self._lines = Lines()
        self._out = b""
        self._open()

    def _open(self) -> None:
        """Make both ends of the socket and the pipes; ``theirs`` are for the worker."""
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        self._stdout, stdout = os.pipe()
        self._stderr, stderr = os.pipe()
        self._dump, dump = os.pipe()
        self.theirs = Ends(
            theirs.detach(), os.dup(self._stdout), stdout, os.dup(self._stderr), stderr, dump
        )

    def let_go(self) -> None:
        """Close the worker's ends here: it has its own copies."""
        for descriptor in self.theirs:
            os.close(descriptor)

    def close(self) -> None:
        """Close this side."""
        self.socket.close()
        for descriptor in (self._stdout, self._stderr, self._dump):
            os.close(descriptor)

    # What goes to it.

    def give(self, task: BatchRun) -> None:
        """Give it a task."""
        fixtures = RemoteFixtures(
            with_module=task.fixtures.with_module, problems=task.fixtures.problems
        )
        task.fixtures, self.task, self.idle = fixtures, task, False
        self._given = len(task.rest)
        problems = {name_of(key): problem for key, problem in fixtures.problems.items()}
        references = [refer(planned) for planned in task.rest]
        given = Given(references=references, with_module=fixtures.with_module, problems=problems)
        self.begins(self._config.timeout)
        self._given_at = self._fresh_since
        self.send(given)

    def send(self, record: object) -> None:
        """Send a record, now or as soon as there is room."""
        self._out += framed(record)
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        with contextlib.suppress(OSError):  # No room; or it has ended, which is seen elsewhere.
            while self._out:
                self._out = self._out[self.socket.send(self._out) :]

    @property
    def has_mail(self) -> bool:
        """Return whether something waits to be sent."""
        return bool(self._out)

    def let_leave(self) -> None:
        """Tell it that there is nothing more to do."""
        if not self.closing:
            self.closing = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    # What comes from it.

    def hear(self) -> list[str] | None:
        """Return the lines that have come, None where no more will come."""
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            return None
        self._heard = time.monotonic()
        return list(self._lines.feed(data)) if data else None

    def begins(self, limit: float | None) -> None:
        """Take note that it begins something which may take so many seconds."""
        self._fresh_since, self._limit = time.monotonic(), limit

    @property
    def age(self) -> float:
        """Return the seconds since it was given something, or made."""
        return time.monotonic() - self._given_at

    def is_stuck(self, now: float) -> bool:
        """Return whether it is late, and gives no sign of life."""
        limit = self._limit
        if self.task is None or limit is None:
            return False
        return now - self._fresh_since > limit + LATE and now - self._heard > SILENT

    @property
    def limit(self) -> float | None:
        """Return the seconds that it has for what it is at."""
        return self._limit

    def is_done(self) -> None:
        """Take note that it waits for the next task, and how quick it was."""
        if self.task is not None:
            seconds = time.monotonic() - self._given_at
            self._pace = (self._pace + max(seconds, 1e-6) / self._given) / 2
        self.began = self.idle = True

    @property
    def appetite(self) -> int:
        """Return how many probes it should get at once."""
        return min(MOST, max(1, int(SLICE / self._pace)))

    # What it leaves.

    def stack(self, process: int | None) -> str:
        """Return where it is, asked of the process itself, or of what it wrote as it crashed."""
        if process is not None:
            with contextlib.suppress(OSError):
                os.kill(process, DUMP)
            poll = select.poll()
            poll.register(self._dump, select.POLLIN)
            poll.poll(DUMP_PATIENCE * 1000)
            time.sleep(0.01)  # It comes in pieces.
        return stack_in(_all_of(self._dump).decode("utf-8", "replace"))

    def last_output(self) -> Sink:
        """Return what its probe has written and nobody has read."""
        sink = Sink()
        decode = codecs.getdecoder("utf-8")
        for stream, descriptor in (("stdout", self._stdout), ("stderr", self._stderr)):
            sink.write(stream, decode(_all_of(descriptor), "replace")[0])
        return sink


def _all_of(descriptor: int) -> bytes:
    size = pending(descriptor)
    return os.read(descriptor, size) if size else b""
