"""Saved wires, as they lie there: what each is called, and what its targets are called here."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django_probe.events import RunStarted
from django_probe.exceptions import ConfigurationError, WireError
from django_probe.results import DEFAULT_TARGET
from django_probe.setting_entries import is_alias
from django_probe.wire import decode
from django_probe.wire_lines import WireLines

__all__ = ["Wire", "opened"]

PIECE = 256 * 1024
MOST = 1024 * 1024 * 1024
"""Bytes of a saved wire: it is read piece by piece."""
STDIN = "-"

_NO_ALIAS = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One saved wire."""

    name: str
    """As a person has written it."""
    began: RunStarted | None
    """What it begins with; None where that is no beginning."""
    aliases: Mapping[str, str]
    """What it calls its targets -> what they are called here."""
    kept: tuple[bytes, ...] = ()
    """The pieces of one that cannot be read twice."""

    def lines(self) -> Iterator[bytes]:
        """Yield its lines, the last one too if it has no newline.

        Raises:
            WireError: a line is too long, or all of it.
            OSError: it cannot be read.
        """
        lines = WireLines(longest=64 * 1024 * 1024, most=MOST)
        for piece in self.kept or _pieces(self.name):
            yield from lines.take(piece)
        if lines.rest.strip():
            yield _whole(lines.rest)


def opened(texts: Sequence[str]) -> list[Wire]:
    """Return saved wires, each target with a name of its own.

    Args:
        texts: ``FILE`` or ``ALIAS=FILE``; ``-`` is stdin.

    Raises:
        ConfigurationError: a file cannot be read, or two wires tell of one target.
    """
    wires = [_opened(text, alone=len(texts) == 1) for text in texts]
    _refuse_twins(wires)
    return wires


def _opened(text: str, *, alone: bool) -> Wire:
    alias, name = _parted(text)
    wire = Wire(name=name, began=None, aliases={}, kept=_stdin() if name == STDIN else ())
    try:
        first = next(wire.lines(), b"")
    except OSError as exc:
        raise ConfigurationError(
            f"The wire {name!r} cannot be read: {exc.strerror or exc}: give the path of what"
            " --format jsonl wrote."
        ) from exc
    except WireError:
        first = b""
    began = _begun(first)
    stem = alias or _NO_ALIAS.sub("-", Path(name).stem).strip("-") or "stdin"
    own = DEFAULT_TARGET if alone and not alias else stem
    targets = began.targets if began else (DEFAULT_TARGET,)
    if len(targets) == 1:
        named = own if alias or targets[0] == DEFAULT_TARGET else targets[0]
        return replace(wire, began=began, aliases={targets[0]: named})
    aliases = {target: f"{alias}-{target}" if alias else target for target in targets}
    return replace(wire, began=began, aliases=aliases)


def _parted(text: str) -> tuple[str, str]:
    """Return the alias and the path that an argument holds."""
    alias, equals, name = text.partition("=")
    if not equals or not is_alias(alias) or Path(text).exists():
        return "", text
    return alias, name


def _begun(line: bytes) -> RunStarted | None:
    """Return the beginning of a wire, if its targets can be told apart by it."""
    try:
        event = decode(line.decode("utf-8", "replace"))
    except WireError:
        return None
    if not isinstance(event, RunStarted) or event.started_at.tzinfo is None:
        return None
    names = [name for name in event.targets if isinstance(name, str) and is_alias(name)]
    is_whole = names and names == list(event.targets) and len(set(names)) == len(names)
    return event if is_whole else None


def _refuse_twins(wires: Sequence[Wire]) -> None:
    counts = Counter(alias for wire in wires for alias in wire.aliases.values())
    for alias, times in counts.items():
        if times > 1:
            of = [repr(wire.name) for wire in wires if alias in wire.aliases.values()]
            raise ConfigurationError(
                f"The target {alias!r} is in {' and '.join(of)}, expected it in one of them: write"
                " ALIAS=FILE to tell them apart."
            )


def _whole(line: bytes) -> bytes:
    """Return a last line without a newline, if all of it is there.

    Raises:
        WireError: it was cut.
    """
    try:
        decode(line.decode("utf-8", "replace"))
    except WireError as exc:
        raise WireError("It ends in the middle of a line.") from exc
    return line


def _pieces(name: str) -> Iterator[bytes]:
    with Path(name).open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


def _stdin() -> tuple[bytes, ...]:
    return tuple(iter(lambda: sys.stdin.buffer.read(PIECE), b""))
