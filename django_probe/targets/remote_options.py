"""What the OPTIONS of a remote target may be: its URL, its token, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django_probe.exceptions import ConfigurationError, kind_of
from django_probe.targets.options import COMMON, check_seconds
from django_probe.targets.place import Place

__all__ = [
    "OPTIONS",
    "check_count",
    "check_resolve",
    "check_text",
    "check_together",
    "check_token",
    "check_url",
    "place_of",
]

EXTRA = "pip install 'django-probe-runner[remote]'"


def check_url(where: str, value: object) -> None:
    """Refuse what is no URL of ``/probe/``; one that holds a secret is not shown.

    Raises:
        ConfigurationError: no scheme or host, a password or a query in it.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{where} is {kind_of(value)}, expected a URL.")
    if value.startswith("env:"):
        return
    try:
        parts = urlsplit(value)
        faults = _faults(value, parts.hostname, parts.port)
    except ValueError as exc:
        raise ConfigurationError(f"{where} is no URL: {exc}.") from exc
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"{where} has a user or a password in it, expected neither: a token is given apart."
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(
            f"{where} has a query or a fragment, expected neither: labels, tags and the token are"
            " given apart."
        )
    if parts.scheme not in ("http", "https") or faults:
        raise ConfigurationError(
            f"{where} is {value!r}, expected the URL of a /probe/, as 'https://shop.example/probe/'."
        )


def _faults(value: str, host: str | None, port: int | None) -> bool:
    is_plain = value.isascii() and value.isprintable() and " " not in value
    return not host or not is_plain or port == 0


def check_text(where: str, value: object) -> None:
    """Refuse what is no text.

    Raises:
        ConfigurationError: it is something else; its value is not shown.
    """
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where} is {kind_of(value)}, expected a text.")


def check_token(where: str, value: object) -> None:
    """Refuse what is neither a token nor None.

    Raises:
        ConfigurationError: it is not, or holds what no header carries.
    """
    if value is None:
        return
    check_text(where, value)
    if not str(value).isascii() or not str(value).isprintable() or " " in str(value):
        raise ConfigurationError(f"{where} holds what no header carries, expected a token.")


def check_count(where: str, value: object) -> None:
    """Refuse what is no small whole number.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise ConfigurationError(f"{where} is {value!r}, expected a whole number, 0 to 100.")


def check_resolve(where: str, value: object) -> None:
    """Refuse what says nothing about addresses.

    Raises:
        ConfigurationError: it is neither ``"all"`` nor ``"one"``.
    """
    if value not in ("all", "one"):
        raise ConfigurationError(
            f"{where} is {value!r}, expected 'all', for each address of the name, or 'one'."
        )


OPTIONS = {
    **COMMON,
    "url": check_url,
    "token": check_token,
    "connect_timeout": check_seconds,
    "retries": check_count,
    "resolve": check_resolve,
    "ca": check_text,
    "cert": check_text,
    "key": check_text,
}


def check_together(where: str, options: Mapping[str, Any]) -> None:
    """Refuse OPTIONS of which one is missing, and a remote where its library is.

    Raises:
        ConfigurationError: so it is.
    """
    if "url" not in options:
        raise ConfigurationError(f"{where} has no 'url', expected the URL of another /probe/.")
    if "token" not in options:
        raise ConfigurationError(
            f"{where} has no 'token', expected 'env:NAME', or None where PROBE_ACCESS of the other"
            " side lets this one in."
        )
    if options.get("key") and not options.get("cert"):
        raise ConfigurationError(f"{where} has a 'key' without a 'cert', expected both.")
    if find_spec("urllib3") is None:
        raise ConfigurationError(f"A remote target needs urllib3: {EXTRA}.")


def place_of(alias: str, options: Mapping[str, Any]) -> Place:
    """Return where and how a remote is asked.

    Raises:
        ConfigurationError: what stood in the environment is no URL or no token, or files for TLS
            cannot be used.
    """
    check_url(f"The URL of target {alias!r}", options["url"])
    check_token(f"The token of target {alias!r}", options["token"])
    known = {name: value for name, value in options.items() if name in Place.__slots__}
    place = Place(**{**known, "url": _whole(options["url"])})
    if urlsplit(place.url).scheme == "https":
        from django_probe.targets.sockets import tls

        tls(place.ca, place.cert, place.key)
    return place


def _whole(url: str) -> str:
    """Return a URL with its path: ``/probe/`` where it has none, and a slash at the end."""
    parts = urlsplit(url)
    path = parts.path if parts.path.strip("/") else "/probe/"
    return parts._replace(path=path if path.endswith("/") else f"{path}/").geturl()
