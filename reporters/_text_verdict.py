"""The last lines of the text report: what came of each target, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from django_probe.events import RunStarted
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import count, counted, joined, short
from django_probe.reporters._verdict import asked, meaning, title
from django_probe.results import Counts, Summary

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
    yield f"\n{look.paint(style, f'{title(summary)}: {asked(summary)}')}\n"
    if soft:
        yield look.paint("warn", f"{count(soft, 'of these does', 'of these do')} not block") + "\n"
    if not summary.counts.ran and not summary.ok:
        yield "Nothing ran is not success: no probe has said that this deployment works.\n"
    if facts := " · ".join(_facts(run, look)):
        yield f"{facts}\n"
    for line in summary.reporter_errors:
        yield f"lost: {short(line, 1000)}\n"
    if summary.exit_code:
        what = meaning(summary, map(look.target, summary.failed_targets))
        yield look.paint(style, f"exit {summary.exit_code}: {what}") + "\n"


def _facts(run: RunStarted, look: Look) -> Iterator[str]:
    if run.release:
        yield f"release {short(run.release)}"
    if any(look.named_targets):
        yield f"{'target' if len(look.targets) == 1 else 'targets'} {joined(look.named_targets)}"
    if run.seed is not None:
        yield f"shuffled: --shuffle {run.seed} repeats this order"
