"""The redactor of a project: its settings, its environment and ``PROBE_REDACT``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings

from django_probe.conf import settings
from django_probe.credentials import SHORTEST
from django_probe.redact_rules import compiled
from django_probe.redaction import Redactor
from django_probe.settings_secrets import secrets_in_settings

__all__ = ["project_redactor", "without_secrets"]


def project_redactor(more: Iterable[str] = ()) -> Redactor:
    """Return what masks the secrets of the project that is set up.

    Args:
        more: secrets that its settings and environment do not show to be such.

    Raises:
        ConfigurationError: ``PROBE_REDACT`` is not as it should be.
    """
    rules = settings.redact
    names: Sequence[str] = tuple(rules.get("NAMES", ()))
    secrets = secrets_in_settings(django_settings, os.environ, names)
    secrets.update(value for value in more if len(value) >= SHORTEST)
    secrets.update(value for value in rules.get("VALUES", ()) if len(value) >= SHORTEST)
    return Redactor(secrets, names=names, patterns=(*compiled(rules), *_short_values(rules)))


def without_secrets(text: str) -> str:
    """Return text for a person, masked by all that can be known of the project now.

    What goes wrong before there is a run may be that the settings are wrong.
    """
    try:
        return project_redactor().redact(text)
    except Exception:
        return Redactor().redact(text)


def _short_values(rules: Mapping[str, Any]) -> Iterator[re.Pattern[str]]:
    """Yield patterns for values that are a part of other words by chance: they stand alone."""
    for value in rules.get("VALUES", ()):
        if 0 < len(value) < SHORTEST:
            yield re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
