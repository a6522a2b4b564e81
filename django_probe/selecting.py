"""What a selection leaves of all entries, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from django.apps import AppConfig

from django_probe.exceptions import UnknownLabel
from django_probe.labels import apps_of, roots, unknown_label
from django_probe.plan import Planned
from django_probe.selection import Selection

__all__ = ["select"]


def select(
    entries: Sequence[Planned], selection: Selection, configs: Sequence[AppConfig]
) -> list[Planned]:
    """Return the entries that a selection picks, each once.

    Args:
        configs: the apps that the entries are of.

    Raises:
        UnknownLabel: a label names nothing that there is.
    """
    chosen = list(entries)
    if selection.labels:
        chosen = _labelled(entries, selection.labels, configs)
    if selection.tags or selection.exclude_tags or selection.patterns:
        chosen = [entry for entry in chosen if _is_wanted(entry, selection)]
    return chosen if selection.seed is None else _shuffled(chosen, selection.seed)


def _labelled(
    entries: Sequence[Planned], labels: Sequence[str], configs: Sequence[AppConfig]
) -> list[Planned]:
    """Return the entries that any label names, in their order.

    A label that finds nothing because a probe module of its app could not be
    loaded stands for that module: its error is the answer.
    """
    asked = set(labels)
    found: set[str] = {name for config in configs for name in roots(config)}
    chosen = set()
    for place, entry in enumerate(entries):
        hits = asked.intersection(entry.held_by).union(asked.intersection(entry.names))
        if hits:
            found |= hits
            chosen.add(place)
    for label in labels:
        if label not in found:
            chosen |= _unloaded(label, entries, configs)
    return [entry for place, entry in enumerate(entries) if place in chosen]


def _unloaded(label: str, entries: Sequence[Planned], configs: Sequence[AppConfig]) -> set[int]:
    """Return the places of what could not be loaded and may have held a label.

    Raises:
        UnknownLabel: there is no such thing.
    """
    own = {config.label for config in apps_of(label, configs)}
    places = {
        place
        for place, entry in enumerate(entries)
        if entry.owner is None and entry.app_label in own
    }
    if not places:
        raise _unknown(label, [entry for entry in entries if not own or entry.app_label in own])
    return places


def _unknown(label: str, entries: Sequence[Planned]) -> UnknownLabel:
    classes = dict.fromkeys(entry.label.rpartition(".")[0] for entry in entries)
    holders = sorted({name for entry in entries for name in entry.held_by})
    labels = dict.fromkeys(name for entry in entries for name in (entry.label, entry.id))
    return unknown_label(label, [*classes, *holders, *labels], list(classes))


def _is_wanted(entry: Planned, selection: Selection) -> bool:
    if entry.owner is None:
        return True  # What could not be loaded must not be filtered away: it would look green.
    tags = entry.marks.tags
    if selection.tags and not tags & selection.tags:
        return False
    if tags & selection.exclude_tags:
        return False
    patterns = selection.patterns
    return not patterns or any(
        fnmatchcase(name, pattern) for pattern in patterns for name in {entry.standard_id, entry.id}
    )


def _shuffled(entries: list[Planned], seed: int) -> list[Planned]:
    """Order classes, and methods within each, by a hash: adding one moves no other."""

    def key(name: str) -> str:
        return hashlib.sha256(f"{seed}{name}".encode("utf-8", "replace")).hexdigest()

    owners: dict[object, tuple[str, int]] = {}
    for entry in entries:
        owner = entry.owner or entry
        if owner not in owners:
            owners[owner] = key(owner.id), len(owners)
    return sorted(entries, key=lambda entry: (owners[entry.owner or entry], key(entry.id)))
