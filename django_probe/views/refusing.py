"""What is said instead of a report: one line, in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from django.http import HttpResponse

from django_probe.sanitizing import clean, one_line

__all__ = ["Refusal", "refuse"]

LONGEST = 500


class Refusal(Exception):
    """Say with a status why there is no report.

    Args:
        status: of HTTP.
        message: one line for a person; what came from outside is quoted.
        headers: more of them.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def refuse(refusal: Refusal, name: str) -> HttpResponse:
    """Return a refusal in a format, by its name; as a line of text where that is none of ours."""
    message = one_line(clean(refusal.message))[:LONGEST]
    kind, body = _BODIES.get(name, _text)(refusal.status, message)
    response = HttpResponse(body, content_type=kind, status=refusal.status)
    for header, value in refusal.headers.items():
        response[header] = value
    return response


def _text(status: int, message: str) -> tuple[str, str]:
    return "text/plain; charset=utf-8", f"{message}\n"


def _json(status: int, message: str) -> tuple[str, str]:
    told = {"ok": False, "error": {"status": status, "message": message}}
    return "application/json", json.dumps(told) + "\n"


def _xml(status: int, message: str) -> tuple[str, str]:
    told = f'<error status="{status}">{escape(message)}</error>'
    document = f'<?xml version="1.0" encoding="utf-8"?>\n{told}\n'
    return "application/xml; charset=utf-8", document


def _html(status: int, message: str) -> tuple[str, str]:
    head = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{status}</title>'
    page = f"{head}<h1>{status}</h1><p>{escape(message)}</p></html>\n"
    return "text/html; charset=utf-8", page


def _tap(status: int, message: str) -> tuple[str, str]:
    return "text/plain; charset=utf-8", f"TAP version 13\nBail out! {message.replace('#', '')}\n"


_BODIES = {
    "ctrf": _json,
    "html": _html,
    "json": _json,
    "jsonl": _json,
    "junit": _xml,
    "tap": _tap,
}
