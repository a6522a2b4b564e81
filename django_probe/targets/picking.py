"""What ``--target`` picks of the aliases there are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from django_probe.exceptions import UnknownTarget

__all__ = ["NAMED", "entry_of", "matches", "picked"]

_REPLICA = re.compile(r"(.+)-[\d*?]+")

NAMED = 12
"""Targets that an error names."""


def picked(aliases: Sequence[str], patterns: Sequence[str]) -> Sequence[str]:
    """Return the aliases that patterns pick, in the order of the setting; all without any."""
    for pattern in patterns:
        if not any(fnmatchcase(alias, pattern) for alias in aliases):
            raise UnknownTarget(_unknown(pattern, aliases))
    return [alias for alias in aliases if matches(alias, patterns)] if patterns else aliases


def matches(alias: str, patterns: Sequence[str]) -> bool:
    """Return whether one of these patterns picks an alias."""
    return any(fnmatchcase(alias, pattern) for pattern in patterns)


def entry_of(pattern: str, aliases: Sequence[str]) -> str:
    """Return a pattern that picks the entries which replicas are of: ``web`` for ``web-2``."""
    replica = _REPLICA.fullmatch(pattern)
    is_there = any(fnmatchcase(alias, pattern) for alias in aliases)
    return pattern if replica is None or is_there or replica[1] not in aliases else replica[1]


def _unknown(pattern: str, aliases: Sequence[str]) -> str:
    near = difflib.get_close_matches(pattern, aliases, n=1)
    more = f", … ({len(aliases)} in all)" if len(aliases) > NAMED else ""
    there = f"there are {', '.join(aliases[:NAMED])}{more}"
    what = "matches no target" if set(pattern) & set("*?[") else "is no target"
    hint = f"did you mean {near[0]!r}? {there[0].upper()}{there[1:]}" if near else there
    return f"--target {pattern!r} {what}: {hint}."
