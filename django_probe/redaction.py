"""No secret leaves in a record.

A ``Redactor`` knows the values of the settings that Django calls secret
(``django.views.debug.SafeExceptionReporterFilter.hidden_settings``), nested ones
and the passwords in URLs included, and masks them wherever they turn up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from django_probe.bounded import MARGIN, BoundedText
from django_probe.sanitizing import clean

__all__ = ["MASK", "Redactor", "secrets_in_settings"]

MASK = "********************"
"""What Django's debug page puts in the place of a secret."""

TEXT_LIMIT = 64 * 1024
"""Characters of a traceback that a record keeps."""

SHORTEST = 6
"""Values shorter than this are left: masking them would turn a report into nonsense."""

# A superset of Django's pattern; a test holds it to that.
_SECRET_NAME = re.compile(
    r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|CREDENTIAL|DSN", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@", re.IGNORECASE)
_DOTTED_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")
_SECRETS_OF_DJANGO = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_HOST_PASSWORD"})
_PLACES = frozenset({"NAME", "USER", "HOST", "PORT", "ENGINE", "BACKEND"})


class Redactor:
    """Mask known secret values in text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = {form for secret in secrets for form in _spellings(secret)}
        longest_first = sorted(values, key=lambda value: (-len(value), value))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if values else None

    def redact(self, text: str) -> str:
        """Return text with each secret replaced by ``MASK``."""
        if not text or self._pattern is None:
            return text
        return self._pattern.sub(MASK, text)

    def scrub(self, text: str, limit: int = TEXT_LIMIT) -> str:
        """Return text that may be shown: without control characters, redacted, then cut.

        It is redacted twice: a secret may hold, or be broken by, what cleaning removes.
        """
        if not text:
            return text
        text = self.redact(clean(self.redact(text)))
        if len(text) <= limit:
            return text
        return text[:limit] + f"\n[… {len(text) - limit} characters cut]"

    def scrub_output(self, output: BoundedText) -> str:
        """Return captured output that may be shown, the cut marked."""
        head, tail = output.parts()
        if not tail:
            return self.scrub(head)
        half = output.half
        head, tail = self.scrub(head, 2**31)[:half], self.scrub(tail, 2**31)[-half:]
        cut = output.written - len(head) - len(tail)
        return f"{head}\n[… {cut} characters cut …]\n{tail}"


def secrets_in_settings(settings: Any) -> set[str]:
    """Return the secret values of a Django settings object.

    A setting is secret by its name, or by the name of a key above the value;
    the password of a URL is one wherever it stands. Values that also name a
    database, user or host are left alone, and so are dotted paths.
    """
    from django.conf import global_settings

    found: set[str] = set()
    plain: set[str] = set()
    for name in dir(settings):
        if not name.isupper():
            continue
        known_harmless = hasattr(global_settings, name) and name not in _SECRETS_OF_DJANGO
        secret = bool(_SECRET_NAME.search(name)) and not known_harmless
        for is_secret, key, value in _walk(getattr(settings, name), secret, name):
            if is_secret:
                found.add(value)
            elif key in _PLACES:
                plain.add(value)
            found.update(_URL_PASSWORD.findall(value))
    return {v for v in found if len(v) >= SHORTEST and v not in plain and not _is_path(v)}


def _walk(value: Any, secret: bool, key: str) -> Iterator[tuple[bool, str, str]]:
    """Yield (is it secret, nearest key, value) for each string below a setting."""
    if isinstance(value, str):
        yield secret, key, value
    elif isinstance(value, bytes):
        yield secret, key, value.decode("utf-8", "replace")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _walk(item, secret or bool(_SECRET_NAME.search(str(name))), str(name))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _walk(item, secret, key)


def _is_path(value: str) -> bool:
    """Tell an import path (``shop.auth.TokenBackend``) or file path from a secret."""
    return bool(_DOTTED_PATH.match(value)) or value.startswith("/")


def _spellings(secret: str) -> set[str]:
    """Return the ways a secret is written: as it is, in a URL, in a repr."""
    secret = secret[:MARGIN]
    forms = {secret, quote(secret, safe=""), quote(secret), unquote(secret), repr(secret)[1:-1]}
    return {form for form in forms if len(form) >= SHORTEST}
