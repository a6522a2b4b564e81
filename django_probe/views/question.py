"""What a request asks for: its path and query, checked; never more than these become options."""

from __future__ import annotations

import hmac
import json
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from django.conf import settings as django_settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict

from django_probe.conf import settings
from django_probe.encoding import WIRE_VERSION
from django_probe.setting_entries import is_alias
from django_probe.views.refusing import Refusal

__all__ = ["Question", "Wish", "read", "refuse_secrets", "stream_format"]

LONGEST_QUERY = 8192
"""Characters; no label is anywhere near it."""
MOST_VALUES = 100

LISTS = {
    "label": "labels",
    "tag": "tags",
    "exclude_tag": "exclude_tags",
    "k": "patterns",
    "target": "targets",
}
FLAGS = ("fresh", "status", "stream", "async", "local")
SECRETS = re.compile(
    r"(?:^|[&;])(?:token|access_token|auth|authorization|bearer|api_?key|key|secret|password)=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """Which probes are asked: those who ask the same get the same run."""

    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    local: bool = False
    """Whether this very instance is asked: no other deployment, and no run of another host."""
    key: str = field(default="", compare=False)
    """What tells it from others: of another project, of another release."""

    def arguments(self) -> list[str]:
        """Return the arguments of ``manage.py probe``: each value in one with its option."""
        options = {
            "--tag": self.tags,
            "--exclude-tag": self.exclude_tags,
            "-k": self.patterns,
            "--target": self.targets,
        }
        given = [f"{name}={value}" for name, values in options.items() for value in values]
        local = ["--local"] if self.local else []
        return ["--format=jsonl", "--no-color", *local, *given, "--", *self.labels]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for, and how the answer shall be."""

    question: Question
    format: str | None = None
    fresh: bool = False
    status: bool = False
    stream: bool = False
    asynchronous: bool = False
    query: str = field(default="", compare=False)


def refuse_secrets(request: HttpRequest) -> None:
    """Return if the query holds no token, as far as its keys say.

    Raises:
        Refusal: 400, it does.
    """
    if SECRETS.search(request.META.get("QUERY_STRING", "")[:LONGEST_QUERY]):
        raise Refusal(
            400,
            "A token in the query ends up in logs: send it as the header 'Authorization: Bearer …',"
            " and make a new one.",
        )


def read(request: HttpRequest, label: str = "") -> Wish:
    """Return what a request asks for.

    Raises:
        Refusal: 400, 404: a query that is none of ours, an unknown target.
    """
    query = request.META.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY:
        raise Refusal(
            400, f"The query has {len(query)} characters, expected {LONGEST_QUERY} at most."
        )
    wish = _parsed(_as_text(query), label, settings.release, django_settings.SECRET_KEY)
    _known_targets(wish.question.targets)
    return wish


def stream_format(wish: Wish) -> str | None:
    """Return the name of the format that the query asks for.

    Raises:
        Refusal: 400, a stream in another format than that of the wire.
    """
    if not wish.stream:
        return wish.format
    if wish.format not in (None, "jsonl"):
        raise Refusal(400, f"stream=1 is jsonl, and format is {wish.format[:80]!r}: leave one out.")
    return "jsonl"


def _as_text(query: str) -> str:
    """Return a query that was not escaped as text: WSGI hands its bytes over as Latin-1."""
    if query.isascii():
        return query
    try:
        return query.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return query


@lru_cache(maxsize=256)
def _parsed(query: str, label: str, release: str, secret: str | bytes) -> Wish:
    try:
        given = QueryDict(query, encoding="utf-8")
    except SuspiciousOperation as exc:
        raise Refusal(400, "The query has too many fields.") from exc
    for name in given:
        if name not in LISTS and name not in FLAGS and name != "format":
            known = ", ".join([*LISTS, "format", *FLAGS])
            raise Refusal(400, f"Unknown query key {name!r}, expected one of {known}.")
    lists = {kind: _values(name, given.getlist(name)) for name, kind in LISTS.items()}
    if label:
        lists["labels"] = _values("label", [label, *lists["labels"]])
    flags = {name: _flag(name, given.getlist(name)) for name in FLAGS}
    return Wish(
        Question(
            **lists,
            local=flags["local"],
            key=_key(lists, release, secret, local=flags["local"]),
        ),
        format=_single("format", given.getlist("format")),
        fresh=flags["fresh"],
        status=flags["stream"] or _is_200(given.getlist("status")),
        stream=flags["stream"],
        asynchronous=flags["async"],
        query=query,
    )


def _values(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return the values of a key, each once, in an order that does not matter."""
    found = sorted(set(values))
    if len(found) > MOST_VALUES:
        raise Refusal(400, f"{name} is given {len(found)} times, expected {MOST_VALUES} at most.")
    for value in found:
        # argparse takes "--" for the end of the options, wherever it stands.
        if not value or value == "--" or not value.isprintable():
            raise Refusal(400, f"{name} is {value[:80]!r}, expected text of printable characters.")
        if name in ("label", "target") and value.startswith("-"):
            raise Refusal(404, f"Unknown {name} {value[:80]!r}.")
    return tuple(found)


def _flag(name: str, values: list[str]) -> bool:
    value = _single(name, values)
    if name == "status" or value is None:
        return False
    if value not in ("0", "1"):
        raise Refusal(400, f"{name} is {value[:80]!r}, expected 1 or 0.")
    return value == "1"


def _is_200(values: list[str]) -> bool:
    value = _single("status", values)
    if value not in (None, "200"):
        raise Refusal(400, f"status is {value[:80]!r}, expected 200.")
    return value is not None


def _single(name: str, values: list[str]) -> str | None:
    if len(values) > 1:
        raise Refusal(400, f"{name} is given {len(values)} times, expected once.")
    return values[0] if values else None


def _known_targets(targets: tuple[str, ...]) -> None:
    """Refuse what is no target; where a function tells which there are, a run's process asks it."""
    known = settings.targets if targets else {}
    there = None if isinstance(known, str) or callable(known) else known
    for target in targets:
        if not is_alias(target) or (there is not None and target not in there):
            raise Refusal(404, f"Unknown target {target[:80]!r}.")


def _key(
    asked: Mapping[str, tuple[str, ...]], release: str, secret: str | bytes, *, local: bool
) -> str:
    where = getattr(django_settings, "SETTINGS_MODULE", "")
    host = socket.gethostname() if local else ""
    text = json.dumps([WIRE_VERSION, where, release, asked, host])
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return hmac.new(secret, text.encode(), sha256).hexdigest()
