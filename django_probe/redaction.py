"""No secret leaves in a record.

A ``Redactor`` masks the values that it is told, in every spelling that turns up
in reports, and what its place gives away. ``settings_secrets`` finds the values
in a Django project, ``credentials`` knows the places.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

from django_probe.bounded import MARGIN, BoundedText
from django_probe.credentials import MASK, SHORTEST, CredentialMask
from django_probe.sanitizing import clean, is_clean

__all__ = ["MASK", "TEXT_LIMIT", "Redactor"]

TEXT_LIMIT = 64 * 1024
"""Characters of a traceback that a record keeps."""

PIECE = 512
"""A longer secret is masked in pieces of at most this size."""

EDGE = 512
"""Characters at a cut that may hold a part of a credential whose place is beyond it."""

WINDOW = 2048
"""Characters that a pattern of the project's sees at once: what it takes is bounded by it."""
OVERLAP = 512
"""Characters that two windows share: what is longer, and lies across, is masked in part."""

_RUN = re.compile(r"[A-Za-z0-9]+")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")


class Redactor:
    """Mask secrets in text: known values, credentials by their place, what patterns find.

    Args:
        secrets: the values; those of fewer than six characters are left alone:
            masking them would turn a report into nonsense.
        names: names whose values are secret, besides the usual ones.
        patterns: whatever they find is secret.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        *,
        names: Iterable[str] = (),
        patterns: Iterable[re.Pattern[str]] = (),
    ) -> None:
        forms: set[str] = set()
        needles: set[str] = set()
        for piece in {piece for secret in secrets for piece in _pieces(secret)}:
            spellings = _spellings(piece)
            forms |= spellings
            needles |= _needles(piece, spellings)
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_as_pattern, longest_first)))
        self._needles = tuple(sorted(needles))
        self._credentials = CredentialMask(names)
        self._patterns = tuple(patterns)
        # What may be left of a secret at a cut, twice as long where cleaning has escaped it.
        self._edge = min(max(2 * max(map(len, forms), default=0), EDGE), MARGIN)

    def redact(self, text: str) -> str:
        """Return text with each secret replaced by ``MASK``."""
        for needle in self._needles:  # As in _may_hold_one(): a call would cost a tenth more.
            if needle in text:
                text = self._pattern.sub(MASK, text)
                break
        if self._credentials.may_find(text):
            text = self._credentials.masked(text)
        for pattern in self._patterns:
            text = _masked_by(pattern, text)
        return text

    def is_harmless(self, text: str) -> bool:
        """Return whether a quick look tells that text may be shown as it is."""
        return (
            is_clean(text)
            and not self._may_hold_one(text)
            and not self._credentials.may_find(text)
            and not self._patterns
        )

    def scrub(self, text: str, limit: int = TEXT_LIMIT) -> str:
        """Return text that may be shown: without control characters, redacted, then cut.

        A cut is marked; it takes the middle, for a traceback tells most at its end.
        """
        if len(text) <= limit + 2 * MARGIN:
            text = self._shown(text)
            if len(text) <= limit:
                return text
            return _marked(text[: limit // 2], text[-(limit // 2) :], len(text))
        kept = limit // 2 + MARGIN
        return self._cut(text[:kept], text[-kept:], limit // 2, len(text))

    def scrub_output(self, output: BoundedText) -> str:
        """Return captured output that may be shown, the cut marked."""
        head, tail = output.parts()
        if output.written == len(head) + len(tail):
            return self.scrub(head + tail, 2 * output.half)
        return self._cut(head, tail, output.half, output.written)

    def _shown(self, text: str) -> str:
        """Clean and redact: twice, for a secret may hold, or be broken by, what cleaning takes."""
        if self.is_harmless(text):
            return text
        return self.redact(clean(self.redact(text)))

    def _cut(self, head: str, tail: str, half: int, whole: int) -> str:
        """Join two ends, without what may be part of a secret that was cut in two."""
        head, tail = self._shown(head), self._shown(tail)
        head = head[: max(0, min(half, len(head) - self._edge))]
        return _marked(head, tail[max(len(tail) - half, self._edge) :], whole)

    def _may_hold_one(self, text: str) -> bool:
        for needle in self._needles:  # Quicker than any() with a generator.
            if needle in text:
                return True
        return False


def _as_pattern(form: str) -> str:
    """Return what finds a spelling; a number is no part of a longer one, unless in a URL."""
    if not form.isdigit():
        return re.escape(form)
    return rf"(?:(?<!\d)(?<!\d\.)|(?<=%[0-9A-Fa-f]{{2}})){form}(?!\d)"


def _masked_by(pattern: re.Pattern[str], text: str) -> str:
    """Mask what a project's pattern finds, a window at a time."""
    if len(text) <= WINDOW:
        return pattern.sub(_mask, text)
    spans: list[tuple[int, int]] = []
    for start in range(0, len(text), WINDOW - OVERLAP):
        found = pattern.finditer(text, start, min(start + WINDOW, len(text)))
        spans.extend(match.span() for match in found)
    kept, end = [], 0
    for first, last in sorted(spans):
        if last > end:
            kept += [text[end:first], MASK if first < last and first >= end else ""]
            end = last
    return "".join([*kept, text[end:]])


def _mask(match: re.Match[str]) -> str:
    """Return the mask; what is empty (between two words, say) stays."""
    return MASK if match[0] else ""


def _marked(head: str, tail: str, whole: int) -> str:
    """Join two ends; clean again, for the cut has begun a line in the middle of one."""
    return clean(f"{head}\n[… {whole - len(head) - len(tail)} characters cut …]\n{tail}")


def _pieces(secret: str) -> Iterator[str]:
    """Yield what to look for: the secret, or its lines and pieces where it is long.

    A private key is quoted by the line as often as whole.
    """
    if len(secret) <= PIECE:
        yield secret
    lines = secret.splitlines()
    if len(lines) == 1 and len(secret) <= PIECE:
        return
    for line in map(str.strip, lines):
        if len(line) >= 16 and not line.startswith("-----"):
            size = -(-len(line) // -(-len(line) // PIECE))
            yield from (line[start : start + size] for start in range(0, len(line), size))


def _spellings(secret: str) -> set[str]:
    """Return the ways to write a secret: as it is, in URLs, HTML, a repr, JSON, one in another."""
    # A surrogate cannot be written in a URL.
    sendable = secret.encode("utf-8", "replace").decode("utf-8")
    in_urls = {quote(sendable, safe=""), quote(sendable), quote_plus(sendable)}
    quoted = {*_quoted(secret), repr(sendable.encode())[2:-1]}
    forms = {
        secret,
        clean(secret),
        unquote(secret),
        html.escape(secret),
        *quoted,
        *(again for form in quoted for again in _quoted(form)),
        *in_urls,
        *(_ESCAPE.sub(lambda escape: escape[0].lower(), form) for form in in_urls),
    }
    return {form for form in forms if len(form) >= SHORTEST}


def _quoted(text: str) -> tuple[str, str]:
    """Return what stands between the quotation marks of a repr, and of JSON."""
    return repr(text)[1:-1], json.dumps(text)[1:-1]


def _needles(secret: str, spellings: set[str]) -> set[str]:
    """Return short texts of which every spelling holds one: to look for them is quick."""
    run = max(_RUN.findall(secret), key=len, default="")
    if len(run) < SHORTEST:
        return spellings
    return {run, *(spelling for spelling in spellings if run not in spelling)}
