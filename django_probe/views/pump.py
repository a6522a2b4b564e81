"""Feed a run from its child process: one thread, from the start of the child to its end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import close_caches
from django.db import close_old_connections, connections

from django_probe.views.ending import ending_of
from django_probe.views.orders import GRACE, REFUSED
from django_probe.views.publishing import Publisher
from django_probe.views.record import Ending, Run
from django_probe.views.starting import Child
from django_probe.wire_lines import WireLines

__all__ = ["Pump"]

logger = logging.getLogger("django_probe")

TICK = 0.25
"""Seconds in which it is seen that nobody waits any more."""
PATIENCE = 2.0
"""Seconds that a run gets to end by itself when it is stopped."""

EVENT = '{"v": '
"""What each line of a wire begins with."""

WORDS = {
    Ending.DEADLINE: (
        "RunDeadline",
        "the run was killed at its deadline, PROBE_VIEW_DEADLINE = {:g} s",
    ),
    Ending.STOPPED: ("RunStopped", "the run was stopped"),
    Ending.ABANDONED: ("RunStopped", "nobody waited for the run any more"),
    Ending.BROKEN: ("RunBroken", "the process that ran the probes {}"),
}


class Pump:
    """Run a child, and feed a run with what it tells.

    Args:
        run: to feed.
        arguments: of ``manage.py probe``.
        deadline: seconds from now.
        publisher: shows it to other processes.
        ended: called when the run has ended, before those who wait for it are told.
    """

    def __init__(
        self,
        run: Run,
        arguments: list[str],
        deadline: float,
        publisher: Publisher,
        ended: Callable[[], None],
    ) -> None:
        self._run = run
        self._arguments = arguments
        self._seconds = deadline
        self._began = time.monotonic()
        self._publisher = publisher
        self._ended = ended
        self._lines = WireLines()
        self._whole = False
        self._stopped_at: float | None = None
        self._code: int | None = None

    def work(self) -> None:
        """Feed the run until it has ended, whatever happens."""
        ending, why = Ending.BROKEN, ""
        try:
            child = Child(self._run.id, self._arguments, self._seconds)
            try:
                ending = self._feed(child)
            finally:
                self._code = child.end()
        except Exception as exc:
            why = f"{type(exc).__name__}: {exc}"
            logger.exception("A run of /probe/ broke off")
        try:
            self._end(ending, why)
        finally:
            if not self._run.ended:
                self._ended()
                self._run.end(Ending.BROKEN)
        with contextlib.suppress(Exception):
            close_caches()
            close_old_connections()
            connections.close_all()

    def _feed(self, child: Child) -> Ending:
        while True:
            readable, _, _ = select.select([child.wire], [], [], TICK)
            if readable:
                data = os.read(child.wire, 256 * 1024)
                if not data:
                    return self._ended_by_itself()
                self._take(data)
            elif child.has_ended():  # Its guard alone: nobody watches over the rest any more.
                return self._ended_by_itself()
            cut = self._cut(child)
            if cut is not None:
                child.kill()
                return cut
            self._publisher.tick()

    def _cut(self, child: Child) -> Ending | None:
        """Return why it must be killed now, if it must."""
        now = time.monotonic()
        if now - self._began >= self._seconds:
            return Ending.DEADLINE
        if self._stopped_at is not None:
            return Ending.STOPPED if now - self._stopped_at > PATIENCE else None
        if self._publisher.is_stop_asked():
            child.stop()
            self._stopped_at = now
        elif not self._publisher.is_wanted() and self._run.give_up():
            return Ending.ABANDONED
        return None

    def _take(self, data: bytes) -> None:
        """Take what was read; the last line may not be whole."""
        lines = self._lines.take(data)
        self._run.add(
            [text for line in lines for text in self._read(line.decode("ascii", "replace"))]
        )

    def _read(self, line: str) -> list[str]:
        """Return what there is to keep of a line."""
        event = line[:60]
        if not event.startswith(EVENT):  # Somebody else printed it: sitecustomize, say.
            return []
        if '"probe_finished"' in event:
            self._run.done += 1
        elif '"run_started"' in event or '"run_finished"' in event:
            return [self._named(json.loads(line))]
        elif f'"{REFUSED}"' in event:
            told = json.loads(line)
            self._run.refusal = told["error"], told["message"]
            return []
        return [line]

    def _named(self, event: dict[str, Any]) -> str:
        """Return a line with the id by which the endpoint knows the run."""
        about = event.get("summary", event)
        about["run_id"] = self._run.id
        self._whole = about is not event
        if not self._whole:
            self._run.planned = event.get("planned")
        return json.dumps(event)

    def _ended_by_itself(self) -> Ending:
        if any(self._run.refusal):
            return Ending.REFUSED
        if self._stopped_at is not None:
            return Ending.STOPPED
        return Ending.FINISHED if self._whole else Ending.BROKEN

    def _end(self, ending: Ending, why: str) -> None:
        run = self._run
        if not self._whole and ending is not Ending.REFUSED:
            error, words = WORDS[ending]
            found = self._seconds if ending is Ending.DEADLINE else _how_ended(self._code)
            told = why or words.format(found)
            run.add(ending_of(run.lines, run.id, told, error=error, late=ending is Ending.DEADLINE))
        elif ending is Ending.FINISHED and self._is_late():
            ending = Ending.DEADLINE
        # The others first: who has the answer may ask them next.
        self._publisher.end(ending)
        self._ended()
        run.end(ending)

    def _is_late(self) -> bool:
        """Return whether the run ended itself because of its deadline, which comes a bit sooner."""
        summary = json.loads(self._run.lines[-1])["summary"]
        used = time.monotonic() - self._began
        soon = self._seconds - min(GRACE, self._seconds / 4) - 0.5
        counts = summary["counts"]
        return bool(counts["not_run"] or counts["timed_out"]) and used > soon


def _how_ended(code: int | None) -> str:
    """Return how a process has ended, as the end of a sentence; 128 and more is a shell's way."""
    number = -code if code is not None and code < 0 else (code or 0) - 128
    if number in set(signal.Signals):
        return f"was killed by {signal.Signals(number).name}"
    return f"ended with exit code {code}"
