"""``/probe/-/schema.json`` and ``/probe/-/metrics``: they start nothing."""

from __future__ import annotations

from functools import cache
from io import StringIO
from pathlib import Path

from django.http import HttpResponse

from django_probe.exceptions import UnknownReporter
from django_probe.formats import Format
from django_probe.views.answering import answer
from django_probe.views.base import Asked, Steps, View
from django_probe.views.desk import desk
from django_probe.views.negotiation import choose
from django_probe.views.question import read
from django_probe.views.record import Ending
from django_probe.views.refusing import Refusal

__all__ = ["METRICS", "MetricsView", "SchemaView"]

METRICS = "openmetrics"
NOTHING_YET = b"# EOF\n"
"""An exposition without a metric."""


class SchemaView(View):
    """Give the JSON Schema of the report ``json``."""

    def respond(self, asked: Asked) -> Steps:
        """Answer with the file that lies in the package."""
        yield from ()
        return HttpResponse(_schema(), content_type="application/schema+json")


class MetricsView(View):
    """Give the last run as OpenMetrics; of a selection, by the query of ``/probe/``."""

    def respond(self, asked: Asked) -> Steps:
        """Answer with what the reporter ``openmetrics`` makes of the last run."""
        yield from ()
        wish = read(asked.request)
        found = choose(asked.request, METRICS)
        _try(found)
        run = desk.last(wish.question.key)
        if run is None or run.ending is Ending.REFUSED:
            return HttpResponse(NOTHING_YET, content_type=found.reporter_class.content_type)
        # A scraper takes anything but 200 for a failure to scrape.
        response = answer(asked.request, run, wish, asked.access, found)
        response.status_code = 200
        return response


def _try(found: Format) -> None:
    """Say at once what is missing, and not only when there is a run to tell of.

    Raises:
        Refusal: 503, the library that the format needs is not installed.
    """
    try:
        found.build(StringIO())
    except UnknownReporter as exc:
        raise Refusal(503, str(exc)) from exc


@cache
def _schema() -> bytes:
    return Path(__file__).parent.with_name("schema.json").read_bytes()
