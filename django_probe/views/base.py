"""What all views of the endpoint have in common: access first, short errors, no caching."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Generator, Mapping
from typing import Any, ClassVar, NamedTuple

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.conf import settings as django_settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase

from django_probe.conf import settings
from django_probe.views.access import Access, decide, protect
from django_probe.views.negotiation import guess
from django_probe.views.page import refusal_page
from django_probe.views.question import refuse_secrets
from django_probe.views.record import Run
from django_probe.views.refusing import SEALED, Refusal, refuse
from django_probe.views.streaming import wait, wait_async

__all__ = ["Asked", "Steps", "View", "Wait"]

logger = logging.getLogger("django_probe")

DISABLED = "The probes are switched off: PROBE_ENABLED is False."
BROKEN = "This cannot be answered; the server's log says why."
WRITING = ("POST", "DELETE")
UNREADABLE = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)


class Asked(NamedTuple):
    """A request of somebody who has access, by a method that is known."""

    request: HttpRequest
    access: Access
    named: Mapping[str, str]
    """What stands in the path."""
    is_async: bool


class Wait(NamedTuple):
    """What a view waits for: more lines of a run than were seen, or its end."""

    run: Run
    seen: int | None = None


Steps = Generator[Wait, None, HttpResponseBase]
"""A view's work: it yields where it has to wait, in a thread or in an event loop."""


class View:
    """Answer a request; one object serves WSGI and ASGI.

    Within an event loop it is a coroutine function, so that no thread waits for
    a run; elsewhere a plain one, so that a poll costs no event loop. Django asks
    which of both it is for each request.
    """

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "OPTIONS")
    csrf_exempt = True  # A session's POST is checked by ``protect``.
    login_required = False  # For Django's LoginRequiredMiddleware.

    @property
    def _non_atomic_requests(self) -> set[str]:
        """Return the databases for which ATOMIC_REQUESTS does not count here: all of them."""
        return set(django_settings.DATABASES)

    def __call__(self, request: HttpRequest, **named: str) -> Any:
        """Return the response, or a coroutine that does."""
        if _in_event_loop():
            return _drive_async(self._guarded(request, named, is_async=True))
        return _drive(self._guarded(request, named, is_async=False))

    def respond(self, asked: Asked) -> Steps:
        """Return the response.

        Raises:
            Refusal: there is no report to give.
        """
        raise NotImplementedError

    def _guarded(self, request: HttpRequest, named: dict[str, str], *, is_async: bool) -> Steps:
        try:
            if not settings.enabled:
                raise Refusal(503, DISABLED)
            refuse_secrets(request)
            access = decide(request)
            self._check(request, access)
            if request.method == "OPTIONS":
                response: HttpResponseBase = HttpResponse(headers=self._allow)
            else:
                response = yield from self.respond(Asked(request, access, named, is_async))
        except Refusal as refusal:
            response = _refused(request, refusal)
        except UNREADABLE as exc:
            response = _refused(request, Refusal(400, f"The request cannot be read: {exc}"))
        except Exception:
            logger.exception("/probe/ cannot answer")
            response = refuse(Refusal(503, BROKEN), guess(request))  # Nothing that can fail, too.
        return _sealed(request, response)

    @property
    def _allow(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.methods)}

    def _check(self, request: HttpRequest, access: Access) -> None:
        """Check the method, and what comes with it.

        Raises:
            Refusal: 405, 403, 400.
        """
        if request.method not in self.methods:
            allowed = ", ".join(self.methods)
            raise Refusal(405, f"{request.method} is not allowed, expected {allowed}.", self._allow)
        if request.method not in WRITING:
            return
        if access.session:
            protect(request)
        elif request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
            raise Refusal(400, "What is asked for stands in the query: expected no body.")


def _in_loop_only(mark: object) -> property:
    return property(lambda _: mark if _in_event_loop() else None)


# What inspect and asgiref look for at a function, to see whether it is one to await.
for _name, _mark in vars(markcoroutinefunction(lambda: None)).items():
    setattr(View, _name, _in_loop_only(_mark))


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponseBase:
    name = guess(request)
    if name != "html":
        return refuse(refusal, name)
    try:
        return refusal_page(request, refusal)
    except Exception:
        logger.exception("/probe/ cannot draw a page")
        return refuse(refusal, "text")


def _sealed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if "Vary" not in response:
        for name, value in SEALED.items():
            response[name] = value
    if isinstance(response, HttpResponse):
        response["Content-Length"] = str(len(response.content))
        if request.method == "HEAD":
            response.content = b""
    return response


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _drive(steps: Steps) -> HttpResponseBase:
    while isinstance(found := _step(steps), Wait):
        wait(*found)
    return found


async def _drive_async(steps: Steps) -> HttpResponseBase:
    step = sync_to_async(_step)
    try:
        while isinstance(found := await step(steps), Wait):
            await wait_async(*found)
        return found
    finally:
        # Where the client is gone it ends in here. While a thread still takes a step it cannot be
        # closed; then it is, as soon as nothing refers to it any more.
        with contextlib.suppress(ValueError):
            steps.close()


def _step(steps: Steps) -> Wait | HttpResponseBase:
    try:
        return next(steps)
    except StopIteration as done:
        response: HttpResponseBase = done.value
        return response
