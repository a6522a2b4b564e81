"""Foreign text in Markdown: as code, in which nothing is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django_probe.events import RunStarted, TargetStarted
from django_probe.reporters._text_words import counted, joined, short
from django_probe.reporting import served_by
from django_probe.results import Counts, Summary
from django_probe.sanitizing import clean

__all__ = ["by_target", "code", "fenced", "tail"]

ENTRY = 6_000
"""Characters of a traceback or an output that are shown: its end."""

# What Markdown, HTML, GitHub's formulas and emoji are made of. Mentions are none within code.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>&|~$#@!^\":]")
_FENCE = re.compile("`{3,}")


def code(text: str) -> str:
    """Return text as code on one line, wherever Markdown or HTML may stand."""
    told = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", short(text, 300))
    return f"<code>{told}</code>"


def fenced(text: str) -> str:
    """Return text as a block of code with a fence that it cannot end."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(text))])
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def tail(text: str) -> str:
    """Return the end of a text, where a traceback tells most.

    It is clean anew: a cut can begin a line with what was harmless in the middle of one.
    """
    return text if len(text) <= ENTRY else clean(f"[cut]\n{text[-ENTRY:]}")


def by_target(
    summary: Summary, run: RunStarted, begun: Mapping[str, TargetStarted]
) -> Iterator[str]:
    """Yield the table of what came of each target, where there is more than one."""
    if len(run.targets) < 2:
        return
    yield "| target | release | blocking | results |\n|---|---|---|---|\n"
    for target in run.targets:
        counts = summary.by_target.get(target, Counts())
        failed = "could not be asked to the end" if target in summary.failed_targets else ""
        told = joined((failed, counted(counts))) or "no result"
        release, _ = served_by(run, begun, target)
        cells = (code(target), release and code(release), f"{counts.blocking}", told)
        yield f"| {' | '.join(cells)} |\n"
    yield "\n"
