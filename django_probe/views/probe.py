"""``/probe/``: ask the probes, or see what they said last."""

from __future__ import annotations

import re
from collections.abc import Generator

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from django_probe.formats import Format
from django_probe.views.access import Access
from django_probe.views.answering import answer, live, progress
from django_probe.views.base import Asked, Steps, View, Wait
from django_probe.views.desk import desk
from django_probe.views.identity import is_of_this_server
from django_probe.views.negotiation import choose
from django_probe.views.question import Wish, read, stream_format
from django_probe.views.record import Ending, Run
from django_probe.views.refusing import Refusal
from django_probe.views.repeating import Known, again, remember
from django_probe.views.store import is_shared

__all__ = ["ProbeView"]

GONE = (Ending.LOST, Ending.ABANDONED)
TRIES = 3
RUN_ID = re.compile(r"[0-9a-f]{32}")


class ProbeView(View):
    """Start a run, join the one that goes on, or give the answer that is there already."""

    methods = ("GET", "HEAD", "POST", "OPTIONS")

    def respond(self, asked: Asked) -> Steps:
        """Answer with a report of the probes that are asked for."""
        request, access = asked.request, asked.access
        known = again(asked)
        if known is not None:
            return answer(request, known.run, known.wish, access, known.format)
        wish = read(request, asked.named.get("label", ""))
        _refuse_itself(request)
        found = choose(request, stream_format(wish))
        _refuse_what_is_too_much(request, wish, access)
        if request.method == "HEAD" or (access.session and request.method == "GET"):
            return answer(request, _last(wish), wish, access, found)
        if wish.asynchronous:
            return _accept(request, wish)
        for _ in range(TRIES):
            run = desk.ask(wish.question, fresh=wish.fresh)
            response = yield from _wait(asked, run, wish, found)
            if response is not None:
                remember(asked, Known(run, wish, found))
                return response
        raise Refusal(503, "One run after the other broke off: the servers' logs say why.")


def _refuse_itself(request: HttpRequest) -> None:
    """Return if it is not a run that goes on here which asks: it would wait for itself.

    Raises:
        Refusal: 508, it is.
    """
    run_id = request.META.get("HTTP_X_PROBE", "").partition("/")[0]
    run = desk.find(run_id) if RUN_ID.fullmatch(run_id) else None
    # Processes that share no cache do not know the runs of each other.
    known = is_of_this_server(request.META.get("HTTP_X_PROBE_SERVER", ""))
    if known or (run is not None and not run.ended):
        raise Refusal(508, "It is a run of this deployment that asks: it would wait for itself.")


def _wait(
    asked: Asked, run: Run, wish: Wish, found: Format
) -> Generator[Wait, None, HttpResponseBase | None]:
    """Return the answer of a run that was joined, None where it is gone and another must be."""
    try:
        if not run.ended:
            yield Wait(run, 0 if wish.stream else None)
        if run.ending in GONE:
            return None
        if wish.stream and run.ending is not Ending.REFUSED and run.join():
            return live(run, asked.access, found, is_async=asked.is_async)
        return answer(asked.request, run, wish, asked.access, found)
    finally:
        run.leave()


def _last(wish: Wish) -> Run:
    run = desk.last(wish.question.key)
    if run is None:
        raise Refusal(404, "There is no result yet: a POST runs the probes.", offers_run=True)
    return run


def _accept(request: HttpRequest, wish: Wish) -> HttpResponseBase:
    run = desk.ask(wish.question, fresh=wish.fresh, keep=True)
    run.leave()
    told = progress(request, run)
    return JsonResponse(
        told, status=202, headers={"Location": told["location"], "X-Probe-Run": run.id}
    )


def _refuse_what_is_too_much(request: HttpRequest, wish: Wish, access: Access) -> None:
    if wish.fresh and access.scope == "verdict":
        raise Refusal(403, "fresh=1 takes a token of the scope 'report'.")
    if not wish.asynchronous:
        return
    if request.method != "POST":
        raise Refusal(400, "async=1 takes a POST.")
    if wish.stream:
        raise Refusal(400, "async=1 and stream=1: leave one out.")
    if not is_shared():
        raise Refusal(
            400,
            "async=1 takes a cache that all web processes share (CACHES['default']): Redis or"
            " memcached, say.",
        )
