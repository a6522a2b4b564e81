"""System checks: faulty settings, and test cases that must not run on production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning, register

from django_probe.conf import settings
from django_probe.details import class_path
from django_probe.discovery import PROBES, probe_modules
from django_probe.probe_classes import refusal

__all__ = ["SETTINGS_TAG", "TAG", "check_modules", "check_settings"]

TAG = "probe"
"""All checks: ``manage.py check --tag probe``."""
SETTINGS_TAG = "probe_settings"
"""Those that ``manage.py probe`` itself runs first: quick, and no probe module is imported."""

SETTING_IDS = {
    "runner": "probe.E001",
    "timeout": "probe.E002",
    "deadline": "probe.E003",
    "executor": "probe.E004",
    "reporters": "probe.E005",
    "release": "probe.E006",
}
OTHER_DISTRIBUTION = "django-probe"


@register(TAG, SETTINGS_TAG)
def check_settings(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report each setting of the wrong type or value."""
    return [
        Error(fault, hint="See the settings in django-probe's README.", id=SETTING_IDS[name])
        for name, fault in settings.faults()
    ]


@register(TAG)
def check_modules(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report probe classes that are refused, and probe modules that cannot be imported."""
    configs = apps.get_app_configs() if app_configs is None else app_configs
    return [message for config in configs for message in _check_app(config)]


@register(TAG)
def check_distribution(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report that another distribution installs the same import package."""
    try:
        metadata.distribution(OTHER_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return []
    hint = f"pip uninstall {OTHER_DISTRIBUTION}, then install django-probe-runner again."
    message = (
        f"The distribution {OTHER_DISTRIBUTION!r} is installed too: it is another project,"
        " and both install the package django_probe."
    )
    return [Warning(message, hint=hint, id="probe.W003")]


def _check_app(config: AppConfig) -> Iterator[CheckMessage]:
    folder = Path(config.path)
    if (folder / f"{PROBES}.py").is_file() and (folder / PROBES).is_dir():
        yield Warning(
            f"{config.name} has both {PROBES}.py and {PROBES}/: Python imports the folder only.",
            hint=f"Move the probes of {PROBES}.py into a module of {PROBES}/.",
            obj=config,
            id="probe.W002",
        )
    for name, module in probe_modules(config):
        if isinstance(module, BaseException):
            yield Warning(
                f"{name} cannot be imported: {class_path(type(module))}: {module}.",
                hint="It will be one errored probe in every run.",
                obj=config,
                id="probe.W001",
            )
            continue
        for item in vars(module).values():
            if isinstance(item, type) and item.__module__ == name:
                problem = refusal(item)
                if problem is not None and problem.error is not None:
                    yield Error(
                        problem.error.message,
                        hint="class X(unittest.TestCase): it has no test database to empty.",
                        obj=item,
                        id="probe.E010",
                    )
