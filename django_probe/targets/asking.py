"""Ask ``/probe/`` of another deployment over HTTP: its wire in pieces, or why there is none."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, Timeout
from urllib3 import exceptions as errors

from django_probe.deadline import Deadline
from django_probe.sanitizing import one_line
from django_probe.targets.answers import LONGEST_PAUSE, PIECE, refuse_what_is_no_wire
from django_probe.targets.place import Place, RemoteFailed
from django_probe.targets.resolving import look_up
from django_probe.targets.sockets import Clock, manager, ticking, tls

__all__ = ["ask"]

FIRST_PAUSE = 0.2
"""Seconds between two tries to connect, at first; it grows to ``LONGEST_PAUSE``."""

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
            refuse_what_is_no_wire(response)
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
    if isinstance(exc, errors.ProxyError):
        why = f"no way to {place.host} through the proxy of the environment: {_why(exc)}"
        return RemoteFailed("Unreachable", why, passing=True)
    if isinstance(exc, (errors.NewConnectionError, errors.ConnectTimeoutError)):
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
        if isinstance(exc, IncompleteRead):  # Around it are only the numbers of a parser.
            return "the other side went away in the middle of its answer"
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
