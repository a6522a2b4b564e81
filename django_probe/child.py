"""The process that runs the probes of ``/probe/``: ``python -m django_probe.child``.

It is two processes in one group. The first is a guard: it imports no Django,
waits for the other, and kills the group when the web worker is gone (its end
of stdin is closed, whatever ended it) or when the deadline has passed. The
second runs ``manage.py probe --format jsonl``. So no run outlives its worker,
not even where a probe holds the interpreter.

Arguments: seconds until the group is killed, then those of the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from django_probe.descendants import adopt_orphans, end_orphans
from django_probe.views.orders import GRACE, REFUSED, STOP

if TYPE_CHECKING:
    from django_probe.management.commands.probe import Command

__all__ = ["main"]


def main(arguments: Sequence[str]) -> NoReturn:
    """Become guard and command; never return."""
    deadline = time.monotonic() + float(arguments[0])
    wire = os.dup(1)
    os.dup2(2, 1)  # What is printed before the command begins must not get into the wire.
    pid = os.fork()
    if pid:
        os.close(wire)
        adopt_orphans()  # So that daemons, which leave the group, are still at hand.
        _Guard(pid, deadline).watch()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    _run(wire, deadline, float(arguments[0]), arguments[1:])


class _Guard:
    """Wait for the command; end with its exit code."""

    def __init__(self, pid: int, deadline: float) -> None:
        self._pid = pid
        # The worker kills first, if it is there: it knows what to report.
        self._deadline = deadline + 1.0

    def watch(self) -> NoReturn:
        awake, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            self._leave_if_done()
            left = self._deadline - time.monotonic()
            ready, _, _ = select.select([0, awake], [], [], max(left, 0.0))
            if awake in ready:
                os.read(awake, 512)
            if not ready or (0 in ready and not self._obey()):
                self._kill()

    def _obey(self) -> bool:
        """Take an order of the worker; return whether it is still there."""
        order = os.read(0, 512)
        if STOP in order:
            os.kill(self._pid, signal.SIGTERM)
        return bool(order)

    def _leave_if_done(self) -> None:
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            end_orphans()
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)

    def _kill(self) -> NoReturn:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        end_orphans()
        os.killpg(0, signal.SIGKILL)  # Whatever is left of the group, and the guard itself.
        os._exit(1)


def _run(wire: int, deadline: float, seconds: float, arguments: Sequence[str]) -> NoReturn:
    """Run the command with its report on the wire."""
    sys.argv = ["manage.py", "probe", *arguments]
    import django

    django.setup()
    stream = os.fdopen(wire, "w", buffering=1, encoding="utf-8", newline="\n", errors="replace")
    left = deadline - time.monotonic() - min(GRACE, seconds / 4)
    command = _command(stream)
    command.run_from_argv([*sys.argv[:2], f"--deadline={_bounded(left):.3f}", *arguments])
    os._exit(command.exit_code)


def _bounded(left: float) -> float:
    """Return the seconds that the run may take: the project's own deadline may be shorter."""
    from django_probe.conf import settings
    from django_probe.exceptions import ConfigurationError

    with contextlib.suppress(ConfigurationError):  # The command says so in a moment.
        left = min(left, settings.deadline or left)
    return max(left, 0.1)


def _command(stream: TextIO) -> Command:
    """Return the command, its report on a stream; what it refuses is told there, too."""
    from django.core.management.base import CommandError

    import django_probe.management.commands.probe as probe
    from django_probe.views.tags import refuse_unknown_tags

    class ChildCommand(probe.Command):
        def execute(self, *args: Any, **options: Any) -> str | None:
            try:
                return super().execute(*args, **options)
            except CommandError as exc:
                told = {"error": type(exc.__cause__).__name__, "message": str(exc)}
                stream.write(json.dumps({"v": 1, "event": REFUSED, **told}) + "\n")
                raise

        def handle(self, *labels: str, **options: Any) -> None:
            refuse_unknown_tags(options["labels"], options["tag"])
            super().handle(*labels, **options)

        def _report_stream(self, given: Any) -> contextlib.AbstractContextManager[TextIO | None]:
            return contextlib.nullcontext(stream)

    return ChildCommand()


if __name__ == "__main__":
    main(sys.argv[1:])
