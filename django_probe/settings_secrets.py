"""The values in a project's settings and environment that must not get into a report."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from django_probe.credentials import SHORTEST, is_plain, looks_random

__all__ = ["SECRET_NAME", "secrets_in_settings"]

SECRET_NAME = re.compile(
    r"API|AUTH|TOKEN|KEY|SECRET|PASS|_PWD|SIGNATURE|HTTP_COOKIE|CREDENTIAL|DSN", re.IGNORECASE
)
"""A superset of Django's ``SafeExceptionReporterFilter.hidden_settings``."""

# Names that say that the value itself is the secret, not something about it.
_IS_THE_SECRET = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|_PWD|SIGNATURE|CREDENTIAL|DSN)S?$"
    r"|FALLBACKS$",
    re.IGNORECASE,
)
_SECRETS_OF_DJANGO = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_HOST_PASSWORD"})
_HARMLESS_KEYS = frozenset({"KEY_PREFIX", "KEY_FUNCTION"})
_PLACES = frozenset({"NAME", "USER", "HOST", "PORT", "ENGINE", "BACKEND", "INSTALLED_APPS"})
_PLACES_OUTSIDE = re.compile(r"(?:^|_)(?:USER|USERNAME|LOGNAME|HOST|HOSTNAME|DATABASE|DB|NAME)$")
_WORDS_WITHIN = re.compile(r"AUTHORS?(?:_|$)|KEYBOARD|KEYCLOAK|PASSENGER|BYPASS")
# So usual that they stand in reports for other reasons; masked, they would be given away.
_WORDS = frozenset(
    "000000 111111 123123 123456 1234567 12345678 123456789 1234567890 654321 abc123 admin admin123"
    " administrator anonymous bearer celery changeme critical database default development disabled"
    " django enabled example foobar guest insecure letmein localhost mariadb master memcached mysql"
    " nothing optional oracle pass passw0rd password password1 password123 passwd postgres"
    " postgresql production qwerty rabbitmq redis required running secret sqlite3 staging testing"
    " token undefined unknown vagrant warning welcome".split()
)

# In any string: URLs (the greedy form is for an unquoted @ or / in the password), libpq and ODBC.
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://([^\s/@]+)@", re.IGNORECASE)
_GREEDY_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://([^\s/@:]*:\S+)@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?:password|passwd|pwd|secret|token|signature|api_?key|access_?key)="
    r"(?:'([^']+)'|([^\s;&,'\"]+))",
    re.IGNORECASE,
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+(\S*)", re.IGNORECASE)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_ROUTE = re.compile(r"/?(?:[a-z0-9_.{}<>:-]{1,20}/)*[a-z0-9_.-]{0,20}")
_NUMBERS = re.compile(r"[A-Za-z]?[\d\s.,:/_+-]+")
_ADDRESS = re.compile(r"(?:[\w.+-]+@)?(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?::\d+)?")


def secrets_in_settings(
    settings: Any, environ: Mapping[str, str] | None = None, names: Iterable[str] = ()
) -> set[str]:
    """Return the secret values of a Django settings object, and of an environment.

    A setting is secret by its name or by a key above the value, as Django's
    debug page has it; so are the credentials in a URL, wherever it stands. An
    environment variable is secret by its name, and so is what stands in JSON in
    one. Left alone are names of databases, users and hosts, import paths, paths
    of files, the usual words, and what is shorter than six characters.

    Args:
        environ: the environment variables.
        names: parts of more names that mean a secret, whatever their case.
    """
    search = _Search(names)
    search.settings(settings)
    search.environment(environ or {})
    return {value for value in search.found - search.plain if len(value) >= SHORTEST}


