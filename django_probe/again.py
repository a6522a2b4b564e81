"""How the command was called, to call it again."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["own_command", "spelled"]

_SAME = (
    *("settings", "pythonpath", "target", "local", "tag", "exclude_tag", "patterns"),
    *("timeout", "allow_writes"),
)
"""Options without which other probes are found, or one may come to another result."""
_FLAGS = {"patterns": "-k"}


def own_command(options: Mapping[str, Any]) -> str:
    """Return what asks the same deployment in the same way; labels go behind it.

    Args:
        options: the command's options, by their names in Python.
    """
    return " ".join([*map(shlex.quote, _start()), "probe", *spelled(options, _SAME)])


def spelled(options: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """Yield those of some options that were given, as they are typed in a shell."""
    for name in names:
        given = options.get(name) or ()
        for value in given if isinstance(given, (list, tuple)) else [given]:
            yield _FLAGS.get(name, f"--{name.replace('_', '-')}")
            if value is not True:
                yield shlex.quote(format(value, "g") if isinstance(value, float) else str(value))


def _start() -> list[str]:
    """Return the interpreter and the script, as they were typed."""
    typed, (script, *given) = list(sys.orig_argv), sys.argv
    if given[:1] == ["probe"] and typed[-len(given) :] == given:
        return typed[: -len(given)]
    return ["python", script if script.endswith("manage.py") else "manage.py"]
