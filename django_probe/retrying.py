"""Retries, for every executor: what failed is tried again when all others are through.

An executor marks a result that has another try coming (``ProbeResult.again``;
``policy`` decides, where the exception is at hand). Such a result is held back.
When the executor has told all others, and after a delay, it runs those probes
once more; the earlier tries go into the last result.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django_probe.batching import reduced
from django_probe.deadline import Deadline
from django_probe.events import Event, ProbeFinished, ProbeStarted
from django_probe.executors.base import Executor
from django_probe.plan import Batch
from django_probe.policy import blocks, retry_of
from django_probe.results import Outcome, ProbeResult
from django_probe.run_config import RunConfig

__all__ = ["execute"]

LONGEST_DELAY = 60.0
"""Seconds; delays double up to here."""


def execute(
    executor: Executor, batches: Sequence[Batch], target: str, deadline: Deadline
) -> Iterator[Event]:
    """Yield what an executor tells, each result after its last try."""
    stage = _Stage(executor, target, deadline)
    try:
        yield from stage.first(batches)
        while stage.may_go_on():
            yield from stage.again(batches)
    except Exception:
        yield from stage.release()
        raise
    finally:
        executor.config = stage.config
    yield from stage.release()


class _Stage:
    """Hold back the results that have another try coming."""

    def __init__(self, executor: Executor, target: str, deadline: Deadline) -> None:
        self.config = executor.config
        self._executor = executor
        self._target = target
        self._deadline = deadline
        self._held: dict[int, ProbeResult] = {}
        self._stopped = False

    def first(self, batches: Sequence[Batch]) -> Iterator[Event]:
        """Yield what comes of the first try of all."""
        for event in self._executor.execute(batches, self._target, self._deadline):
            if type(event) is ProbeFinished:
                result = event.result
                if result.again:
                    self._held[result.probe.index] = result
                    continue
                self._stopped = self._stopped or result.blocking
            yield event

    def may_go_on(self) -> bool:
        """Wait until the next try is due; return whether there is one."""
        config, deadline = self._executor.config, self._deadline
        if not self._held or (self._stopped and config.failfast):
            return False
        wait = _jittered(config, self._held.values())
        left = deadline.remaining()
        if left is not None and wait >= left:
            return False
        self._executor.config = replace(config, tries=config.tries + 1)
        return deadline.pause(wait)

    def again(self, batches: Sequence[Batch]) -> Iterator[Event]:
        """Yield what comes of one more try; each of its probes has started long ago."""
        asked = self._held
        parts = reduced(batches, lambda entry: entry.index in asked)
        for event in self._executor.execute(parts, self._target, self._deadline):
            told = self._decided(event.result) if type(event) is ProbeFinished else event
            if told is not None and type(told) is not ProbeStarted:
                yield told

    def release(self) -> Iterator[Event]:
        """Yield the results that were held back for a try that does not come."""
        for result in self._held.values():
            yield ProbeFinished(result=self._final(result))
        self._held = {}

    def _decided(self, result: ProbeResult) -> ProbeFinished | None:
        """Return a result with those before it, None where another try comes."""
        before = self._held[result.probe.index]
        if result.outcome is not Outcome.NOT_RUN:
            result = self._after(before, result)
            if result.again:
                self._held[result.probe.index] = result
                return None
            if result.flaky:
                blocking = blocks(self.config, result.probe, result.outcome, flaky=True)
                result = replace(result, blocking=blocking)
        else:
            result = self._final(before)
        del self._held[result.probe.index]
        self._stopped = self._stopped or result.blocking
        return ProbeFinished(result=result)

    def _after(self, before: ProbeResult, result: ProbeResult) -> ProbeResult:
        """Return a result that has the tries before it."""
        attempts = (*before.attempts, replace(self._final(before), attempts=()))
        return replace(result, attempts=attempts, flaky=result.outcome is Outcome.PASSED)

    def _final(self, result: ProbeResult) -> ProbeResult:
        blocking = blocks(self.config, result.probe, result.outcome)
        return replace(result, again=False, blocking=blocking)


def _jittered(config: RunConfig, held: Iterable[ProbeResult]) -> float:
    """Return the seconds until the next try of all: exponential back-off with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    delay = max(retry_of(config, result.probe).delay or 0.0 for result in held)
    return random.uniform(0.0, min(LONGEST_DELAY, delay * 2**config.tries))  # noqa: S311
