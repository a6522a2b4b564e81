"""The last lines of the text report: what came of each target, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from signal import Signals

from django_probe.events import RunStarted
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import count, counted, joined, seconds, short
from django_probe.results import Counts, Outcome, Summary

__all__ = ["by_target", "verdict"]


def by_target(summary: Summary, look: Look) -> Iterator[str]:
    """Yield what came of each target, where there is more than one."""
    if len(look.targets) < 2:
        return
    yield f"\n{look.paint('bold', 'Targets:')}\n"
    for target in look.targets:
        counts = summary.by_target.get(target, Counts())
        failed = "could not be asked to the end" if target in summary.failed_targets else ""
        told = joined((failed, counted(counts))) or "no result"
        blocks = f" ({counts.blocking} blocking)" if counts.blocking else ""
        yield f"  - {look.target(target)}: {told}{blocks}\n"


def verdict(summary: Summary, run: RunStarted, look: Look, soft: int) -> Iterator[str]:
    """Yield the verdict; ``soft`` is how many results are not ok, but do not block."""
    style = "good" if summary.ok and not summary.reporter_errors else "bad"
    yield f"\n{look.paint(style, f'{_title(summary)}: {_asked(summary)}')}\n"
    if soft:
        yield look.paint("warn", f"{count(soft, 'of these does', 'of these do')} not block") + "\n"
    if not summary.counts.ran:
        yield "Nothing ran is not success: no probe has said that this deployment works.\n"
    if facts := " · ".join(_facts(run, look)):
        yield f"{facts}\n"
    for line in summary.reporter_errors:
        yield f"lost: {short(line, 1000)}\n"
    if summary.exit_code:
        yield look.paint(style, f"exit {summary.exit_code}: {_meaning(summary, look)}") + "\n"


def _title(summary: Summary) -> str:
    if summary.interrupted is not None:
        return "INTERRUPTED"
    if not summary.counts.ran:
        return "NOTHING RAN"
    if not summary.ok:
        return "NOT OK"
    return "OK, but a report is lost" if summary.reporter_errors else "OK"


def _asked(summary: Summary) -> str:
    counts, took = summary.counts, seconds(summary.duration)
    if not counts.total:
        return f"no probes, in {took}"
    if counts.total == counts.of(Outcome.PASSED):
        return f"{count(counts.total, 'probe')} passed in {took}"
    return f"{count(counts.total, 'probe')} in {took}: {counted(counts)}"


def _facts(run: RunStarted, look: Look) -> Iterator[str]:
    if run.release:
        yield f"release {short(run.release)}"
    if any(look.named_targets):
        yield f"{'target' if len(look.targets) == 1 else 'targets'} {joined(look.named_targets)}"
    if run.seed is not None:
        yield f"shuffled: --shuffle {run.seed} repeats this order"


def _meaning(summary: Summary, look: Look) -> str:
    if summary.interrupted is not None:
        return f"interrupted ({_signal(summary.interrupted)})"
    idle = " (those not run included)" if summary.counts.of(Outcome.NOT_RUN) else ""
    blocking, fixtures = summary.counts.blocking, summary.fixture_errors
    names = [name for name in map(look.target, summary.failed_targets) if name]
    faults = joined(
        (
            count(blocking, "probe blocks", "probes block") + idle if blocking else "",
            count(fixtures, "fixture failed", "fixtures failed") if fixtures else "",
            f"could not ask to the end: {joined(names)}" if names else "",
            "the run broke off" if summary.failed_targets and not names else "",
            "" if summary.counts.ran else "nothing ran",
            "a report could not be written" if summary.reporter_errors else "",
        )
    )
    return faults or "not ok"


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
