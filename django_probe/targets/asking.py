"""Ask ``/probe/`` of another deployment over HTTP: its wire in pieces, or why there is none."""

from __future__ import annotations

import json
import os
import random
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, Timeout
from urllib3 import exceptions as errors

from django_probe.deadline import Deadline
from django_probe.exceptions import TargetLoop
from django_probe.run_config import RUN_ID
from django_probe.sanitizing import one_line
from django_probe.targets.place import WIRE_TYPE, Place, RemoteFailed
from django_probe.targets.resolving import look_up
from django_probe.targets.sockets import Clock, manager, ticking, tls

__all__ = ["ask"]

PIECE = 64 * 1024
"""Bytes that are read at once."""
TOLD = 300
"""Characters of an answer that is no wire, for a person."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between two tries to connect."""

HINTS = {
    HTTPStatus.UNAUTHORIZED: "its PROBE_TOKENS do not have the token that was given",
    HTTPStatus.FORBIDDEN: "the token may not start a run",
    HTTPStatus.NOT_FOUND: "expected the URL of /probe/, and labels and tags that it has",
    HTTPStatus.TOO_MANY_REQUESTS: "other runs go on there",
}
Query = Sequence[tuple[str, str]]


def ask(place: Place, query: Query, run_id: str, deadline: Deadline) -> Iterator[bytes]:
    """Yield the wire in pieces, as it comes; tried again where no connection comes about.

    One that is busy with other runs (429) is asked until it is not, or the time is over:
    replicas that share a cache share ``PROBE_VIEW_RUNS``.

    Raises:
        RemoteFailed: there is none, or no more of it.
    """
    left, pause = place.retries, FIRST_PAUSE
    while True:
        try:
            yield from _asked(place, query, run_id, deadline)
            return
        except RemoteFailed as exc:
            if not exc.passing or (exc.after is None and not left) or deadline.halted:
                raise
            # Not all at the same time again: many targets may have lost one network.
            wait = exc.after or pause
            if not deadline.pause(random.uniform(wait / 2, wait)):  # noqa: S311
                raise
            if exc.after is None:
                left, pause = left - 1, min(2 * pause, LONGEST_PAUSE)


def _asked(place: Place, query: Query, run_id: str, deadline: Deadline) -> Iterator[bytes]:
    began = False
    try:
        with _response(place, query, run_id, deadline) as response:
            _refuse_what_is_no_wire(response)
            while data := response.read1(PIECE):
                began = True
                yield data
    except (errors.HTTPError, HTTPException, OSError) as exc:
        raise _failed(exc, place, deadline, began=began) from exc


@contextmanager
def _response(
    place: Place, query: Query, run_id: str, deadline: Deadline
) -> Iterator[BaseHTTPResponse]:
    """Yield the answer while it comes; the connection is closed then, whatever is left of it."""
    parts = urlsplit(place.url)
    remaining = deadline.remaining()
    connect = place.connect_timeout if remaining is None else min(place.connect_timeout, remaining)
    options: dict[str, Any] = {"num_pools": 1, "retries": False}
    if parts.scheme == "https":
        options |= {
            "ssl_context": tls(place.ca, place.cert, place.key),
            "server_hostname": parts.hostname,
        }
    asked = parts
    if place.address:
        address = f"[{place.address}]" if ":" in place.address else place.address
        port = f":{parts.port}" if parts.port else ""
        asked = parts._replace(netloc=f"{address}{port}")
    proxy = _proxy(parts.scheme, place.host)
    if not proxy:
        look_up(str(asked.hostname), connect, deadline)
    made = manager(proxy, **options)
    token = ticking.set(Clock(deadline, place.timeout))
    try:
        response = made.request(
            "GET",
            asked._replace(query=urlencode(query)).geturl(),
            headers=place.headers(run_id),
            redirect=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=max(connect, 0.001), read=place.timeout),
        )
    finally:
        ticking.reset(token)
    try:
        yield response
    finally:
        response.close()
        made.clear()


def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment names for a host, as curl and requests read it."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return None if not proxy or proxy_bypass(host) else proxy


def _refuse_what_is_no_wire(response: BaseHTTPResponse) -> None:
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


def _failed(exc: Exception, place: Place, deadline: Deadline, *, began: bool) -> RemoteFailed:
    """Return what went wrong, in words for a person."""
    if deadline.passed:
        return RemoteFailed("Deadline", deadline.reason)
    if deadline.halted:
        return RemoteFailed("Halted", deadline.halted)
    if isinstance(exc, errors.SSLError) or isinstance(exc.__cause__, ssl.SSLError):
        return RemoteFailed("TlsFailed", f"no trusted connection to {place.host}: {_why(exc)}")
    if isinstance(exc, errors.LocationValueError):  # Of a proxy: our own URL has been checked.
        return RemoteFailed("Unreachable", f"the proxy of the environment: {_why(exc)}")
    if isinstance(exc, (errors.NewConnectionError, errors.ConnectTimeoutError, errors.ProxyError)):
        why = f"no connection to {place.host}: {_why(exc)}"
        return RemoteFailed("Unreachable", why, passing=True)
    if type(exc) is TimeoutError:
        why = f"no connection to {place.host}: {exc}"
        return RemoteFailed("Unreachable", why, passing=True)
    if isinstance(exc, (errors.ReadTimeoutError, TimeoutError)):
        return RemoteFailed("Silent", f"nothing came for {place.timeout:g} s")
    what = "broke off" if began else "was closed before an answer came"
    return RemoteFailed("BrokenOff", f"the connection {what}: {_why(exc)}", passing=not began)


def _why(exc: BaseException) -> str:
    """Return the innermost reason, without the names of classes and the addresses around it."""
    seen = {id(exc)}
    inner: BaseException | None = exc
    while inner is not None:
        exc = inner
        inner = exc.__cause__ or exc.__context__
        if inner is None and exc.args and isinstance(exc.args[-1], BaseException):
            inner = exc.args[-1]
        if inner is not None and id(inner) in seen:
            break
        seen.add(id(inner))
    if isinstance(exc, ssl.SSLCertVerificationError):
        return exc.verify_message
    if isinstance(exc, ssl.SSLError) and exc.reason:
        return exc.reason.replace("_", " ").lower()
    if isinstance(exc, TimeoutError):
        return "timed out"
    told = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return one_line(told) or type(exc).__name__
