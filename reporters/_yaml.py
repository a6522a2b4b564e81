"""YAML by PyYAML, in the few forms that every TAP reader takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

__all__ = ["block"]

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
SHORT = 200
"""Characters of a text that may come again."""
LARGE = 1e9
"""Milliseconds, in thousandths, below which Python writes all digits and no exponent."""

# A path or a dotted name: no number, date or word like `yes` has this form.
_sure_to_be_plain = re.compile(r"[A-Za-z_][\w-]*[./][\w./-]*(?::\d+)?", re.ASCII).fullmatch
_MARKERS = {"...": "\u2026", "---": "\u2014"}


class _TapDumper(_Dumper):  # type: ignore[misc]
    """Write texts of several lines as literal blocks."""


def _represent_text(dumper: Any, text: str) -> Any:
    # A literal block that begins with a blank needs an indentation indicator,
    # which Perl's reader takes for an error; so does anything but `|`.
    literal = "\n" in text and not text.startswith((" ", "\n", "\t"))
    style = "|" if literal else '"' if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_TapDumper.add_representer(str, _represent_text)


def _dump(values: dict[str, object]) -> str:
    """Return a mapping as YAML, in its order; nothing is folded."""
    text: str = yaml.dump(
        values,
        Dumper=_TapDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**30,
    )
    return text


def _shaped(value: str) -> str:
    """Let a text of several lines end with one newline: it is written as ``|`` then.

    Blank lines are left out: Perl's reader gives the whole file up at one. A line
    that is a YAML marker alone is written another way: tap.py's ends the block there.
    """
    if _is_shaped(value):
        text = value.removesuffix("\n")
        return f"{text}\n" if "\n" in text else text
    lines = [_line(line) for line in value.split("\n") if line.strip()]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def _is_shaped(text: str) -> bool:
    """Return whether a quick look tells that no line has to be changed; True for most text."""
    if not text.isascii() or text[:1] == "\n" or text[-1:] == " ":
        return False
    for sign in ("\t", " \n", "\n\n", *_MARKERS):
        if sign in text:
            return False
    return True


def _line(line: str) -> str:
    return _MARKERS.get(line.strip()) or line.rstrip().replace("\t", "    ")


def _entry(name: str, value: object) -> str:
    """Return one entry as YAML: by PyYAML, unless it can be seen what PyYAML would write.

    To ask it for all takes longer than running and reporting a probe otherwise does.
    """
    if type(value) is str:
        return _short(name, value) if len(value) <= SHORT else _text(name, value)
    if type(value) is float and 0 < value < LARGE:
        return f"{name}: {value!r}\n"
    return _dump({name: value})


def _text(name: str, text: str) -> str:
    shaped = _shaped(text)
    if _sure_to_be_plain(shaped):
        return f"{name}: {shaped}\n"
    is_block = "\n" in shaped and shaped[0] not in " \n"
    if is_block and shaped.isascii() and shaped.replace("\n", "").isprintable():
        lines = shaped.replace("\n", "\n  ").rstrip(" ")
        return f"{name}: |\n  {lines}"
    return _dump({name: shaped})


_short = lru_cache(maxsize=256)(_text)
"""The same for what is likely to come again: an outcome, the message of an error."""


def block(values: Mapping[str, object]) -> str:
    """Return what has a value as TAP 13 wants it: indented, between ``---`` and ``...``."""
    text = "".join([_entry(name, value) for name, value in values.items() if value != ""])
    lines = text.rstrip("\n").replace("\n", "\n  ")
    return f"  ---\n  {lines}\n  ..."
