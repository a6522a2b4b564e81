"""How the text report says things: words and numbers, and what is not ours."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django_probe.results import NON_BLOCKING, Counts, ErrorDetail, Outcome, ProbeResult
from django_probe.sanitizing import clean, one_line
from django_probe.telling import left_behind

__all__ = [
    "WORDS",
    "clock",
    "count",
    "counted",
    "foreign",
    "is_bad",
    "joined",
    "needs_a_look",
    "seconds",
    "short",
    "told",
]

FOREIGN = " " * 6
"""What stands before each line of foreign text; no line of ours is indented as far."""

WORDS = {outcome: outcome.value.replace("_", " ") for outcome in Outcome}
_NOUNS = {
    Outcome.UNEXPECTED_SUCCESS: ("unexpected success", "unexpected successes"),
    Outcome.EXPECTED_FAILURE: ("expected failure", "expected failures"),
}
_DAY = 86_400
# What a terminal draws in no column, or in a place of its own: a name must not hide behind it.
_UNSEEN = re.compile("[\u200b-\u200f\u2028\u2029\u2060-\u2064\ue000-\uf8ff]")


def is_bad(result: ProbeResult) -> bool:
    """Return whether a result has to be explained."""
    return result.blocking or result.outcome not in NON_BLOCKING


def needs_a_look(result: ProbeResult) -> bool:
    """Return whether a result is worth a line, though it may not block.

    What a probe left behind at an earlier try is there, however often it passed since.
    """
    return is_bad(result) or result.flaky or bool(result.attempts and left_behind(result))


def told(error: ErrorDetail, outcome: Outcome) -> str:
    """Return an error in a line or two: its class is named where the message needs it."""
    if outcome is not Outcome.ERRORED:
        return error.message or error.exception_class_path
    kind = error.exception_class_path.rpartition(".")[2]
    return f"{kind}: {error.message}" if error.message else kind


def seconds(value: float) -> str:
    """Return a duration in seconds for a person: ``0.012 s``, ``12.3 s``, ``2 min 05 s``."""
    if not 0 <= value < 10 * _DAY:
        return f"{value:g} s"
    if value < 9.9995:
        return f"{value:.3f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def clock(value: float) -> str:
    """Return a duration that still grows: ``45 s``, ``2 min 05 s``."""
    return f"{int(value)} s" if value < 60 else seconds(int(value))


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 probe``, ``2 probes``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def counted(outcomes: Counts) -> str:
    """Return counts in words, worst first: ``2 failed, 1 skipped, 10 passed``."""
    return joined(
        count(outcomes.of(kind), *_NOUNS.get(kind, (WORDS[kind],) * 2))
        for kind in Outcome
        if outcomes.of(kind)
    )


def joined(parts: Iterable[str]) -> str:
    """Return what there is of the parts, as a list."""
    return ", ".join(filter(None, parts))


def short(text: str, limit: int = 160) -> str:
    """Return foreign text as a part of one line of ours: cleaned, folded, cut to characters."""
    if not text:
        return text
    if text.replace(".", "_").isidentifier() and len(text) <= limit:
        return text  # As nearly all labels are.
    text = _UNSEEN.sub("", one_line(clean(text)))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def foreign(text: str) -> str:
    """Return foreign text as lines that nobody can take for ours: each is indented."""
    lines = clean(text).rstrip("\n").split("\n")
    return "".join(f"{FOREIGN}{line}".rstrip() + "\n" for line in lines)
