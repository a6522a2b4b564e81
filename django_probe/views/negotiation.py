"""In which format an answer is: ``format`` in the query, else the header ``Accept``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest

from django_probe.conf import settings
from django_probe.exceptions import UnknownReporter
from django_probe.formats import Format, available, find_format
from django_probe.views.refusing import Refusal

__all__ = ["choose", "guess"]

DEFAULT = "json"
VENDOR = "application/vnd.django-probe."

TYPES = {
    # In the order of our preference, for what is wanted equally.
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/xml": "junit",
    "text/xml": "junit",
    "text/plain": "text",
    "text/html": "html",
    "application/openmetrics-text": "openmetrics",
    "text/markdown": "markdown",
}
LONGEST = 2048


def choose(request: HttpRequest, name: str | None) -> Format:
    """Return the format of an answer.

    Args:
        name: what the query says.

    Raises:
        Refusal: 400 for a name that is none; 406 for an ``Accept`` that nothing meets.
    """
    known = _there()
    there = known.names
    if name is not None:
        if name not in there:
            raise Refusal(400, f"Unknown format {name[:80]!r}, expected one of {', '.join(there)}.")
        return _found(known, name)
    accepted = request.META.get("HTTP_ACCEPT", "")
    chosen = _accepted(accepted[:LONGEST], tuple(there))
    if chosen is None:
        types = ", ".join(kind for kind, format_name in TYPES.items() if format_name in there)
        raise Refusal(406, f"Nothing here is what Accept asks for, expected one of {types}.")
    return _found(known, chosen)


def guess(request: HttpRequest) -> str:
    """Return the name of the format for an error: whatever else is wrong with the request."""
    query: str = request.META.get("QUERY_STRING", "")[:LONGEST]
    for field in query.split("&"):
        if field.startswith("format="):
            return field[len("format=") :]
    names = tuple(dict.fromkeys([*TYPES.values(), "ctrf", "tap"]))
    return _accepted(request.META.get("HTTP_ACCEPT", "")[:LONGEST], names) or "text"


@lru_cache(maxsize=256)
def _accepted(accept: str, there: tuple[str, ...]) -> str | None:
    """Return the name of the format that a header wants most."""
    ranges = [_range(part) for part in (accept or "*/*").split(",") if part.strip()]
    best = (0.0, 0)
    chosen = None
    for kind, name in [*TYPES.items(), *((f"{VENDOR}{name}", name) for name in there)]:
        if name not in there:
            continue
        quality, place = _quality(kind, ranges)
        if quality > 0 and (quality, -place) > best:
            best, chosen = (quality, -place), name
    return chosen


def _range(part: str) -> tuple[str, float]:
    """Return the media range and the quality of one part of ``Accept``; 0.0 where it is broken."""
    kind, *parameters = (text.strip().lower() for text in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return kind, _number(value)
    return kind, 1.0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0


def _quality(kind: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return how much a type is wanted, and the place of what says so: the most specific range."""
    main = kind.partition("/")[0]
    for wanted in (kind, f"{main}/*", "*/*"):
        for place, (name, quality) in enumerate(ranges):
            # What nobody knows of is not meant by a wildcard.
            if name == wanted and (wanted == kind or not kind.startswith(VENDOR)):
                return quality, place
    return 0.0, 0


class _Known:
    """The formats that there are with some aliases: what is installed is looked at once."""

    def __init__(self, aliases: Mapping[str, Any]) -> None:
        self.aliases = dict(aliases)
        self.names = available(aliases)
        self.found: dict[str, Format] = {}


_known: list[_Known] = []


def _there() -> _Known:
    aliases = settings.reporters
    if not _known or _known[0].aliases != aliases:
        _known[:] = [_Known(aliases)]
    return _known[0]


def _found(known: _Known, name: str) -> Format:
    if name not in known.found:
        try:
            known.found[name] = find_format(name, known.aliases)
        except UnknownReporter as exc:
            raise Refusal(400, str(exc)) from exc
    return known.found[name]
