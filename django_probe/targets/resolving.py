"""Every address that a name stands for: each replica behind one name."""

from __future__ import annotations

import ipaddress
import socket
import time
from urllib.parse import urlsplit

from django_probe.targets.place import Place

__all__ = ["addresses", "unresolved"]


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


def unresolved(place: Place, problem: str) -> str:
    """Return what is said of a name that stands for nothing."""
    return f"no address of {place.host} when the run began: {problem}"


def _place(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)
