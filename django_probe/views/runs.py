"""``/probe/-/runs/<id>/``: how far a run is, its report, and the end of it."""

from __future__ import annotations

from django.http import HttpResponse

from django_probe.formats import Format
from django_probe.views.answering import answer, live, running
from django_probe.views.base import Asked, Steps, View, Wait
from django_probe.views.desk import desk
from django_probe.views.negotiation import choose
from django_probe.views.question import Question, read, stream_format
from django_probe.views.record import Ending, Run
from django_probe.views.refusing import Refusal

__all__ = ["RunView"]


class RunView(View):
    """Tell of one run, whichever web process it is of."""

    methods = ("GET", "HEAD", "DELETE", "OPTIONS")

    def respond(self, asked: Asked) -> Steps:
        """Answer 202 while it runs, then as ``/probe/`` does; DELETE ends it."""
        request, access = asked.request, asked.access
        wish = read(request)
        if wish.question != Question() or wish.fresh or wish.asynchronous:
            raise Refusal(400, "A run knows format, status and stream: what it asks is decided.")
        found = choose(request, stream_format(wish))
        run = desk.find(asked.named["run_id"])
        if run is None:
            raise Refusal(404, "There is no such run, or none any more.")
        if request.method == "DELETE":
            return _stop(asked, run, found)
        if wish.stream and request.method == "GET":
            run = desk.watch(run)
            try:
                yield Wait(run, 0)
                if run.ending is not Ending.REFUSED and run.join():
                    return live(run, access, found, is_async=asked.is_async)
            finally:
                run.leave()
        if not run.ended:
            return running(request, run, found)
        return answer(request, run, wish, access, found)


def _stop(asked: Asked, run: Run, found: Format) -> HttpResponse:
    if asked.access.scope == "verdict":
        raise Refusal(403, "To stop a run takes a token of the scope 'report'.")
    if run.ended:
        return HttpResponse(status=204)
    desk.stop(run)
    return running(asked.request, run, found)
