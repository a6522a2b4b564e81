"""The tokens of ``/probe/``: what each opens, and how one is recognised."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from django_probe.exceptions import ConfigurationError, kind_of

__all__ = ["LEAST_LENGTH", "SCOPES", "Token", "holder", "read_tokens"]

LEAST_LENGTH = 32
"""Characters: what ``secrets.token_urlsafe(24)`` gives."""
SCOPES = ("report", "verdict")
"""``report`` opens all; ``verdict`` tells whether all is well, and counts."""

_HASHED = re.compile(r"sha256:[0-9a-fA-F]{64}\Z")
_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: its SHA-256, never itself."""

    digest: bytes
    scope: str


def read_tokens(entries: Sequence[object]) -> tuple[Token, ...]:
    """Return the entries of ``PROBE_TOKENS``.

    An entry is a token, ``sha256:`` and the hash of one in hex, or a dict with
    ``TOKEN`` and ``SCOPE``.

    Raises:
        ConfigurationError: an entry is none of these; it does not tell the value.
    """
    # Read for each request, and hardly ever changed.
    if not _known or _known[0] != entries:
        found = tuple(_read(f"PROBE_TOKENS[{n}]", entry) for n, entry in enumerate(entries))
        _known[:] = deepcopy(entries), found
    return cast("tuple[Token, ...]", _known[1])


_known: list[Any] = []


def holder(tokens: Sequence[Token], credential: str) -> Token | None:
    """Return the token that a credential is, compared in constant time with every one."""
    if not credential.isascii():
        return None
    digest = hashlib.sha256(credential.encode("ascii")).digest()
    found = None
    for token in tokens:
        if secrets.compare_digest(token.digest, digest):
            found = token
    return found


def _read(where: str, entry: object) -> Token:
    scope: object = "report"
    if isinstance(entry, Mapping):
        if set(entry) - {"TOKEN", "SCOPE"} or "TOKEN" not in entry:
            raise ConfigurationError(f"{where} is a dict, expected the keys TOKEN and SCOPE in it.")
        scope = entry.get("SCOPE", scope)
        entry = entry["TOKEN"]
    if scope not in SCOPES:
        raise ConfigurationError(
            f"{where} has the SCOPE {scope!r}, expected 'report' or 'verdict'."
        )
    if not isinstance(entry, str):
        raise ConfigurationError(
            f"{where} is {kind_of(entry)}, expected a string, or a dict with TOKEN and SCOPE."
        )
    return _token(where, entry, str(scope))


def _token(where: str, text: str, scope: str) -> Token:
    if text.startswith("sha256:"):
        if not _HASHED.match(text):
            raise ConfigurationError(
                f"{where} begins with 'sha256:', expected 64 hexadecimal digits behind it."
            )
        return Token(bytes.fromhex(text[7:]), scope)
    if len(text) < LEAST_LENGTH:
        raise ConfigurationError(
            f"{where} has {len(text)} characters, expected {LEAST_LENGTH} at least: {_MAKE_ONE}"
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{where} holds what no header carries, a blank or beyond ASCII: {_MAKE_ONE}"
        )
    return Token(hashlib.sha256(text.encode("ascii")).digest(), scope)
