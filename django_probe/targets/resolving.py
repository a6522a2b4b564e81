"""Every address that a name stands for: each replica behind one name."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from urllib.parse import urlsplit

from django_probe.deadline import Deadline
from django_probe.targets.place import Place

__all__ = ["addresses", "look_up", "unresolved"]


TICK = 0.1
"""Seconds after which it is seen that the run has ended."""
PAUSE = 0.5
"""Seconds before a name is looked up once more."""


def addresses(place: Place) -> tuple[list[str], str]:
    """Return the addresses of a place's host, sorted by their numbers, or why there are none.

    A name that has none is looked up again, as a connection is tried again.
    """
    found, problem = _addresses(place)
    for _ in range(place.retries):
        if found:
            break
        time.sleep(PAUSE)
        found, problem = _addresses(place)
    return found, problem


def _addresses(place: Place) -> tuple[list[str], str]:
    parts = urlsplit(place.url)
    try:
        found = socket.getaddrinfo(
            parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM
        )
    except OSError as exc:
        return [], exc.strerror or str(exc)
    texts = {str(address[4][0]).partition("%")[0] for address in found}
    return sorted(texts, key=_place), ""


def look_up(host: str, seconds: float, deadline: Deadline) -> None:
    """Return when a name has been looked up, whatever came of it.

    The system's resolver cannot be interrupted, and may take longer than the run: so
    it is asked in a thread, which is left where it does not answer.

    Raises:
        TimeoutError: the run has ended, or the seconds are over.
    """
    if _is_address(host):
        return
    asking = threading.Thread(target=_asked, args=(host,), name="probe-resolver", daemon=True)
    asking.start()
    until = time.monotonic() + seconds
    while asking.is_alive():
        asking.join(TICK)
        if deadline.passed or deadline.halted or time.monotonic() > until:
            raise TimeoutError(f"the name {host} was not found within {seconds:g} s")


def _asked(host: str) -> None:
    with contextlib.suppress(OSError, UnicodeError):
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def unresolved(place: Place, problem: str) -> str:
    """Return what is said of a name that stands for nothing."""
    return f"no address of {place.host} when the run began: {problem}"


def _place(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)
