"""What ``--list`` prints, and what a run says that found nothing."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

from django_probe.batching import is_for
from django_probe.marks import is_only_on_used
from django_probe.plan import Plan
from django_probe.results import Probe
from django_probe.selection import Selection

__all__ = ["nothing_ran", "on_no_target", "probes", "problems"]

NAMED = 5
"""Probes, or targets, that a line names."""


def probes(
    described: Sequence[Probe], format: str, where: Mapping[int, Sequence[str]]
) -> Iterator[str]:
    """Yield the lines that name what would run.

    Args:
        format: ``text``, labels; or ``json``, one list of records.
        where: by index: the targets that have a name, and a probe.
    """
    targets = {alias for aliases in where.values() for alias in aliases}
    if format == "text":
        for probe in described:
            some = where.get(probe.index, ())
            yield f"{probe.label}{_marks(probe, some if len(some) < len(targets) else ())}\n"
        return
    records = [
        {**asdict(probe), **({"targets": where.get(probe.index, ())} if targets else {})}
        for probe in described
    ]
    yield json.dumps(records, indent=2) + "\n"


def on_no_target(plan: Plan, aliases: Sequence[str]) -> Iterator[str]:
    """Yield a line that names the probes of a plan that ``@only_on`` keeps from every target."""
    if not is_only_on_used():
        return
    left = [
        f"{entry.label} ({', '.join(entry.marks.only_on)})"
        for entry in plan.entries
        if not any(is_for(entry, alias) for alias in aliases)
    ]
    if not left:
        return
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    asked = f"{', '.join(aliases[:NAMED])}{', …' if len(aliases) > NAMED else ''}"
    yield f"Asked on no target, by @only_on: {', '.join(left[:NAMED])}{more}; asked are: {asked}."


def _marks(probe: Probe, targets: Sequence[str]) -> str:
    """Return what is particular about a probe, behind its label."""
    marks = [f"on {', '.join(targets)}"] if targets else []
    marks += [] if probe.severity == "error" else [probe.severity]
    if probe.quarantine:
        word = "quarantined" if probe.quarantine_holds else "quarantine"
        marks.append(f"{word} {probe.quarantine}")
    return f"  ({', '.join(marks)})" if marks else ""


def problems(plan: Plan) -> Iterator[str]:
    """Yield a line for each entry of a plan that has its result without a run."""
    for entry in plan.entries:
        problem = entry.problem
        if problem is None:
            continue
        error = problem.error
        what = f"{error.exception_class_path}: {error.message}" if error else problem.reason
        yield f"{entry.label} would be {problem.outcome}: {' '.join(what.split())}"


def nothing_ran(selection: Selection, total: int, build: Callable[[Selection], Plan]) -> str:
    """Return what to say when no probe ran: that is never a success.

    Args:
        total: how many probes have a result all the same: they were skipped.
        build: makes the plan of a selection, to see what there would be.
    """
    if total:
        return f"Nothing ran: {'the one probe was' if total == 1 else f'all {total} were'} skipped."
    everything = build(Selection(labels=selection.labels)).entries
    if not everything and selection.labels:
        return f"Nothing ran: there is no probe in {', '.join(selection.labels)}."
    if not everything:
        return "Nothing ran: no installed app has a probe. Write one in an app's probes.py."
    of_labels = f" of {', '.join(selection.labels)}" if selection.labels else ""
    there = sorted({tag for entry in everything for tag in entry.marks.tags})
    if selection.tags and not selection.tags.intersection(there):
        return f"Nothing ran: no probe{of_labels} has {_tags(selection.tags, there)}"
    return _none_matches(len(everything), of_labels, " ".join(_filters(selection)))


def _none_matches(number: int, of_labels: str, asked: str) -> str:
    """Return why none of so many probes ran: by the filters, or by ``@only_on``."""
    if not asked:
        what = "the one probe" if number == 1 else f"any of the {number} probes"
        return f"Nothing ran: no target that is asked has {what}{of_labels}."
    none = f"none of the {number} probes{of_labels} matches"
    if number == 1:
        none = f"the one probe{of_labels} does not match"
    return f"Nothing ran: {none} {asked}; --list without it shows what there is."


def _filters(selection: Selection) -> Iterator[str]:
    yield from (f"--tag {tag}" for tag in sorted(selection.tags))
    yield from (f"--exclude-tag {tag}" for tag in sorted(selection.exclude_tags))
    yield from (f"-k {shlex.quote(pattern)}" for pattern in selection.patterns)


def _tags(asked: frozenset[str], there: list[str]) -> str:
    named = " or ".join(repr(tag) for tag in sorted(asked))
    if not there:
        return f"the tag {named}, or any other tag."
    near = [*difflib.get_close_matches(min(asked), there, n=1)]
    if near:
        return f"the tag {named}: did you mean {near[0]!r}?"
    return f"the tag {named}: there are {', '.join(there[:12])}{', …' if len(there) > 12 else ''}."
