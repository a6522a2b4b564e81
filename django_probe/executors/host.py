"""What a batch of probes needs of the worker that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from django_probe.capture import Sink
from django_probe.events import FixtureFailed
from django_probe.executors.watch import Watch
from django_probe.here import CurrentTarget
from django_probe.recording import Recorder

if TYPE_CHECKING:
    from django_probe.executors.ledger import Ledger

__all__ = ["Host"]


class Host(Protocol):
    """A worker, as a batch sees it."""

    watch: Watch
    recorder: Recorder
    target: str
    timeout: float | None
    """Seconds for what says nothing else."""
    run_id: str
    place: CurrentTarget
    """What ``current_target()`` is for its probes."""

    ledger: Ledger
    """Takes what happens to its probes."""
    stopped: Callable[[], bool]
    """Return whether no further probe may start."""

    def new_sink(self) -> Sink:
        """Return what collects the output of the next probe."""

    def fixtures_changed(self) -> None:
        """Take note of a fixture that begins or has ended."""

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Tell that a teardown failed."""

    def after_probe(self, *, shares: bool) -> None:
        """Take back what the next probe must not inherit.

        Args:
            shares: whether the next one may use what a fixture has made.
        """

    def after_interrupt(self) -> None:
        """Take back everything: a probe was stopped at whatever it did."""
