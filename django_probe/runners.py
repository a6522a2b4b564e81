"""The runner that ``PROBE_RUNNER`` names."""

from __future__ import annotations

from django_probe.conf import DEFAULT_RUNNER, settings
from django_probe.details import text_of
from django_probe.exceptions import ConfigurationError
from django_probe.simple import DjangoProbeSuiteRunner

__all__ = ["runner_class"]


def runner_class() -> type[DjangoProbeSuiteRunner]:
    """Return the class that ``PROBE_RUNNER`` names.

    Raises:
        ConfigurationError: it cannot be imported, or is no runner.
    """
    from django.utils.module_loading import import_string

    path = settings.runner
    if path == DEFAULT_RUNNER:
        return DjangoProbeSuiteRunner
    try:
        found = import_string(path)
    except (Exception, SystemExit) as exc:
        raise ConfigurationError(
            f"PROBE_RUNNER is {path!r}, which cannot be imported: {text_of(exc)}:"
            f" the default is {DEFAULT_RUNNER!r}."
        ) from exc
    if not isinstance(found, type) or not issubclass(found, DjangoProbeSuiteRunner):
        raise ConfigurationError(
            f"PROBE_RUNNER is {path!r}, expected a class derived from {DEFAULT_RUNNER}."
        )
    return found