class _Search:
    """What was found up to now."""

    def __init__(self, names: Iterable[str]) -> None:
        self.found: set[str] = set()
        self.plain = set(_WORDS)
        """What is known to be no secret."""
        self._own = re.compile("|".join(map(re.escape, names)) or r"(?!)", re.IGNORECASE)

    def settings(self, settings: Any) -> None:
        from django.conf import global_settings

        for name in filter(str.isupper, dir(settings)):
            try:
                value = getattr(settings, name)
            except Exception:  # noqa: S112 - Django refuses an empty SECRET_KEY only here
                continue
            known_harmless = hasattr(global_settings, name) and name not in _SECRETS_OF_DJANGO
            self._take(value, "" if known_harmless else self._meant_by(name), name)

    def environment(self, environ: Mapping[str, str]) -> None:
        for name, value in environ.items():
            # No AUTHOR is secret: settings have no such names, environments do.
            secret = self._meant_by(_WORDS_WITHIN.sub("", name))
            if not secret and _PLACES_OUTSIDE.search(name):
                self.plain.add(value)
            self._take(value, secret and name, name)

    def _meant_by(self, name: str) -> str:
        """Return a name if what is under it is secret."""
        is_secret = name not in _HARMLESS_KEYS and SECRET_NAME.search(name)
        return name if is_secret or self._own.search(name) else ""

    def _take(self, value: Any, secret: str, name: str) -> None:
        for under, key, text in self._walk(value, secret, name, ()):
            if under and (self._own.search(under) or not _is_harmless(under, text)):
                self.found.add(text)
            elif key in _PLACES:
                self.plain.add(text)
                if key == "INSTALLED_APPS":  # Each label begins with one.
                    self.plain.update(text.split("."))
            self.found.update(_credentials(text, known_as_secret=bool(under)))

    def _walk(
        self, value: Any, secret: str, key: str, above: tuple[int, ...]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield (name that makes it secret or "", nearest key, text) for each text in a setting."""
        if isinstance(value, str):
            yield secret, key, value
            yield from self._walk(_from_json(value), secret, key, above)
        elif isinstance(value, (bytes, bytearray)):
            yield secret, key, bytes(value).decode("utf-8", "backslashreplace")
            yield secret, key, repr(bytes(value))[2:-1]
        elif isinstance(value, int) and not isinstance(value, bool) and self._own.search(secret):
            yield secret, key, str(value)
        elif id(value) in above:
            return
        for name, item in _items(value):
            if name is None:
                yield from self._walk(item, secret, key, (*above, id(value)))
                continue
            under = "" if name in _HARMLESS_KEYS else secret
            yield from self._walk(item, self._meant_by(name) or under, name, (*above, id(value)))


def _items(value: Any) -> Iterator[tuple[str | None, Any]]:
    """Yield (name or None, item) of what has any."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = vars(value) if hasattr(value, "__dict__") else {}
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        yield from ((str(name), item) for name, item in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((None, item) for item in value)


def _from_json(text: str) -> Any:
    """Return what a text holds as JSON, if it is an object or a list: so keys come in variables."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_harmless(name: str, value: str) -> bool:
    """Tell what only looks secret by its name: paths, routes, plain words, addresses, numbers."""
    if os.path.isabs(value) and os.path.exists(value):
        return True
    if _DOTTED.fullmatch(value) and value.partition(".")[0] in sys.modules:
        return True
    if _IS_THE_SECRET.search(name):
        return False
    if _NUMBERS.fullmatch(value) or _ADDRESS.fullmatch(value):
        return True
    if os.path.isabs(value):
        return not any(map(looks_random, value.split("/")))  # A web hook's path is one.
    is_route = "/" in value and _ROUTE.fullmatch(value) is not None
    return is_route or _URL.match(value) is not None or is_plain(value)


def _credentials(text: str, *, known_as_secret: bool) -> Iterator[str]:
    """Yield what is secret in a URL or in connection parameters."""
    for pattern in (_USERINFO, _GREEDY_USERINFO):
        for userinfo in pattern.findall(text):
            user, colon, password = userinfo.partition(":")
            if colon and len(password) >= SHORTEST:
                yield password
                yield _as_basic_auth(unquote(userinfo))
            elif not colon and not is_plain(user):
                yield user  # https://token@host
    for quoted, bare in _PARAMETER.findall(text):
        yield quoted or bare
    if known_as_secret:
        for path in _URL.findall(text):
            yield from (part for part in re.split(r"[/?&=#]", path) if looks_random(part))


def _as_basic_auth(userinfo: str) -> str:
    return base64.b64encode(userinfo.encode("utf-8", "replace")).decode().rstrip("=")
