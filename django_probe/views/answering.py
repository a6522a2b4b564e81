"""A run to a response: its status, headers and body."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse

from django_probe.exceptions import ProbeError
from django_probe.formats import Format
from django_probe.views.access import Access
from django_probe.views.page import page_of
from django_probe.views.question import Wish
from django_probe.views.record import Ending, Run
from django_probe.views.refusing import SEALED, Refusal
from django_probe.views.rendering import GZIP, pack, render, rendered
from django_probe.views.streaming import AsyncLines, Lines

__all__ = ["about", "answer", "is_ok", "live", "progress", "refusal_of", "running"]

LONGEST = 256
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
    packed = _takes_gzip(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    try:
        body = _body(request, run, access, found, packed=packed)
    except ProbeError as exc:
        raise Refusal(400, str(exc)) from exc
    headers = {**_lasting(run, found), "Age": str(int(run.age))}
    if body.startswith(GZIP):
        headers["Content-Encoding"] = "gzip"
    status = 200 if wish.status or is_ok(run) else 504 if run.ending is Ending.DEADLINE else 503
    return HttpResponse(body, status=status, headers=headers)


def about(run: Run, found: Format) -> dict[str, str]:
    """Return the headers that say what it is, and which run."""
    reporter_class = found.reporter_class
    return {
        "Content-Type": reporter_class.content_type,
        "Content-Disposition": f'inline; filename="probe.{reporter_class.extension}"',
        "X-Probe-Run": run.id,
        **SEALED,
    }


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
    headers = {"Retry-After": "1", "X-Probe-Run": run.id, **SEALED}
    if found.name in ("json", "jsonl"):
        return JsonResponse(told, status=202, headers=headers)
    of = "" if run.planned is None else f" of {run.planned}"
    line = f"running: {run.done}{of} probes have a result\n"
    kind = "text/plain; charset=utf-8"
    return HttpResponse(line, status=202, content_type=kind, headers=headers)


def _lasting(run: Run, found: Format) -> dict[str, str]:
    """Return the headers of an ended run that are the same for all who ask."""
    headers: dict[str, str] | None = run.rendered.get(("headers", found.name))
    if headers is None:
        own = getattr(found.reporter_class, "headers", {})
        headers = {**about(run, found), "X-Probe-Ok": "true" if is_ok(run) else "false", **own}
        run.rendered["headers", found.name] = headers
    return headers


def _body(request: HttpRequest, run: Run, access: Access, found: Format, *, packed: bool) -> bytes:
    if "page" not in getattr(found.reporter_class, "accepts", ()):
        return rendered(run, found, access.scope, packed=packed)
    body = render(found, run, access.scope, page=page_of(request, access))
    return pack(body) if packed else body


@lru_cache(maxsize=64)
def _takes_gzip(accepted: str) -> bool:
    return PACKED.search(accepted[:LONGEST]) is not None
