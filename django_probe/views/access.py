"""Who may ask, and how much they are told: decided before anything else is looked at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from django_probe.conf import settings
from django_probe.exceptions import ConfigurationError
from django_probe.tokens import Token, holder
from django_probe.views.refusing import Refusal

__all__ = [
    "PERMISSION",
    "Access",
    "access_function",
    "by_credential",
    "decide",
    "may_pass",
    "protect",
]

logger = logging.getLogger("django_probe")

PERMISSION = "django_probe.run_probes"

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="probe"'}


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody may do."""

    scope: str = "report"
    session: bool = False
    """Whether they come with a session: a GET shows them what there is, a POST runs."""


def decide(request: HttpRequest) -> Access:
    """Return what the one who asks may do.

    A token counts first, then ``PROBE_ACCESS``, then a session of staff.

    Raises:
        Refusal: 401 without a right credential, 403 for somebody known.
    """
    access = by_credential(request)
    if access is None:
        access = _by_session(request)
    if access is None:
        raise Refusal(
            401,
            "Not without a credential: send the header 'Authorization: Bearer …' with one of"
            " PROBE_TOKENS.",
            CHALLENGE,
        )
    return access


@sensitive_variables()
def by_credential(request: HttpRequest) -> Access | None:
    """Return what a token or ``PROBE_ACCESS`` opens, None where there is neither.

    Raises:
        Refusal: 401 for a token that is none of ours.
    """
    scheme, _, credential = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    # Another scheme belongs to somebody else: a proxy that asks for a password, say.
    if scheme.lower() == "bearer":
        token = holder(_tokens(), credential.strip(" "))
        if token is None:
            raise Refusal(401, "The token is not one of PROBE_TOKENS.", CHALLENGE)
        return Access(scope=token.scope)
    return Access() if may_pass(request) else None


def _tokens() -> tuple[Token, ...]:
    try:
        return settings.tokens
    except ConfigurationError as exc:
        # Raised anew: in the frames that it comes from are tokens, which logs would show.
        raise ConfigurationError(str(exc)) from None


def may_pass(request: HttpRequest) -> bool:
    """Return what ``PROBE_ACCESS`` says; one that fails lets nobody in, and the log says why."""
    try:
        path = settings.access
        return path is not None and access_function(path)(request) is True
    except PermissionDenied:
        return False
    except Exception:
        logger.exception("PROBE_ACCESS failed")
        return False


def protect(request: HttpRequest) -> None:
    """Check the CSRF token of a request that comes with a session.

    Raises:
        Refusal: 403, it is not there, or wrong; 400, there is more in the body.
    """
    check = _CsrfCheck(lambda _: HttpResponse())
    check.process_request(request)
    if check.process_view(request, _view, (), {}) is not None:
        raise Refusal(
            403,
            "A session runs probes with its CSRF token only: send it as X-CSRFToken or"
            " csrfmiddlewaretoken.",
        )
    if set(request.POST) - {"csrfmiddlewaretoken"}:
        raise Refusal(400, "What is asked for stands in the query, not in the body.")


def _by_session(request: HttpRequest) -> Access | None:
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    if not (user.is_active and user.is_staff and user.has_perm(PERMISSION)):
        raise Refusal(403, f"Not for you: it takes a member of staff with {PERMISSION}.")
    return Access(session=True)


def access_function(path: str) -> Callable[[HttpRequest], object]:
    """Return the function that ``PROBE_ACCESS`` names.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        found = import_string(path)
    except Exception as exc:
        raise ConfigurationError(f"PROBE_ACCESS is {path!r}, which cannot be imported.") from exc
    if not callable(found) or iscoroutinefunction(found):
        raise ConfigurationError(
            f"PROBE_ACCESS is {path!r}, expected a function (request) -> bool, not async."
        )
    return found  # type: ignore[no-any-return]


class _CsrfCheck(CsrfViewMiddleware):
    """Say why a request is refused, instead of a page that says so."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _view(request: HttpRequest) -> HttpResponse:
    """Stand for a view that is not exempt."""
    return HttpResponse()
