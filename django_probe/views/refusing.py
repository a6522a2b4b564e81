"""What is said instead of a report: one line, in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from django.http import HttpResponse

from django_probe.sanitizing import clean, one_line

__all__ = ["SEALED", "Refusal", "refuse", "told"]

LONGEST = 500

SEALED = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Accept-Encoding, Authorization, Cookie",
}
"""Headers of every answer: nobody keeps it, and no browser takes it for something else."""


class Refusal(Exception):
    """Say with a status why there is no report.

    Args:
        status: of HTTP.
        message: one line for a person; what came from outside is quoted.
        headers: more of them.
        offers_run: whether a page that says so offers to run the probes, to a session.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        offers_run: bool = False,
    ) -> None:
        super().__init__(message)
        self.offers_run = offers_run
        self.status = status
        self.message = message
        self.headers = headers or {}


def refuse(refusal: Refusal, name: str) -> HttpResponse:
    """Return a refusal in a format, by its name; as a line of text where that is none of ours."""
    kind, body = _BODIES.get(name, _text)(refusal.status, told(refusal))
    response = HttpResponse(body, content_type=kind, status=refusal.status)
    for header, value in refusal.headers.items():
        response[header] = value
    return response


def told(refusal: Refusal) -> str:
    """Return what a refusal says, in one line of harmless text."""
    return one_line(clean(refusal.message))[:LONGEST]


def _text(status: int, message: str) -> tuple[str, str]:
    return "text/plain; charset=utf-8", f"{message}\n"


def _json(status: int, message: str) -> tuple[str, str]:
    told = {"ok": False, "error": {"status": status, "message": message}}
    return "application/json", json.dumps(told) + "\n"


def _xml(status: int, message: str) -> tuple[str, str]:
    told = f'<error status="{status}">{escape(message)}</error>'
    document = f'<?xml version="1.0" encoding="utf-8"?>\n{told}\n'
    return "application/xml; charset=utf-8", document


def _tap(status: int, message: str) -> tuple[str, str]:
    return "text/plain; charset=utf-8", f"TAP version 13\nBail out! {message.replace('#', '')}\n"


_BODIES = {
    "ctrf": _json,
    "json": _json,
    "jsonl": _json,
    "junit": _xml,
    "tap": _tap,
}
