"""Which probes are asked for: what labels and options come to, whoever reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Again", "Selection"]

Again = Mapping[str, frozenset[tuple[str, int]] | None]
"""By target: the probes to ask again, by id and by which of those with this id; None is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which probes are asked for."""

    labels: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    exclude_tags: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    """``fnmatch`` patterns on ids."""
    seed: int | None = None
    """Shuffle by it."""
    again: Again | None = None
    """What of it is asked; None is all. A target that it does not name is not asked."""
