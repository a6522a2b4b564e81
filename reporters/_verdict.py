"""The verdict in words: the same in every format for people."""

from __future__ import annotations

from collections.abc import Iterable
from signal import Signals

from django_probe.reporters._text_words import count, counted, joined, seconds
from django_probe.results import Outcome, ProbeResult, Summary
from django_probe.telling import left_behind, message_of

__all__ = ["asked", "meaning", "said", "title"]


def title(summary: Summary) -> str:
    """Return the verdict: ``OK``, ``NOT OK``, or why there is none."""
    if summary.interrupted is not None:
        return "INTERRUPTED"
    if not summary.counts.ran:
        return "NOTHING RAN"
    if not summary.ok:
        return "NOT OK"
    return "OK, but a report is lost" if summary.reporter_errors else "OK"


def asked(summary: Summary) -> str:
    """Return how many probes there were, how long they took, and what came of them."""
    counts, took = summary.counts, seconds(summary.duration)
    if not counts.total:
        return f"no probes, in {took}"
    if counts.total == counts.of(Outcome.PASSED):
        return f"{count(counts.total, 'probe')} passed in {took}"
    return f"{count(counts.total, 'probe')} in {took}: {counted(counts)}"


def meaning(summary: Summary, names: Iterable[str]) -> str:
    """Return what is not ok; ``names`` are those of the failed targets that have one."""
    if summary.interrupted is not None:
        return f"interrupted ({_signal(summary.interrupted)})"
    idle = " (those not run included)" if summary.counts.of(Outcome.NOT_RUN) else ""
    blocking, fixtures = summary.counts.blocking, summary.fixture_errors
    told = joined(names)
    faults = joined(
        (
            count(blocking, "probe blocks", "probes block") + idle if blocking else "",
            count(fixtures, "fixture failed", "fixtures failed") if fixtures else "",
            f"could not ask to the end: {told}" if told else "",
            "the run broke off" if summary.failed_targets and not told else "",
            "" if summary.counts.ran else "nothing ran",
            "a report could not be written" if summary.reporter_errors else "",
        )
    )
    return faults or "not ok"


def said(result: ProbeResult) -> str:
    """Return what a result that is worth a look says in short."""
    flaky = result.flaky and result.outcome is Outcome.PASSED
    parts = (left_behind(result), "passed, but not at the first try")
    return ": ".join(filter(None, parts)) if flaky else message_of(result)


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
