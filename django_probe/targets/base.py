"""The seam: a target answers a selection with events."""

from __future__ import annotations

from collections.abc import Iterator

from django_probe.deadline import Deadline
from django_probe.events import Event
from django_probe.selection import Selection

__all__ = ["Target"]


class Target:
    """Run the probes that a selection picks, in one place.

    The first event is ``RunStarted``: it comes before any probe runs, and what
    is wrong with the selection is raised instead of it. Exactly one
    ``ProbeFinished`` follows for each probe that was planned; a target that
    cannot keep this says so with ``TargetFailed``.
    """

    alias = ""

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield the events of one asking, as they happen.

        Raises:
            ProbeError: nothing can be asked; before the first event.
        """
        raise NotImplementedError
