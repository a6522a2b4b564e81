"""Lists at the end of the text report: what is alike, slow, flaky, left over, to run again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import count, joined, seconds, short
from django_probe.results import ProbeResult
from django_probe.telling import left_behind

__all__ = ["grouped", "not_run_ones", "passed_later", "rerun", "slowest"]

LABELS = 20
"""Labels that a command holds at most."""
FEW = 5
"""Probes that did not run and are named one by one."""


def grouped(results: Iterable[ProbeResult]) -> list[list[ProbeResult]]:
    """Return results in their order; those that say just the same stand together.

    A class fixture that fails gives each probe of the class the same words; a probe may fail
    in the same way on each target.
    """
    groups: dict[object, list[ProbeResult]] = {}
    for result in sorted(results, key=lambda item: item.blocking):
        groups.setdefault(_sameness(result), []).append(result)
    return list(groups.values())


def slowest(found: Iterable[tuple[float, str, str]], look: Look) -> Iterator[str]:
    """Yield the slowest probes."""
    for position, (duration, label, target) in enumerate(found):
        if position == 0:
            yield f"\n{look.paint('bold', 'Slowest:')}\n"
        yield f"  {seconds(duration):>9}  {look.name(label, target)}\n"


def passed_later(title: str, results: Sequence[ProbeResult], look: Look) -> Iterator[str]:
    """Yield the probes that passed, but not at once."""
    if results:
        yield f"\n{look.paint('warn', title)} (passed, but not at the first try):\n"
    for result in results:
        error = result.attempts[0].error if result.attempts else None
        tries = count(len(result.attempts) + 1, "try", "tries")
        said = f"; the first said {short(error.message)}" if error else ""
        yield f"  - {look.name(result.probe.label, result.target)}: {tries}{said}\n"
        if left := left_behind(result):
            errors = [error for one in result.attempts for error in one.cleanup_errors]
            words = look.paint("warn", f"{left.capitalize()}:")
            yield f"    {words} {short(joined(error.message for error in errors), 300)}\n"


def not_run_ones(groups: Mapping[str, Sequence[tuple[str, str]]], look: Look) -> Iterator[str]:
    """Yield the (label, target) of probes that never got their turn, by reason.

    Many are told by class; the stream of -v 2 names each.
    """
    for reason, names in groups.items():
        words = f"NOT RUN: {count(len(names), 'probe')}"
        yield f"\n{look.paint('bad', f'✗ {words}')} ({short(reason, 300) or 'nobody said why'})\n"
        shown = [look.name(*name) for name in names]
        if look.verbosity < 2 and len(names) > FEW:
            classes = Counter((label.rpartition(".")[0], target) for label, target in names)
            shown = [f"{number} of {look.name(*name)}" for name, number in classes.items()]
        yield from (f"  - {name}\n" for name in shown)


def rerun(labels: Iterable[str], whole: Collection[str], command: str, again: str) -> Iterator[str]:
    """Yield the command that runs again what failed, and nothing else.

    Where it would be too long, a class that failed as a whole stands for its
    probes; where it still is, it is cut and says so.

    Args:
        labels: of the probes that failed.
        whole: the classes of which no probe is ok.
        command: what runs probes, before their labels.
        again: the command that runs all of it again.
    """
    asked = list(dict.fromkeys(labels))
    if len(asked) > LABELS:
        owners = {label: label.rpartition(".")[0] for label in asked}
        asked = list(dict.fromkeys(owners[lab] if owners[lab] in whole else lab for lab in asked))
    if asked:
        told = " ".join(shlex.quote(short(label, 4000)) for label in asked[:LABELS])
        yield f"\nRun again what failed:\n  {command} {told}\n"
    if len(asked) > LABELS:
        yield f"  … and {len(asked) - LABELS} more; all of it again:\n  {again}\n"


def _sameness(result: ProbeResult) -> object:
    error = result.error
    own = result.subtests or result.cleanup_errors or result.attempts
    if error is None or own or result.stdout or result.stderr:
        return id(result)
    kind = (result.blocking, result.outcome, result.probe.quarantine)
    # With a traceback only one probe says the same, on several targets.
    one = (result.probe.id, error.traceback) if error.traceback else result.target
    return (*kind, one, error.exception_class_path, error.message)
