"""What happens in a run, in the past tense. How events travel: see ``wire``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_probe.records import quickly_made
from django_probe.results import DEFAULT_TARGET, ErrorDetail, Probe, ProbeResult, Summary

__all__ = [
    "Event",
    "FixtureFailed",
    "ProbeFinished",
    "ProbeStarted",
    "RunFinished",
    "RunStarted",
    "TargetFailed",
    "TargetStarted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run has a plan and begins."""

    run_id: str
    started_at: datetime
    targets: tuple[str, ...] = (DEFAULT_TARGET,)
    planned: int | None = None
    """Results to expect of all targets; None while one has not said."""
    labels: tuple[str, ...] = ()
    release: str = ""
    """Of all targets, "" where it is not known or differs: then see ``TargetStarted``."""
    instance: str = ""
    """The host that runs the probes."""
    seed: int | None = None
    """What ``--shuffle`` used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStarted:
    """One target of several has answered and begins; a run of one says this in ``RunStarted``."""

    target: str
    at: datetime
    planned: int | None = None
    """Results to expect of it; None where it does not say."""
    release: str = ""
    instance: str = ""
    """The host that runs its probes."""

    @classmethod
    def of(cls, target: str, run: RunStarted) -> TargetStarted:
        """Return what a target says first, as one of several."""
        return cls(
            target=target,
            at=run.started_at,
            planned=run.planned,
            release=run.release,
            instance=run.instance,
        )


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStarted:
    """A probe got its turn."""

    probe: Probe
    at: datetime
    target: str = DEFAULT_TARGET


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFinished:
    """A probe has its result."""

    result: ProbeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureFailed:
    """A class or module fixture failed after its probes had their results."""

    fixture: str
    """``shop.probes.Checkout.tearDownClass``."""
    error: ErrorDetail
    target: str = DEFAULT_TARGET
    source: str = ""
    """``file:line`` where it happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFailed:
    """A target could not be asked, or did not answer in full."""

    target: str
    error: ErrorDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run is decided."""

    summary: Summary


Event = (
    RunStarted
    | TargetStarted
    | ProbeStarted
    | ProbeFinished
    | FixtureFailed
    | TargetFailed
    | RunFinished
)
