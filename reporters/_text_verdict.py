"""The last lines of the text report: what came of each target, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from django_probe.events import RunStarted, TargetStarted
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import count, counted, joined, short
from django_probe.reporters._verdict import asked, meaning, title
from django_probe.reporting import served_by
from django_probe.results import Counts, Summary

__all__ = ["Begun", "by_target", "verdict"]

Begun = Mapping[str, TargetStarted]
"""By alias: what targets have said of themselves."""
MANY = 20
"""Targets, at most, that have a line each though they are ok."""


def by_target(summary: Summary, run: RunStarted, begun: Begun, look: Look) -> Iterator[str]:
    """Yield what came of each target, where there are several; of many, those that are not ok."""
    targets = look.targets
    if len(targets) < 2:
        return
    yield f"\n{look.paint('bold', 'Targets:')}\n"
    lost = set(summary.failed_targets)
    lines = [
        _target(target, summary, run, begun, look)
        for target in targets
        if len(targets) <= MANY or target in lost or not _is_ok(summary, target)
    ]
    yield from lines
    if ok := len(targets) - len(lines):
        yield f"  - {count(ok, 'more is', 'more are')} ok\n"


def _is_ok(summary: Summary, target: str) -> bool:
    counts = summary.by_target.get(target, Counts())
    return counts.ran > 0 and not counts.blocking


def _target(target: str, summary: Summary, run: RunStarted, begun: Begun, look: Look) -> str:
    counts = summary.by_target.get(target, Counts())
    failed = "could not be asked to the end" if target in summary.failed_targets else ""
    told = joined((failed, counted(counts))) or "no result"
    blocks = f" ({counts.blocking} blocking)" if counts.blocking else ""
    release, instance = served_by(run, begun, target)
    facts = [
        f" · release {short(release)}" if release and not run.release else "",
        f" · on {short(instance, 80)}" if instance and not run.instance else "",
    ]
    return f"  - {look.target(target)}: {told}{blocks}{''.join(facts)}\n"


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
        many = len(look.targets) > MANY
        names = joined(look.named_targets)
        yield f"{len(look.targets)} targets" if many else f"{_noun(look.targets)} {names}"
    if run.seed is not None:
        yield f"shuffled: --shuffle {run.seed} repeats this order"


def _noun(targets: Sequence[str]) -> str:
    return "target" if len(targets) == 1 else "targets"
