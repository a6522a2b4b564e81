"""SIGINT and SIGTERM: once, stop asking and write whole reports; twice, leave at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from django_probe.deadline import Deadline

__all__ = ["handled"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def handled(deadline: Deadline) -> Iterator[None]:
    """Let a signal end the run's deadline; the handlers before are given back at the end.

    Python allows handlers in the main thread only: elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if deadline.signal is not None:
            os._exit(128 + number)
        name = signal.Signals(number).name
        deadline.expire(f"interrupted ({name})", signal=number)
        with contextlib.suppress(OSError):
            text = f"\n{name}: writing the reports; once more to leave at once.\n"
            os.write(2, text.encode())

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
