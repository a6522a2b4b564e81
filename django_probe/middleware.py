"""Answer ``/probe/`` where other middleware stands in an orchestrator's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, resolve, reverse

from django_probe.views.access import may_pass
from django_probe.views.base import View

__all__ = ["ProbeMiddleware"]


class ProbeMiddleware:
    """Hand requests for ``/probe/`` that come with a credential straight to its views.

    First in ``MIDDLEWARE``, it lets them past ``ALLOWED_HOSTS``,
    ``SECURE_SSL_REDIRECT`` and whatever wants a login. Who has no token, and is
    not let in by ``PROBE_ACCESS``, goes the way of all requests.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Return the response, or a coroutine that does."""
        if self._is_async:
            return self._call_async(request)
        match = _match(request)
        if match is None or not _may_pass(request):
            return self._get_response(request)
        return _answer(request, match)

    async def _call_async(self, request: HttpRequest) -> Any:
        match = _match(request)
        # PROBE_ACCESS may ask the database; all other requests need no thread.
        if match is None or not await sync_to_async(_may_pass)(request):
            return await self._get_response(request)
        return await _answer(request, match)


def _match(request: HttpRequest) -> ResolverMatch | None:
    """Return the view of ours that a request is for, if it is for one."""
    try:
        if not request.path.startswith(reverse("django_probe:probe")):
            return None
        match = resolve(request.path_info)
    except (NoReverseMatch, Resolver404):
        return None
    return match if isinstance(match.func, View) else None


def _may_pass(request: HttpRequest) -> bool:
    return request.META.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer " or may_pass(request)


def _answer(request: HttpRequest, match: ResolverMatch) -> Any:
    request.resolver_match = match
    return match.func(request, *match.args, **match.kwargs)
