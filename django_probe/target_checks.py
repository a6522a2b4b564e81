"""System checks of ``PROBE_TARGETS``: no target is asked, and no function of a setting called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning, register

from django_probe.checks import TAG, setting_fault
from django_probe.conf import settings
from django_probe.exceptions import ConfigurationError
from django_probe.target_settings import Entries

__all__ = ["check_target_references", "check_targets"]


@register(TAG)
def check_targets(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report a target whose class does not exist, or refuses its OPTIONS."""
    entries = _entries()
    if not entries:
        return []
    from django_probe.targets.assembly import check_entry

    found: list[CheckMessage] = []
    for alias, entry in entries.items():
        try:
            check_entry(alias, entry)
        except ConfigurationError as exc:
            found.append(setting_fault("targets", str(exc)))
    return found


@register(TAG)
def check_target_references(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report what OPTIONS of targets take from the environment, and is not there."""
    hint = "Set it where the probes run: it need not be there elsewhere."
    return [
        Warning(
            f"PROBE_TARGETS[{alias!r}] refers to env:{name}, and the environment has no {name}.",
            hint=hint,
            id="probe.W004",
        )
        for alias, name in _missing(_entries())
    ]


def _entries() -> Entries:
    """Return the setting where it is a dict, and as it should be; ``check_settings`` tells else."""
    try:
        targets = settings.targets
    except ConfigurationError:
        return {}
    return {} if callable(targets) or isinstance(targets, str) else targets


def _missing(entries: Entries) -> Iterator[tuple[str, str]]:
    if not entries:
        return
    from django_probe.targets.options import missing

    for alias, entry in entries.items():
        for name in sorted(set(missing(entry.get("OPTIONS", {})))):
            yield alias, name
