"""``PROBE_TARGETS``: which targets there are, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from django_probe.exceptions import ConfigurationError, kind_of
from django_probe.setting_entries import check_alias, check_backend, check_keys, check_options

__all__ = ["NAME", "Entries", "Targets", "called", "checked", "found"]

Entries = Mapping[str, Mapping[str, Any]]
"""Alias -> ``{"BACKEND": name or dotted path, "OPTIONS": {...}}``."""
Targets = Entries | Callable[[], Entries] | str
"""The setting: entries, or what returns them, itself or as a dotted path."""

NAME = "PROBE_TARGETS"


def checked(value: object) -> Targets:
    """Return the setting as it is, if it is as it should be; no function is called.

    Raises:
        ConfigurationError: neither a dict nor a function, or an entry that is faulty.
    """
    if callable(value) or (isinstance(value, str) and value):
        return cast("Targets", value)
    return _entries(NAME, value)


def found(value: Targets) -> Entries:
    """Return the entries; a function is called for them.

    Raises:
        ConfigurationError: it raises, or returns something else, or no target at all.
    """
    if isinstance(value, Mapping):
        return value
    entries = _entries(f"What {NAME} returned", called(NAME, value))
    if not entries:
        raise ConfigurationError(
            f"{NAME} returned no target, expected one at least: nothing can be asked."
        )
    return entries


def called(where: str, function: Callable[..., Any] | str, *arguments: object) -> Any:
    """Return what a function of a setting returns; it is given itself or as a dotted path.

    Raises:
        ConfigurationError: it cannot be imported or called, or raises.
    """
    if isinstance(function, str):
        function = _imported(where, function)
    try:
        return function(*arguments)
    except Exception as exc:
        raise ConfigurationError(
            f"{where} raised {type(exc).__name__}: {exc}: mend the function."
        ) from exc


def _imported(where: str, path: str) -> Callable[..., Any]:
    from django.utils.module_loading import import_string

    try:
        function = import_string(path)
    except (Exception, SystemExit) as exc:
        raise ConfigurationError(
            f"{where} is {path!r}, which cannot be imported: {type(exc).__name__}: {exc}."
        ) from exc
    if not callable(function):
        raise ConfigurationError(f"{where} is {path!r}, expected the dotted path of a function.")
    return cast("Callable[..., Any]", function)


def _entries(where: str, value: object) -> Entries:
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{where} is {kind_of(value)}, expected a dict of alias -> dict, or a function"
            " that returns one."
        )
    for alias, entry in value.items():
        place = f"{where}[{alias!r}]" if where == NAME else f"{where} for {alias!r}"
        check_alias(place, alias)
        check_backend(place, entry, "a target")
        check_keys(place, entry, {"BACKEND", "OPTIONS"})
        check_options(place, entry)
    return cast("Entries", value)
