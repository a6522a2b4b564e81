"""How the command was called, to call it again."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["own_command"]

_SAME = ("settings", "pythonpath", "target", "local", "timeout", "allow_writes")
"""Options without which a probe is not found, or may come to another result."""


def own_command(options: Mapping[str, Any]) -> str:
    """Return what asks the same deployment in the same way; labels go behind it.

    Args:
        options: the command's options, by their names in Python.
    """
    return " ".join([*map(shlex.quote, _start()), "probe", *_same(options)])


def _start() -> list[str]:
    """Return the interpreter and the script, as they were typed."""
    typed, (script, *given) = list(sys.orig_argv), sys.argv
    if given[:1] == ["probe"] and typed[-len(given) :] == given:
        return typed[: -len(given)]
    return ["python", script if script.endswith("manage.py") else "manage.py"]


def _same(options: Mapping[str, Any]) -> Iterator[str]:
    for name in _SAME:
        given = options.get(name) or ()
        for value in given if isinstance(given, (list, tuple)) else [given]:
            yield f"--{name.replace('_', '-')}"
            if value is not True:
                yield shlex.quote(format(value, "g") if isinstance(value, float) else str(value))
