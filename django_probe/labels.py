"""Labels: how a person names probes, and what to say when nothing has that name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from django.apps import AppConfig

from django_probe.exceptions import UnknownLabel

__all__ = [
    "PROBES",
    "apps_of",
    "holders",
    "is_probe_module",
    "roots",
    "short_name",
    "spellings",
    "unknown_label",
]

PROBES = "probes"
"""The name of an app's module or package of probes."""

SHOWN = 12
"""How many names an error lists."""


def roots(config: AppConfig) -> tuple[str, str]:
    """Return the two names of an app that labels begin with."""
    return config.label, config.name


def apps_of(label: str, configs: Iterable[AppConfig]) -> list[AppConfig]:
    """Return the apps that a label may speak of: by app label or by dotted name."""
    return [config for config in configs if _is_below(label, roots(config))]


def is_probe_module(config: AppConfig, module: str) -> bool:
    """Return whether a module is an app's ``probes``, or lies in it."""
    return _is_below(module, (f"{config.name}.{PROBES}",))


def short_name(config: AppConfig, module: str) -> str:
    """Return how reports name a module: ``shop.cart`` for ``shop.probes.cart``."""
    if not is_probe_module(config, module):
        return module
    return f"{config.label}{module.removeprefix(f'{config.name}.{PROBES}')}"


def spellings(config: AppConfig, module: str) -> set[str]:
    """Return the ways to write a probe module: ``shop.probes.cart`` is ``shop.cart`` too."""
    if not is_probe_module(config, module):
        return {module}
    inside = module.removeprefix(f"{config.name}.{PROBES}")
    return {f"{root}{middle}{inside}" for root in roots(config) for middle in (f".{PROBES}", "")}


def holders(names: Iterable[str], config: AppConfig) -> frozenset[str]:
    """Return the names, and those of all that holds them, up to the app."""
    found = set(names)
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return frozenset(name for name in found if name in names or _is_below(name, roots(config)))


def unknown_label(label: str, known: Sequence[str], listed: Sequence[str]) -> UnknownLabel:
    """Return the error for a label that names nothing: what is near, or else what there is.

    Args:
        known: all names that it may have meant.
        listed: the names to list when none is near.
    """
    near = _near(label, known)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif listed:
        more = ", …" if len(listed) > SHOWN else ""
        hint = f"expected a name as in {', '.join(listed[:SHOWN])}{more}."
    else:
        hint = "there is no probe that it could name."
    return UnknownLabel(f"Unknown label {label!r}: {hint}")


def _is_below(name: str, tops: Iterable[str]) -> bool:
    return any(f"{name}.".startswith(f"{top}.") for top in tops)


def _near(label: str, known: Sequence[str]) -> list[str]:
    """Return names like a label; paths and pytest's ``::`` are read as labels."""
    text = re.sub(r"\.py(?=$|[.:])", "", label).replace("::", ".").replace("/", ".").strip(".")
    folded = {name.casefold(): name for name in reversed(known)}
    if text.casefold() in folded:
        return [folded[text.casefold()]]
    ending = sorted((name for name in known if name.endswith(f".{text}")), key=len)
    if text and ending:
        return ending[:1]
    depth = text.count(".")
    alike = [name for name in known if name.count(".") == depth]
    return difflib.get_close_matches(text, alike, n=1) or difflib.get_close_matches(
        text, known, n=1
    )
