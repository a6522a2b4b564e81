"""System checks of ``/probe/``: what it needs is there, and it is not open to everybody."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from django_probe.checks import TAG, setting_fault
from django_probe.conf import settings

__all__ = ["check_cache", "check_endpoint", "check_open"]

STRANGER = "192.0.2.1"
"""An address that nobody has: RFC 5737."""


@register(TAG)
def check_endpoint(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report a PROBE_PYTHON or a PROBE_ACCESS that is not there."""
    from django_probe.exceptions import ConfigurationError

    faulty = {name for name, _ in settings.faults()}
    found: list[CheckMessage] = []
    for name, use in {"python": _find_python, "access": _find_access}.items():
        if name not in faulty:
            try:
                use()
            except ConfigurationError as exc:
                found.append(setting_fault(name, str(exc)))
    return found


@register(TAG, deploy=True)
def check_open(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report that PROBE_ACCESS lets in somebody of whom nothing is known."""
    if _is_faulty() or not settings.enabled or settings.access is None:
        return []
    from django.http import HttpRequest

    from django_probe.views.access import may_pass

    request = HttpRequest()
    request.method, request.path = "GET", "/probe/"
    request.META = {"REMOTE_ADDR": STRANGER, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    if not may_pass(request):
        return []
    told = f"PROBE_ACCESS lets in a request from {STRANGER} without any credential."
    hint = "Anybody can run the probes, and read what they say: use PROBE_TOKENS."
    return [Warning(told, hint=hint, id="probe.W040")]


@register(TAG, deploy=True)
def check_cache(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report a cache that the web processes do not share."""
    if _is_faulty() or not settings.enabled or not (settings.tokens or settings.access):
        return []
    from django_probe.views.store import is_shared

    if is_shared():
        return []
    told = "/probe/ has no cache that all web processes share: each of them runs the probes."
    hint = "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache', …}}"
    return [Warning(told, hint=hint, id="probe.W041")]


def _is_faulty() -> bool:
    return any(True for _ in settings.faults())


def _find_python() -> None:
    if settings.python is not None:
        from django_probe.views.starting import find_python

        find_python(settings.python)


def _find_access() -> None:
    if settings.access is not None:
        from django_probe.views.access import access_function

        access_function(settings.access)
