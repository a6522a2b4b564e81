"""What settings have in common that map an alias to a BACKEND and its OPTIONS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django_probe.exceptions import ConfigurationError

__all__ = ["check_alias", "check_backend", "check_keys", "check_options", "is_alias"]

_ALIAS = re.compile(r"[A-Za-z0-9_-]+\Z")


def is_alias(text: str) -> bool:
    """Return whether text can be an alias."""
    return _ALIAS.match(text) is not None


def check_alias(where: str, alias: object) -> None:
    """Refuse what is no alias.

    Raises:
        ConfigurationError: it holds other characters.
    """
    if not isinstance(alias, str) or not is_alias(alias):
        raise ConfigurationError(
            f"{where}: an alias is made of letters, digits, '_' and '-': rename it."
        )


def check_backend(where: str, entry: object, what: str) -> None:
    """Refuse an entry that names no class.

    Args:
        what: the class is of, in words.

    Raises:
        ConfigurationError: it is no dict, or has no BACKEND.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("BACKEND"), str):
        raise ConfigurationError(
            f"{where} is {entry!r}, expected a dict with BACKEND, the name or the"
            f" dotted path of {what}."
        )


def check_keys(where: str, entry: Mapping[Any, Any], known: set[str]) -> None:
    """Refuse keys that nobody reads.

    Raises:
        ConfigurationError: there is one.
    """
    unknown = sorted(map(repr, set(entry) - known))
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        raise ConfigurationError(f"{where} has the unknown key {unknown[0]}, expected {there}.")


def check_options(where: str, entry: Mapping[str, Any]) -> None:
    """Refuse OPTIONS that are no keyword arguments.

    Raises:
        ConfigurationError: they are not.
    """
    options = entry.get("OPTIONS", {})
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ConfigurationError(
            f"{where}['OPTIONS'] is {options!r}, expected a dict of option name -> value."
        )
