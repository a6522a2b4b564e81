"""Labels: how a person names probes, and what to say when nothing has that name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from django.apps import AppConfig

from django_probe.exceptions import UnknownLabel
from django_probe.plan import Planned

__all__ = ["apps_of", "select", "unknown_label"]

SHOWN = 12
"""How many names an error lists."""


def apps_of(label: str, configs: Iterable[AppConfig]) -> list[AppConfig]:
    """Return the apps that a label may speak of: by app label or by dotted name."""
    return [
        config
        for config in configs
        if any(f"{label}.".startswith(f"{name}.") for name in (config.label, config.name))
    ]


def select(
    entries: Sequence[Planned], labels: Sequence[str], configs: Sequence[AppConfig]
) -> list[Planned]:
    """Return the entries that any label names, each once, in the order of the plan.

    A label that finds nothing because a probe module of its app could not be
    loaded stands for that module: its error is the answer.

    Raises:
        UnknownLabel: a label finds nothing.
    """
    chosen: set[int] = set()
    for label in labels:
        found = [n for n, entry in enumerate(entries) if entry.is_named(label)]
        names = {config.label for config in apps_of(label, configs)}
        if not found and label not in names | {config.name for config in configs}:
            found = [
                n
                for n, entry in enumerate(entries)
                if entry.owner is None and entry.app_label in names
            ]
            if not found:
                known = [name for entry in entries for name in entry.labels]
                own = [name for name in known if name.partition(".")[0] in names]
                raise unknown_label(label, own or known, "probes")
        chosen.update(found)
    return [entry for n, entry in enumerate(entries) if n in chosen]


def unknown_label(label: str, known: Iterable[str], what: str) -> UnknownLabel:
    """Return the error for a label that names nothing: what there is, and what is near."""
    names = sorted(set(known))
    near = difflib.get_close_matches(label, names, n=3, cutoff=0.6)
    if near:
        return UnknownLabel(f"Unknown label {label!r}: did you mean {' or '.join(map(repr, near))}?")
    if not names:
        return UnknownLabel(f"Unknown label {label!r}: its app has no probes.")
    classes = sorted({name.rpartition(".")[0] or name for name in names})
    shown = ", ".join(classes[:SHOWN]) + (", …" if len(classes) > SHOWN else "")
    return UnknownLabel(f"Unknown label {label!r}: the {what} there are: {shown}.")
