"""A run to a response: its status, headers and body."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse

from django_probe.exceptions import ProbeError
from django_probe.formats import Format
from django_probe.views.access import Access
from django_probe.views.page import page_of
from django_probe.views.question import Wish
from django_probe.views.record import Ending, Run
from django_probe.views.refusing import Refusal
from django_probe.views.rendering import events_of, render, rendered
from django_probe.views.streaming import AsyncLines, Lines

__all__ = ["about", "answer", "is_ok", "live", "progress", "refusal_of", "running"]

WORTH_PACKING = 1024
"""Bytes."""
PACKED = re.compile(
    r"(?:^|,)\s*(?:gzip|\*)\s*(?!;\s*q=0(?:\.0*)?\s*(?:,|$))(?:;|,|$)", re.IGNORECASE
)

NOT_FOUND = {"UnknownLabel", "UnknownTag", "UnknownTarget"}


def answer(
    request: HttpRequest, run: Run, wish: Wish, access: Access, found: Format
) -> HttpResponse:
    """Return an ended run in a format.

    Raises:
        Refusal: nothing could be asked; the reporter cannot be used.
    """
    if run.ending is Ending.REFUSED:
        raise refusal_of(run, access)
    ok = is_ok(run)
    status = 200 if ok or wish.status else 504 if run.ending is Ending.DEADLINE else 503
    response = HttpResponse(status=status, content_type=found.reporter_class.content_type)
    for name, value in about(run, found, ok=ok).items():
        response[name] = value
    for name, value in getattr(found.reporter_class, "headers", {}).items():
        response[name] = value
    try:
        _fill(response, request, run, access, found)
    except ProbeError as exc:
        raise Refusal(400, str(exc)) from exc
    return response


def about(run: Run, found: Format, *, ok: bool | None = None) -> dict[str, str]:
    """Return the headers that say which run it is, how old, and whether all is well."""
    extension = found.reporter_class.extension
    headers = {
        "Content-Disposition": f'inline; filename="probe.{extension}"',
        "X-Probe-Run": run.id,
    }
    if run.ended:
        headers["Age"] = str(int(run.age))
    if ok is not None:
        headers["X-Probe-Ok"] = "true" if ok else "false"
    return headers


def is_ok(run: Run) -> bool:
    """Return the verdict of an ended run."""
    verdict: bool | None = run.rendered.get("ok")
    if verdict is None:
        last = json.loads(run.lines[-1]) if run.lines else {}
        verdict = run.rendered["ok"] = bool(last.get("summary", {}).get("ok"))
    return verdict


def refusal_of(run: Run, access: Access) -> Refusal:
    """Return what is said where nothing could be asked: names only to who may see them."""
    error, message = run.refusal
    status = 404 if error in NOT_FOUND else 503
    headers = {} if status == 404 else {"X-Probe-Ok": "false"}
    if access.scope == "verdict":
        message = "There is no such probe." if status == 404 else "The probes cannot be asked."
    return Refusal(status, message, headers)


def live(run: Run, access: Access, found: Format, *, is_async: bool) -> StreamingHttpResponse:
    """Return a run as it happens; it was joined, and is left when the response is closed."""
    lines = (AsyncLines if is_async else Lines)(run, access.scope)
    return StreamingHttpResponse(
        lines,
        content_type=found.reporter_class.content_type,
        # A proxy that buffers makes a stream a report: nginx is told not to.
        headers={**about(run, found), "X-Accel-Buffering": "no"},
    )


def progress(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Return what there is to tell of a run that goes on."""
    match = request.resolver_match
    namespace = match.namespace if match else "django_probe"
    return {
        "ok": None,
        "state": "running",
        "run": {"run_id": run.id},
        "planned": run.planned,
        "done": run.done,
        "location": reverse(f"{namespace}:run", args=[run.id]),
    }


def running(request: HttpRequest, run: Run, found: Format) -> HttpResponse:
    """Return how far a run is: as JSON, or in one line."""
    told = progress(request, run)
    headers = {"Retry-After": "1", "X-Probe-Run": run.id}
    if found.name in ("json", "jsonl"):
        return JsonResponse(told, status=202, headers=headers)
    of = "" if run.planned is None else f" of {run.planned}"
    line = f"running: {run.done}{of} probes have a result\n"
    kind = "text/plain; charset=utf-8"
    return HttpResponse(line, status=202, content_type=kind, headers=headers)


def _fill(
    response: HttpResponse, request: HttpRequest, run: Run, access: Access, found: Format
) -> None:
    if "page" in getattr(found.reporter_class, "accepts", ()):
        options = {"color": False, "page": page_of(request, access)}
        body = render(found, events_of(run.lines, access.scope), options)
    else:
        body = rendered(run, found, access.scope)
    if len(body) < WORTH_PACKING or not PACKED.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
        response.content = body
        return
    response.content = gzip.compress(body, 6, mtime=0)
    response["Content-Encoding"] = "gzip"
