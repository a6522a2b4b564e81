"""Run probes in the thread of the command, and stop where one fails: ``--pdb``."""

from __future__ import annotations

import pdb  # noqa: T100 - this is what it is for
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from django_probe.capture import current_sink, routed
from django_probe.deadline import Deadline
from django_probe.details import text_of
from django_probe.events import Event
from django_probe.exceptions import ConfigurationError
from django_probe.executors.base import Executor
from django_probe.executors.connections import close_own, watch_connections
from django_probe.executors.ledger import Ledger
from django_probe.executors.tasks import tasks_of
from django_probe.executors.thread_pool import ThreadPool
from django_probe.executors.worker import Worker
from django_probe.plan import Batch
from django_probe.recording import Recorder
from django_probe.results import Probe
from django_probe.run_config import RunConfig

__all__ = ["InlineExecutor"]

TERMINAL = "/dev/tty"


class InlineExecutor(Executor):
    """Open the debugger at each exception that a probe or a fixture lets through.

    There are no timeouts: nobody waits for a person. What a signal ends, it ends
    after the probe that runs.

    Raises:
        ConfigurationError: there is no terminal to debug at.
    """

    def __init__(self, config: RunConfig | None = None, *, max_workers: int = 1) -> None:
        config = replace(config or RunConfig(), timeout=None)
        super().__init__(config, max_workers=max_workers)
        self._terminal = _terminal()

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        """Run the batches, one probe at a time where it shares no fixture."""
        watch_connections()
        close_own()
        with routed(self.config.redactor.redact) as routing:
            ledger = Ledger(self.config, target, deadline)
            pool = ThreadPool(self.config, ledger, deadline, routing)
            pool.is_alone = True
            for task in tasks_of(batches, split=True):
                ledger.open(iter([task]))
                worker = Worker(pool, self.config, 1)
                debugger = _Debugger(*self._terminal)
                worker.recorder = _StoppingRecorder(self.config, target, debugger)
                task.fixtures.saw = debugger.look_at
                worker.run()
                yield from ledger.drain()
                ledger.close_tasks()
            yield from ledger.not_run()


class _StoppingRecorder(Recorder):
    """Record, and hand each exception to a person first."""

    def __init__(self, config: RunConfig, target: str, debugger: _Debugger) -> None:
        super().__init__(config, target, "1")
        self._debugger = debugger

    def shown(self, probes: Sequence[Probe]) -> Sequence[Probe]:
        """Return the records of probes that may take their time, whatever their marks say."""
        return super().shown([replace(probe, timeout=None) for probe in probes])

    def addError(self, test: Any, err: Any) -> None:
        """Record an exception, and look at it."""
        super().addError(test, err)
        self._debugger.look_at(_name(test), err[1])

    def addFailure(self, test: Any, err: Any) -> None:
        """Record a failed assertion, and look at it."""
        super().addFailure(test, err)
        self._debugger.look_at(_name(test), err[1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        """Record a sub-test, and look at what it raised."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._debugger.look_at(_name(subtest), err[1])

    def add_raised(self, test: Any, err: Any) -> None:
        """Record what unittest let through, and look at it."""
        super().add_raised(test, err)
        self._debugger.look_at(_name(test), err[1])


class _Debugger:
    """Open pdb at a terminal, for one exception after the other."""

    def __init__(self, reads: TextIO, writes: TextIO) -> None:
        self._reads = reads
        self._writes = writes

    def look_at(self, what: str, exc: BaseException) -> None:
        """Let a person look at where an exception was raised."""
        told = f"{type(exc).__name__}: {text_of(exc)}"
        self._writes.write(f"\n{what}\n{told}\n(q goes on with the next probe)\n")
        debugger = pdb.Pdb(stdin=self._reads, stdout=self._writes, nosigint=True)
        debugger.reset()
        token = current_sink.set(None)  # What is printed from here on is the person's.
        try:
            debugger.interaction(None, _own(exc.__traceback__))
        finally:
            current_sink.reset(token)


def _name(test: Any) -> str:
    return str(test.id()) if test is not None else "a probe that cannot be made"


def _terminal() -> tuple[TextIO, TextIO]:
    """Return the terminal to read from and to write to: stdout is the report's.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        place = Path(TERMINAL)
        return place.open(encoding="utf-8"), place.open("w", buffering=1, encoding="utf-8")
    except OSError as exc:
        if sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
            return sys.stdin, sys.stderr
        raise ConfigurationError(
            "--pdb found no terminal, expected one to debug at: run it by hand."
        ) from exc


def _own(frames: TracebackType | None) -> TracebackType | None:
    """Return a traceback that ends in the probe's own code, not in unittest's assertions."""
    chain = []
    while frames is not None:
        chain.append(frames)
        frames = frames.tb_next
    while len(chain) > 1 and "__unittest" in chain[-1].tb_frame.f_globals:
        chain.pop()
    own: TracebackType | None = None
    for link in reversed(chain):
        own = TracebackType(own, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return own
