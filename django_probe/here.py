"""Which target a probe is asked on: ``current_target()``, and the parameters it has there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django_probe.results import DEFAULT_TARGET

__all__ = ["CurrentTarget", "Parameters", "current_target", "enter_target", "standing_at"]


class Parameters(Mapping[str, Any]):
    """Plain values by name, read-only: what is a list becomes a tuple.

    Raises:
        KeyError: for a name that is not there, with those that are.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = {name: _frozen(value) for name, value in (values or {}).items()}

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            there = ", ".join(self._values) or "none"
            raise KeyError(f"no parameter {name!r} here; there are: {there}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        """Return the names alone: values may be secret."""
        return f"<Parameters {', '.join(self._values) or 'none'}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentTarget:
    """A target, as its probes see it."""

    alias: str = DEFAULT_TARGET
    """Its name in ``PROBE_TARGETS``; ``default`` where there is no such setting."""
    parameters: Parameters = field(default_factory=Parameters)
    """What its OPTIONS give to probes."""


_here: ContextVar[CurrentTarget | None] = ContextVar("django_probe_target", default=None)

# For threads that a probe starts: they have no context of it. One target at a time is asked
# in a process, so that this is the right one.
_of_process: list[CurrentTarget | None] = [None]


def current_target() -> CurrentTarget:
    """Return the target that the running probe is asked on.

    Call it in a test, in ``setUp`` or in ``setUpClass``: a module is imported once
    for all targets.

    Raises:
        LookupError: no probe runs.
    """
    found = _here.get() or _of_process[0]
    if found is None:
        raise LookupError(
            "current_target() was called while no probe runs, expected a call from a test method,"
            " setUp or setUpClass: a module is imported once for all targets."
        )
    return found


def enter_target(target: CurrentTarget) -> None:
    """Let what runs in this context, from now on, be asked on a target."""
    _here.set(target)


@contextlib.contextmanager
def standing_at(target: CurrentTarget) -> Iterator[None]:
    """Let a target be the one of this process, while this lasts."""
    before, _of_process[0] = _of_process[0], target
    try:
        yield
    finally:
        _of_process[0] = before


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Parameters(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(_frozen, value))
    return value
