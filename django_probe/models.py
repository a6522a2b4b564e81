"""The permission ``django_probe.run_probes``; there is no table."""

from __future__ import annotations

from django.apps import apps

__all__: list[str] = []

if apps.apps_ready and apps.is_installed("django.contrib.auth"):
    from django.db import models

    class ProbeRun(models.Model):
        """Stand for what the permission is about."""

        class Meta:
            managed = False
            default_permissions = ()
            permissions = [("run_probes", "Can run the probes and see their results")]  # noqa: RUF012
            verbose_name = "probe run"
