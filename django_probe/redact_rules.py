"""``PROBE_REDACT``: what a project knows to be secret, checked before anything runs.

Values are never quoted in a fault: they are what must not be shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from django_probe.exceptions import ConfigurationError, kind_of
from django_probe.runaway import may_run_away

__all__ = ["checked", "compiled"]

KEYS = ("NAMES", "VALUES", "PATTERNS")
SHORTEST_NAME = 3
"""Characters of a name: a shorter one is a part of too many others."""
SHORTEST_VALUE = 4
"""Characters of a value: a shorter one stands in too many texts by chance."""


def checked(value: object) -> Mapping[str, Any]:
    """Return the setting as it is, if it is as it should be.

    Raises:
        ConfigurationError: a wrong type or key, a name or value that is too short, a
            pattern that cannot be compiled, finds empty text or may take for ever.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"PROBE_REDACT is {kind_of(value)}, expected a dict with {', '.join(KEYS)}."
        )
    unknown = sorted(repr(key) for key in value if key not in KEYS)
    if unknown:
        raise ConfigurationError(
            f"PROBE_REDACT has the unknown key {unknown[0]}, expected {', '.join(KEYS)}."
        )
    for key, check in _CHECKS.items():
        for place, item in _items(key, value.get(key, ())):
            check(place, item)
    return value


def compiled(rules: Mapping[str, Any]) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of a checked setting."""
    for pattern in rules.get("PATTERNS", ()):
        yield re.compile(pattern)


def _items(key: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield (where it stands, item); a lone string would be taken letter by letter."""
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ConfigurationError(f"PROBE_REDACT[{key!r}] is {kind_of(value)}, expected a list.")
    for number, item in enumerate(value):
        yield f"PROBE_REDACT[{key!r}][{number}]", item


def _check_name(place: str, item: object) -> None:
    if not isinstance(item, str) or len(item.strip()) < SHORTEST_NAME:
        raise ConfigurationError(
            f"{place} is {item!r}, expected a part of a name, {SHORTEST_NAME} characters or more."
        )


def _check_value(place: str, item: object) -> None:
    if not isinstance(item, str):
        raise ConfigurationError(f"{place} is {kind_of(item)}, expected a string.")
    if 0 < len(item) < SHORTEST_VALUE:
        raise ConfigurationError(
            f"{place} has {len(item)} characters, expected {SHORTEST_VALUE} or more: text that is"
            " so short stands everywhere by chance."
        )


def _check_pattern(place: str, item: object) -> None:
    try:
        pattern = re.compile(cast("str | re.Pattern[str]", item))
    except (re.error, TypeError, ValueError, RecursionError, OverflowError) as exc:
        raise ConfigurationError(
            f"{place} is {_shown(item)}, which is no regular expression: {exc}."
        ) from exc
    if not isinstance(pattern.pattern, str):
        raise ConfigurationError(f"{place} is {_shown(item)}, expected a pattern of text.")
    if pattern.match("") is not None:
        raise ConfigurationError(
            f"{place} is {_shown(item)}, which finds empty text: let it ask for a character."
        )
    if may_run_away(pattern):
        raise ConfigurationError(
            f"{place} is {_shown(item)}, which may take for ever: it repeats what holds a"
            " repetition or a choice, as in (a+)+ or (a|ab)*. Take one of the two away."
        )


def _shown(item: object) -> str:
    text = repr(item.pattern if isinstance(item, re.Pattern) else item)
    return text if len(text) <= 200 else f"{text[:199]}…"


_CHECKS: Mapping[str, Callable[[str, object], None]] = {
    "NAMES": _check_name,
    "VALUES": _check_value,
    "PATTERNS": _check_pattern,
}
