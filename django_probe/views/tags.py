"""Refuse a tag that no probe has: over HTTP it is more often a slip than a wish for nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django_probe.exceptions import UnknownTag
from django_probe.runners import runner_class
from django_probe.selection import Selection

__all__ = ["refuse_unknown_tags"]


def refuse_unknown_tags(labels: Iterable[str], tags: Iterable[str]) -> None:
    """Return if each tag is on one at least of the probes that the labels pick.

    Raises:
        UnknownTag: one is not.
        UnknownLabel: a label names nothing.
    """
    asked = set(tags)
    if not asked:
        return
    plan = runner_class()().build_suite(Selection(labels=tuple(labels)))
    known = {tag for entry in plan.entries for tag in entry.marks.tags}
    for tag in sorted(asked - known):
        there = f"expected one of {', '.join(sorted(known)[:12])}." if known else "none has any."
        raise UnknownTag(f"No probe has the tag {tag!r}: {there}")
