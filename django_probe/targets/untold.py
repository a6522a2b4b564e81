"""The results of probes whose target has not told any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from itertools import count, islice

from django_probe.policy import blocks
from django_probe.results import Outcome, Probe, ProbeResult
from django_probe.run_config import RunConfig

__all__ = ["not_run", "untold"]


def not_run(config: RunConfig, probe: Probe, target: str, reason: str) -> ProbeResult:
    """Return the result of a probe that was announced, and of which nothing more is known."""
    return ProbeResult(
        probe=probe,
        outcome=Outcome.NOT_RUN,
        started_at=datetime.now(timezone.utc),
        duration=0.0,
        target=target,
        blocking=blocks(config, probe, Outcome.NOT_RUN),
        reason=reason,
    )


def untold(begun: Sequence[Probe], told: AbstractSet[int], left: int) -> Iterator[Probe]:
    """Yield as many probes as are left: those that have begun, then some without a name.

    Args:
        told: the indices of those that have a result.
    """
    named = begun[:left]
    yield from named
    taken = told | {probe.index for probe in named}
    free = (index for index in count() if index not in taken)
    for index in islice(free, left - len(named)):
        name = f"not_told.probe_{index + 1}"
        yield Probe(id=name, label=name, index=index)
