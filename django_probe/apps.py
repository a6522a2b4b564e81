"""The Django app: it registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["ProbeConfig"]


class ProbeConfig(AppConfig):
    """``INSTALLED_APPS = [..., "django_probe"]``."""

    name = "django_probe"
    verbose_name = "Probes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_probe import checks, endpoint_checks, target_checks  # noqa: F401
