"""Who may write now: what the probe that runs is allowed, and what it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.utils import DatabaseError

from django_probe import strangers
from django_probe.marks import EVERY_ALIAS

__all__ = [
    "NOTHING",
    "Permit",
    "WriteRefused",
    "acting",
    "current",
    "is_allowed",
    "note_strangers",
    "of_loading",
    "of_this_code",
    "probing",
]

NOTHING: frozenset[str] = frozenset()

KEPT = 5
"""Refusals of one probe that are kept until it has ended."""

CAUGHT = "It was caught, and is an error all the same: what is deployed would have written."

current: ContextVar[Permit | None] = ContextVar("django_probe_permit", default=None)

_acting: list[Permit] = []
"""Those of all workers: a thread that a probe starts knows none of its own."""
_runs: list[Permit] = []
"""Of each run that goes on: for what belongs to no probe, such as the import of a probe module."""


class WriteRefused(DatabaseError):
    """Tell that a probe tried to write where it may not; nothing was written."""

    __module__ = "django_probe.guards"  # Where it is imported from, as reports name it.

    told = False
    """Whether it stands in a result already."""


class Permit:
    """What the code of one worker may write to.

    Args:
        everything: it may always write to all.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self.always = EVERY_ALIAS if everything else NOTHING
        self.aliases = self.always
        self.refused: list[WriteRefused] = []
        self.guarded: set[str] = set()
        """The aliases of the connections that were opened for reading alone."""

    def give(self, aliases: frozenset[str]) -> bool:
        """Allow these aliases and no others; return whether that is a change."""
        before, self.aliases = self.aliases, self.always or aliases
        return self.aliases != before

    def allows(self, alias: str) -> bool:
        """Return whether an alias may be written to."""
        return alias in self.aliases or self.aliases >= EVERY_ALIAS

    def note(self, refused: WriteRefused) -> None:
        """Keep a refusal: the probe may swallow it."""
        if len(self.refused) < KEPT:
            self.refused.append(refused)

    def take_untold(self) -> list[WriteRefused]:
        """Return the refusals that no result tells of, and forget them all."""
        untold = [refused for refused in self.refused if not refused.told]
        self.refused = []
        for refused in untold:
            refused.args = (f"{str(refused).rstrip('.')}. {CAUGHT}",)
        return untold

    def begin(self) -> None:
        """Count for the threads that a probe starts, until ``end()``."""
        _acting.append(self)

    def end(self) -> None:
        """Count no more for threads; the worker's own code stays under it."""
        if self in _acting:
            _acting.remove(self)


@contextmanager
def probing(*, everything: bool) -> Iterator[None]:
    """Take threads that start from now on for those of probes, until the run has ended.

    Args:
        everything: they may write to all.
    """
    note_strangers()
    permit = Permit(everything=everything)
    _runs.append(permit)
    try:
        yield
    finally:
        _runs.remove(permit)


@contextmanager
def acting(permit: Permit) -> Iterator[None]:
    """Put the code of this thread, and no other, under a permit."""
    token = current.set(permit)
    try:
        yield
    finally:
        current.reset(token)


def note_strangers() -> None:
    """Take the threads that there are for those of others, unless a run goes on already."""
    if not (_runs or _acting):
        strangers.note()


def of_this_code() -> list[Permit]:
    """Return the permits that the calling code is under: none where it is no probe's."""
    own = current.get()
    if own is not None:
        return [own]
    if not (_runs or _acting) or strangers.is_stranger():
        return []
    return list(_acting or _runs)


def of_loading() -> Permit:
    """Return a permit for what is imported: it may only read, unless the run may write to all."""
    above = current.get()
    permits = [above] if above else _runs
    return Permit(everything=bool(permits) and all(p.always for p in permits))


def is_allowed(alias: str) -> bool:
    """Return whether the calling code may write.

    A thread that a probe has started has no permit of its own: it may do what
    all probes that run now may do.
    """
    return all(permit.allows(alias) for permit in of_this_code())
