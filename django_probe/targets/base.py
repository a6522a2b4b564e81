"""The seam: a target answers a selection with events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django_probe.deadline import Deadline
from django_probe.events import Event, RunStarted
from django_probe.exceptions import ConfigurationError
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.setting_entries import check_keys

if TYPE_CHECKING:
    from django_probe.executors.base import Executor
    from django_probe.plan import Plan

__all__ = ["Check", "Lane", "Setup", "Target"]

Check = Callable[[str, Any], None]
"""Take where an option stands and its value; raise ``ConfigurationError`` where that is wrong."""


class Lane(NamedTuple):
    """Targets that share something, and how many of them may be asked at once."""

    name: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a run gives to the targets that it makes."""

    config: RunConfig
    """How probes are run and judged; ``redactor`` and ``expect_release`` are for every target."""
    executor: Executor | None = None
    """How probes run here; None where there is no Django project."""
    build: Callable[[Selection], Plan] | None = None
    """Makes the plan of a selection, once for all local targets; None as above."""
    workers: int = 1
    """Probes that one local target may run at once, of those of all."""
    at_once: int = 1
    """Local targets that may be asked at once, where their executor isolates."""


class Target:
    """Run the probes that a selection picks, in one place.

    The first event is ``RunStarted``: it comes before any probe runs. Exactly one
    ``ProbeFinished`` follows for each probe that was planned; a target that
    cannot keep this says so with ``TargetFailed``. All events have its alias.
    ``django_probe.testing.TargetContract`` holds a target to this.
    """

    alias: str = ""
    """Its name in reports: letters, digits, ``_`` and ``-``."""
    lane: Lane | None = None
    """What it shares with others; None for nothing."""
    elsewhere: ClassVar[bool] = False
    """Whether it is another deployment: one that is asked from elsewhere itself asks none."""
    options: ClassVar[Mapping[str, Check]] = {}
    """The OPTIONS that it knows, and what checks each."""

    @classmethod
    def check(cls, where: str, options: Mapping[str, Any]) -> None:
        """Refuse OPTIONS that are not as they should be; nothing is asked, no function called.

        Args:
            where: they stand, for the error.

        Raises:
            ConfigurationError: an unknown one, or one of the wrong type or value.
        """
        check_keys(where, options, set(cls.options))
        for name, value in options.items():
            cls.options[name](f"{where}[{name!r}]", value)

    @classmethod
    def used(cls, where: str, alias: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return OPTIONS as this run uses them: what is a function has been called.

        References to the environment are put in their place afterwards.

        Raises:
            ConfigurationError: a function raises, or returns what it should not.
        """
        return options

    @classmethod
    def make(cls, alias: str, options: Mapping[str, Any], setup: Setup) -> Sequence[Target]:
        """Return the target of an entry of ``PROBE_TARGETS``, or several that it stands for.

        Args:
            options: checked, and as ``used()`` returned them.

        Raises:
            ConfigurationError: they do not go together.
        """
        raise ConfigurationError(f"{cls.__qualname__} cannot be made of settings: {alias!r}.")

    def prepare(self, selection: Selection) -> RunStarted | None:
        """Do what has to be done in the main thread, before any target is asked.

        Return what is known by then; None for what only ``run()`` can tell.

        Raises:
            ProbeError: nothing can be asked, and no other target shall be.
        """
        return None

    def finish(self) -> None:
        """Let go of what ``prepare()`` took; called for all targets when the last one has ended."""

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        """Yield the events of one asking, as they happen; called in a thread of its own.

        It ends soon after the deadline has passed. Once ``deadline.halted`` says why,
        no further probe is started.
        """
        raise NotImplementedError

    def took(self, seconds: float) -> float:
        """Return how long the run took, which was asked for so many seconds: a replay says less."""
        return seconds

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return what still hangs: the process should end without it."""
        return ()
