"""The options of the command that say which targets are asked; without targets, next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django_probe.conf import settings
from django_probe.exceptions import ConfigurationError

if TYPE_CHECKING:
    from django_probe.targets.assembly import Chosen

__all__ = ["chosen_targets"]

OWN = {"timeout": ("timeout",), "executor": ("executor", "parallel", "pdb")}
"""OPTIONS of a target -> the options of the command that go before them."""


def chosen_targets(option: Callable[..., Any]) -> Chosen | None:
    """Return the targets of ``PROBE_TARGETS`` that are asked; None without that setting.

    Args:
        option: looks an option of the command up, with a default.

    Raises:
        UnknownTarget: ``--target`` names none.
        ConfigurationError: an entry is faulty, or an option allows one target only.
    """
    patterns = option("target", ())
    if not patterns and not settings.targets:
        return None
    from django_probe.targets.assembly import choose

    overruled = {name for name, options in OWN.items() if any(map(option, options))}
    chosen = choose(settings.targets, patterns, overruled, local=bool(option("local")))
    if chosen is not None and option("pdb") and len(chosen.made) > 1:
        raise ConfigurationError(
            f"--pdb got {len(chosen.made)} targets, expected one: choose it with --target."
        )
    return chosen
