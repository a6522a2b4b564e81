"""The values in a project's settings that must not get into a report."""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

__all__ = ["SECRET_NAME", "SHORTEST", "secrets_in_settings"]

SHORTEST = 6
"""Values shorter than this are left: masking them would turn a report into nonsense."""

SECRET_NAME = re.compile(
    r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|CREDENTIAL|DSN", re.IGNORECASE
)
"""A superset of Django's ``SafeExceptionReporterFilter.hidden_settings``."""

# Names that say that the value itself is the secret, not something about it.
_IS_THE_SECRET = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|SIGNATURE|CREDENTIAL|DSN)S?$"
    r"|FALLBACKS$",
    re.IGNORECASE,
)
_SECRETS_OF_DJANGO = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_HOST_PASSWORD"})
_HARMLESS_KEYS = frozenset({"KEY_PREFIX", "KEY_FUNCTION"})
_PLACES = frozenset({"NAME", "USER", "HOST", "PORT", "ENGINE", "BACKEND"})
# So usual that they stand in reports for other reasons; masked, they would be given away.
_WORDS = frozenset(
    "admin admin123 changeme database default django example guest letmein localhost mariadb"
    " master mysql oracle pass password passwd postgres postgresql rabbitmq secret token".split()
)

# In any string: URLs (the greedy form is for an unquoted @ or / in the password), libpq and ODBC.
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://([^\s/@]+)@", re.IGNORECASE)
_GREEDY_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://([^\s/@:]*:\S+)@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?:password|passwd|pwd|secret|token|signature|api_?key|access_?key)=([^\s;&,'\"]+)",
    re.IGNORECASE,
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+(\S*)", re.IGNORECASE)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_ROUTE = re.compile(r"/?(?:[a-z0-9_.{}<>:-]{1,20}/)*[a-z0-9_.-]{0,20}")
_PLAIN = re.compile(r"(?:[a-z]{1,20}|[A-Z][a-z]{0,19}|[A-Z]{1,20})(?:[ _./:-]|$)")


def secrets_in_settings(settings: Any) -> set[str]:
    """Return the secret values of a Django settings object.

    A setting is secret by its name or by a key above the value, as Django's
    debug page has it; so are the credentials in a URL, wherever it stands. Left
    alone are names of databases, users and hosts, import paths, paths of files,
    the usual words, and what is shorter than six characters.
    """
    from django.conf import global_settings

    found: set[str] = set()
    plain = set(_WORDS)
    for name in filter(str.isupper, dir(settings)):
        try:
            value = getattr(settings, name)
        except Exception:  # noqa: S112 - Django refuses an empty SECRET_KEY only here
            continue
        known_harmless = hasattr(global_settings, name) and name not in _SECRETS_OF_DJANGO
        secret = "" if known_harmless or not SECRET_NAME.search(name) else name
        for under, key, text in _walk(value, secret, name, ()):
            if under and not _is_harmless(under, text):
                found.add(text)
            elif key in _PLACES:
                plain.add(text)
            found.update(_credentials(text, known_as_secret=bool(under)))
    return {value for value in found - plain if len(value) >= SHORTEST}


def _walk(
    value: Any, secret: str, key: str, above: tuple[int, ...]
) -> Iterator[tuple[str, str, str]]:
    """Yield (name that makes it secret or "", nearest key, text) for each text in a setting."""
    if isinstance(value, str):
        yield secret, key, value
    elif isinstance(value, (bytes, bytearray)):
        yield secret, key, bytes(value).decode("utf-8", "backslashreplace")
        yield secret, key, repr(bytes(value))[2:-1]
    elif id(value) in above:
        return
    elif isinstance(value, Mapping):
        for name, item in value.items():
            name = str(name)
            under = "" if name in _HARMLESS_KEYS else secret
            if SECRET_NAME.search(name) and name not in _HARMLESS_KEYS:
                under = name
            yield from _walk(item, under, name, (*above, id(value)))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _walk(item, secret, key, (*above, id(value)))


def _is_harmless(name: str, value: str) -> bool:
    """Tell what only looks secret by its name: paths, routes, plain words, addresses."""
    if os.path.isabs(value) and os.path.exists(value):
        return True
    if _DOTTED.fullmatch(value) and value.partition(".")[0] in sys.modules:
        return True
    if _IS_THE_SECRET.search(name):
        return False
    is_route = "/" in value and _ROUTE.fullmatch(value) is not None
    return is_route or _URL.match(value) is not None or _is_plain(value)


def _is_plain(value: str) -> bool:
    """Tell words (``Bearer``, ``token_type``, ``HTTP_AUTHORIZATION``) from a random string."""
    position = 0
    while position < len(value):
        word = _PLAIN.match(value, position)
        if word is None:
            return False
        position = word.end()
    return True


def _credentials(text: str, *, known_as_secret: bool) -> Iterator[str]:
    """Yield what is secret in a URL or in connection parameters."""
    for pattern in (_USERINFO, _GREEDY_USERINFO):
        for userinfo in pattern.findall(text):
            user, colon, password = userinfo.partition(":")
            if colon and len(password) >= SHORTEST:
                yield password
                yield _as_basic_auth(unquote(userinfo))
            elif not colon and not _is_plain(user):
                yield user  # https://token@host
    yield from _PARAMETER.findall(text)
    if known_as_secret:
        for path in _URL.findall(text):
            yield from (part for part in re.split(r"[/?&=#]", path) if _looks_random(part))


def _as_basic_auth(userinfo: str) -> str:
    return base64.b64encode(userinfo.encode("utf-8", "replace")).decode().rstrip("=")


def _looks_random(part: str) -> bool:
    """Tell a token from a word, in the path of a web hook."""
    return len(part) >= 12 and bool(re.search(r"\d", part) and re.search(r"[A-Za-z]", part))
