"""YAML by PyYAML, in the few forms that every TAP reader takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

__all__ = ["block"]

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
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
    shaped = {name: _shaped(value) for name, value in values.items()}
    text: str = yaml.dump(
        shaped,
        Dumper=_TapDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**30,
    )
    return text


def _shaped(value: object) -> object:
    """Let a text of several lines end with one newline: it is written as ``|`` then.

    Blank lines are left out: Perl's reader gives the whole file up at one. A line
    that is a YAML marker alone is written another way: tap.py's ends the block there.
    """
    if not isinstance(value, str):
        return value
    lines = [_line(line) for line in value.split("\n") if line.strip()]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def _line(line: str) -> str:
    return _MARKERS.get(line.strip()) or line.rstrip().replace("\t", "    ")


def block(values: Mapping[str, object]) -> str:
    """Return what has a value as TAP 13 wants it: indented, between ``---`` and ``...``."""
    text = _dump({name: value for name, value in values.items() if value != ""})
    lines = "\n".join(f"  {line}" for line in text.splitlines())
    return f"  ---\n{lines}\n  ..."
