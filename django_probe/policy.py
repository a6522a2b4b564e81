"""What blocks a deploy, and what is tried again: decided here, for every executor."""

from __future__ import annotations

from collections.abc import Iterable

from django_probe.results import NON_BLOCKING, Outcome, Probe, Retry
from django_probe.run_config import RunConfig

__all__ = ["blocks", "is_tried_again", "retry_of"]

TRIED_AGAIN = frozenset({Outcome.FAILED, Outcome.ERRORED, Outcome.TIMED_OUT})
"""The outcomes that another try may change."""


def blocks(config: RunConfig, probe: Probe, outcome: Outcome, *, flaky: bool = False) -> bool:
    """Return whether an outcome stops the deploy.

    Args:
        flaky: whether it was not reached at the first try.
    """
    if outcome in NON_BLOCKING and not (flaky and config.fail_on_flaky):
        return False
    if probe.quarantine_holds:
        return False
    return config.strict or probe.severity != "warning"


def is_tried_again(
    config: RunConfig, probe: Probe, outcome: Outcome, raised: Iterable[Iterable[str]]
) -> bool:
    """Return whether a probe with this outcome has another try coming.

    Args:
        raised: for each exception, the dotted paths of its class and of all its bases.
    """
    if outcome not in TRIED_AGAIN:
        return False
    retry = retry_of(config, probe)
    if retry.times <= config.tries:
        return False
    if not retry.only_on:
        return True
    wanted = [not set(retry.only_on).isdisjoint(kinds) for kinds in raised]
    return bool(wanted) and all(wanted)


def retry_of(config: RunConfig, probe: Probe) -> Retry:
    """Return how often a probe is tried again, and after which delay, nothing left open."""
    mark = probe.retry or Retry(times=config.retries)
    delay = config.retry_delay if mark.delay is None else mark.delay
    return Retry(times=mark.times, delay=delay, only_on=mark.only_on)
