"""Whose log record it is: each belongs to the probe it comes from, once."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

from django_probe.capture import RoutedText, Routing, sink_here

__all__ = ["LogRouting"]

_shown = threading.local()
"""The record that a console handler of this thread has written last."""


class LogRouting:
    """Lead log records to the current probe.

    Console handlers write to the stand-ins for the time; what none of them has
    shown is added by a handler of our own, on the root and on each logger that
    does not propagate.
    """

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._handler = _SinkHandler()
        self._moved: list[logging.Handler] = []
        self._listened: list[logging.Logger] = []

    def install(self) -> None:
        """Move the console handlers, and listen."""
        for logger in _loggers():
            for handler in tuple(logger.handlers):
                stand_in = self._routing.stand_in(getattr(handler, "stream", None))
                if stand_in is not None and _set_stream(handler, stand_in):
                    handler.addFilter(_note_shown)
                    self._moved.append(handler)
            if logger.parent is None or _is_closed(logger):
                logger.addHandler(self._handler)
                self._listened.append(logger)

    def remove(self) -> None:
        """Give the handlers back, also those that probes have bound to a stand-in."""
        for handler in self._moved:
            handler.removeFilter(_note_shown)
        for logger in self._listened:
            logger.removeHandler(self._handler)
        for logger in _loggers():
            for handler in tuple(logger.handlers):
                original = self._routing.original(getattr(handler, "stream", None))
                if original is not None:
                    _set_stream(handler, original)


class _SinkHandler(logging.Handler):
    """Log to the current probe what no console handler shows."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record without a lock: one that an interrupt left locked would stop all."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(_shown, "record", None) is record:
            _shown.record = None
            return
        handlers = [handler for handler in _handlers(record.name) if handler is not self]
        sink = sink_here()
        if sink is None or sink.closed:
            _last_resort(record, handlers)
        elif not any(_is_console_since(handler, record) for handler in handlers):
            try:
                sink.write("stderr", self.format(record) + "\n")
            except Exception:
                self.handleError(record)


def _note_shown(record: logging.LogRecord) -> bool:
    _shown.record = record
    return True


def _is_console_since(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Tell a console handler that was made while probes run: it writes to a stand-in."""
    return (
        isinstance(getattr(handler, "stream", None), RoutedText)
        and record.levelno >= handler.level
        and not handler.filters
    )


def _last_resort(record: logging.LogRecord, handlers: list[logging.Handler]) -> None:
    """Do what logging does without any handler, for a record that is no probe's."""
    last = logging.lastResort
    if not handlers and last is not None and record.levelno >= last.level:
        last.handle(record)


def _handlers(name: str) -> Iterator[logging.Handler]:
    """Yield the handlers that get the records of a logger."""
    known = logging.Logger.manager.loggerDict.get(name)
    logger: logging.Logger | None = known if isinstance(known, logging.Logger) else logging.root
    while logger is not None:
        yield from tuple(logger.handlers)
        logger = logger.parent if logger.propagate else None


def _loggers() -> list[logging.Logger]:
    known: list[Any] = list(logging.Logger.manager.loggerDict.values())
    return [logging.root, *(item for item in known if isinstance(item, logging.Logger))]


def _is_closed(logger: logging.Logger) -> bool:
    """Tell a logger whose records the root never sees, unless it is there to be silent."""
    return not logger.propagate and any(
        not isinstance(handler, logging.NullHandler) for handler in logger.handlers
    )


def _set_stream(handler: Any, stream: object) -> bool:
    """Change a handler's stream without its lock, which an interrupted probe may hold for ever."""
    with contextlib.suppress(AttributeError):
        handler.stream = stream
        return True
    return False
