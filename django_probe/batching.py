"""The entries of a plan to batches: what must stay together, in one worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import chain

from django_probe.marks import is_only_on_used
from django_probe.plan import Batch, Plan, Planned
from django_probe.selection import Again

__all__ = ["for_target", "is_for", "make_batches", "narrowed", "reduced"]


def make_batches(entries: Iterable[Planned]) -> list[Batch]:
    """Group a plan's entries by class, or by module where a module fixture is shared.

    All probes of one ``@serial("group")`` are one batch too: whatever runs batches,
    no two of them run at the same time.
    """
    batches: dict[object, Batch] = {}
    for entry in entries:
        key, divisible = _home(entry)
        batch = batches.get(key)
        if batch is None:
            owner = entry.owner
            shared = owner is not None and owner.has_module_fixture
            batch = batches[key] = Batch(divisible=divisible, module_fixture=shared)
        batch.entries.append(entry)
        if entry.marks.serial is True:
            batch.serial = True
    result = _by_group(batches.values())
    for index, entry in enumerate(chain.from_iterable(batch.entries for batch in result)):
        entry.index = index
    return result


def reduced(batches: Iterable[Batch], wanted: Callable[[Planned], bool]) -> list[Batch]:
    """Return batches of the entries that are wanted; the index of each stays as it is."""
    parts = (
        replace(batch, entries=[entry for entry in batch.entries if wanted(entry)])
        for batch in batches
    )
    return [batch for batch in parts if batch.entries]


def is_for(entry: Planned, target: str) -> bool:
    """Return whether ``@only_on`` lets a probe be asked on a target."""
    only_on = entry.marks.only_on
    return not only_on or any(fnmatchcase(target, pattern) for pattern in only_on)


def for_target(plan: Plan, target: str, tags: frozenset[str]) -> Plan:
    """Return what of a plan a target has: what ``@only_on`` does not keep from it.

    Args:
        tags: of these each probe has one; none means all.
    """

    def is_wanted(entry: Planned) -> bool:
        return is_for(entry, target) and (not tags or not tags.isdisjoint(entry.marks.tags))

    if not tags and not is_only_on_used():
        return plan
    batches = reduced(plan.batches, is_wanted)
    return Plan(batches=batches, total=sum(len(batch.entries) for batch in batches))


def narrowed(plan: Plan, target: str, again: Again | None) -> Plan:
    """Return what of a plan a target is asked again; the index of each probe stays as it is."""
    if again is None or (wanted := again.get(target, frozenset())) is None:
        return plan
    seen: Counter[str] = Counter()
    places = set()
    for entry in sorted(plan.entries, key=lambda entry: entry.index):
        if (entry.id, seen[entry.id]) in wanted:
            places.add(entry.index)
        seen[entry.id] += 1
    batches = reduced(plan.batches, lambda entry: entry.index in places)
    return Plan(batches=batches, total=len(places))


def _home(entry: Planned) -> tuple[object, bool]:
    """Return what the batch of an entry is known by, and whether its entries may run apart."""
    owner = entry.owner
    if owner is None:
        return entry, True
    if owner.has_module_fixture:
        return owner.case_class.__module__, False
    divisible = not owner.has_class_fixture
    return (owner, divisible and entry.marks.serial), divisible


def _by_group(batches: Iterable[Batch]) -> list[Batch]:
    """Return batches; those that have a group in common are one, where the first of them was."""
    result: list[Batch] = []
    grouped: list[tuple[set[str], Batch]] = []
    for batch in batches:
        some = batch.entries[:1] if batch.divisible else batch.entries
        groups = {entry.marks.group for entry in some} - {""}
        if not groups:
            result.append(batch)
            continue
        batch.divisible = False
        linked = [pair for pair in grouped if pair[0] & groups]
        if not linked:
            result.append(batch)
            grouped.append((groups, batch))
            continue
        names, home = linked[0]
        for others, other in (*linked[1:], (groups, batch)):
            names |= others
            _merge(home, other)
    return [batch for batch in result if batch.entries]


def _merge(home: Batch, batch: Batch) -> None:
    """Move the entries of a batch into another."""
    home.entries += batch.entries
    batch.entries = []
    home.serial = home.serial or batch.serial
    home.module_fixture = home.module_fixture or batch.module_fixture
