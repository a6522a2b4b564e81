"""OPTIONS of targets: checks that they share, plain data, references to the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django_probe.exceptions import ConfigurationError, kind_of

__all__ = ["COMMON", "check_plain", "check_seconds", "check_texts", "missing", "resolved"]

_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)\Z")
_DEEPEST = 20
"""Levels of plain data: more are a circle."""


def check_seconds(where: str, value: object) -> None:
    """Refuse what is no number of seconds.

    Raises:
        ConfigurationError: no number, or not greater than 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise ConfigurationError(
            f"{where} is {value!r}, expected a number of seconds greater than 0."
        )


def check_texts(where: str, value: object) -> None:
    """Refuse what is no list of texts.

    Raises:
        ConfigurationError: something else, or one of them empty.
    """
    is_list = isinstance(value, (list, tuple, set, frozenset))
    if not is_list or not all(isinstance(item, str) and item for item in value):  # type: ignore[attr-defined]
        raise ConfigurationError(f"{where} is {value!r}, expected a list of texts.")


def check_plain(where: str, value: object, depth: int = 0) -> None:
    """Refuse what is no plain data: None, numbers, texts, and lists and dicts of these.

    Raises:
        ConfigurationError: there is something else in it; its value is not shown.
    """
    if value is None or isinstance(value, (str, int, float)):
        return
    if depth > _DEEPEST:
        raise ConfigurationError(f"{where} is nested too deeply, or in a circle.")
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str):
                raise ConfigurationError(f"{where} has the key {name!r}, expected texts as keys.")
            check_plain(f"{where}[{name!r}]", item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            check_plain(f"{where}[{number}]", item, depth + 1)
    else:
        raise ConfigurationError(
            f"{where} is {kind_of(value)}, expected plain data: None, numbers, texts, and"
            " lists and dicts of these."
        )


def missing(value: object) -> Iterator[str]:
    """Yield the names that references in OPTIONS have, and the environment has not."""
    for name in _references(value, _DEEPEST):
        if name not in os.environ:
            yield name


def resolved(where: str, value: Any, secrets: set[str]) -> Any:
    """Return a value with what stands in the environment in the place of each ``env:NAME``.

    Args:
        secrets: takes what was found there: such values get into no report.

    Raises:
        ConfigurationError: the environment has no such variable.
    """
    if isinstance(value, Mapping):
        return {name: resolved(f"{where}[{name!r}]", item, secrets) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(f"{where}[{n}]", item, secrets) for n, item in enumerate(value)]
    reference = _REFERENCE.match(value) if isinstance(value, str) else None
    if reference is None:
        return value
    found = os.environ.get(reference[1])
    if found is None:
        raise ConfigurationError(
            f"The environment has no {reference[1]}, expected what {where} refers to: set it."
        )
    secrets.add(found)
    return found


def _references(value: object, levels: int) -> Iterator[str]:
    if isinstance(value, str) and (reference := _REFERENCE.match(value)):
        yield reference[1]
    if levels and isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _references(item, levels - 1)


COMMON = {"timeout": check_seconds, "deadline": check_seconds, "tags": check_texts}
"""What every target takes: seconds a probe and the whole target may take, tags of its probes."""
