"""What goes to a worker process and comes from it, as bytes on one socket.

To it: pickled records, each after its length (it trusts its parent). From it:
lines, one event of the wire each, or ``=`` and a word of the worker's own. So
nothing that a probe can reach is ever unpickled.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django_probe.deadline import Deadline
from django_probe.details import Problem
from django_probe.executors.process.references import Reference
from django_probe.run_config import RunConfig

__all__ = ["Answer", "Charter", "Frames", "Given", "Halt", "Lines", "Stop", "framed", "word"]

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """What a worker has to know for all its life."""

    config: RunConfig
    target: str
    deadline: Deadline
    number: int
    asks: bool
    """Whether each probe may start only when the parent says so (``--failfast``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A task."""

    references: list[Reference]
    with_module: bool = False
    problems: dict[str, Problem] = field(default_factory=dict)
    """Classes and modules, by their names, whose fixture is known to fail."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the probe that has asked may start."""

    may_start: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """The run ends now."""

    reason: str
    signal: int | None


@dataclass(frozen=True, slots=True)
class Halt:
    """No further probe starts: one on another target has failed, under ``--failfast``."""

    reason: str


def framed(record: object) -> bytes:
    """Return a record as it goes to a worker."""
    data = pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Bytes that come from the parent, as records."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield each record that is whole."""
        self._data += data
        while len(self._data) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._data)[0]
            if len(self._data) < end:
                return
            frame = bytes(self._data[_LENGTH.size : end])
            del self._data[:end]
            yield pickle.loads(frame)  # noqa: S301 - of our own parent


def word(name: str, *values: object) -> str:
    """Return a line that is no event: what a worker says of itself."""
    return "=" + json.dumps([name, *values])


class Lines:
    """Bytes that come from a worker, as lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield each line that is whole."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
