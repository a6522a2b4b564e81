"""What an answer to the asking is: a wire, or something else that says what is wrong."""

from __future__ import annotations

import json
import os
from http import HTTPStatus

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as errors

from django_probe.exceptions import TargetLoop
from django_probe.run_config import RUN_ID
from django_probe.targets.place import WIRE_TYPE, RemoteFailed

__all__ = ["LONGEST_PAUSE", "PIECE", "refuse_what_is_no_wire"]

PIECE = 64 * 1024
"""Bytes that are read at once."""
TOLD = 300
"""Characters of an answer that is no wire, for a person."""
LONGEST_PAUSE = 5.0
"""Seconds until a deployment that is busy is asked again, at most."""

HINTS = {
    HTTPStatus.UNAUTHORIZED: "its PROBE_TOKENS do not have the token that was given",
    HTTPStatus.FORBIDDEN: "the token may not start a run",
    HTTPStatus.NOT_FOUND: "expected the URL of /probe/, and labels and tags that it has",
    HTTPStatus.TOO_MANY_REQUESTS: "other runs go on there",
}


def refuse_what_is_no_wire(response: BaseHTTPResponse) -> None:
    """Return if the answer may be a wire.

    Raises:
        RemoteFailed: it says itself that it is none.
    """
    status = response.status
    if 300 <= status < 400:
        where = response.headers.get("Location", "")
        raise RemoteFailed(
            "Redirected",
            f"it answered {_named(status)} to {where[:TOLD]!r}, which is not followed: give the URL"
            " of its /probe/ itself",
        )
    if status != HTTPStatus.OK:
        hint = HINTS.get(HTTPStatus(status)) if status in _KNOWN else None
        if status == HTTPStatus.LOOP_DETECTED and RUN_ID in os.environ:
            raise TargetLoop(
                "A remote target is this very deployment, expected another one: leave it out of"
                " PROBE_TARGETS, or make it a local target."
            )
        why = _said(response) or hint
        more = f": {why}" if why else ""
        told = f"it answered {_named(status)}{more}"
        is_busy = status == HTTPStatus.TOO_MANY_REQUESTS
        after = _after(response.headers.get("Retry-After", "")) if is_busy else None
        raise RemoteFailed(_kind(status), told, passing=is_busy, after=after)
    _refuse_other_types(response)


def _refuse_other_types(response: BaseHTTPResponse) -> None:
    """Return if the answer says that it is a wire, as it is.

    Raises:
        RemoteFailed: it is something else, or compressed: bytes would be held back on the way.
    """
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise RemoteFailed(
            "NotTheWire",
            f"it answered with {encoding[:TOLD]!r} around it, expected it as it is: let the server"
            " or proxy before it compress no application/x-ndjson",
        )
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != WIRE_TYPE:
        raise RemoteFailed(
            "NotTheWire",
            f"it answered with {content_type[:TOLD]!r}, expected {WIRE_TYPE!r}: give the URL of its"
            " /probe/",
        )


def _after(text: str) -> float:
    """Return the seconds after which to ask again, at most ``LONGEST_PAUSE``."""
    return max(1.0, min(float(text), LONGEST_PAUSE)) if text.isdecimal() else LONGEST_PAUSE


_KNOWN = frozenset(HTTPStatus)


def _kind(status: int) -> str:
    """Return the name of an error by its status: ``Unauthorized``, ``ServiceUnavailable``."""
    if status not in _KNOWN:
        return "HttpError"
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _named(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}" if status in _KNOWN else str(status)


def _said(response: BaseHTTPResponse) -> str:
    """Return what an answer that is no report says, if it says it in a line of ours."""
    try:
        body = json.loads(response.read1(PIECE))
        return str(body["error"]["message"])[:TOLD]
    except (ValueError, KeyError, TypeError, RecursionError, errors.HTTPError, OSError):
        return ""
