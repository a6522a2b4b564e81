"""Whether a regular expression may take for ever.

Nothing in the process can end a match that backtracks for ever: it holds the
interpreter. So a repetition that holds another one is found by its syntax,
before it meets a text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

__all__ = ["may_run_away"]

# Private, and the only way to see what a pattern may do: it moved in Python 3.11.
_parser: Any = import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

_MANY = 16
"""Repetitions from which on they count as without end."""
_TRIED = range(256)
"""Characters that are tried to see whether two parts of a pattern take the same one."""
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def may_run_away(pattern: re.Pattern[str]) -> bool:
    r"""Return whether something is repeated without end that holds an ambiguity.

    That is another repetition without end, as in ``(a+)+``, or branches that begin
    alike, as in ``(a|ab)*``; not ``(\w+,)+``, where each round ends with what the
    inner one cannot take. What is slow in another way is not found.
    """
    return _is_ambiguous(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))


def _is_ambiguous(parts: Any, *, repeated: bool = False, unparted: bool = False) -> bool:
    """Look into a pattern.

    Args:
        repeated: it stands inside a repetition without end.
        unparted: and the rounds of that one are not told apart by a character.
    """
    for operation, argument in parts:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            endless, body = argument[1] > _MANY, argument[2]
            if endless and unparted:
                return True
            bodies = [body]
            again = (repeated or endless, unparted or (endless and not _is_parted(body)))
        elif name == "BRANCH":
            bodies, again = argument[1], (repeated, unparted)
            if repeated and not _are_apart([next(iter(body), None) for body in bodies]):
                return True
        else:
            bodies, again = list(_bodies(argument)), (repeated, unparted)
        if any(_is_ambiguous(body, repeated=again[0], unparted=again[1]) for body in bodies):
            return True
    return False


def _bodies(argument: Any) -> Iterator[Any]:
    """Yield the patterns inside a group, a lookaround, a condition."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for item in argument:
            yield from _bodies(item)


def _is_parted(body: Any) -> bool:
    """Return whether a character that no repetition inside can take begins or ends each round."""
    items = list(body)
    if len(items) == 1 and str(items[0][0]) == "SUBPATTERN":
        return _is_parted(items[0][1][-1])
    inner = [argument for op, argument in items if str(op) in ("MAX_REPEAT", "MIN_REPEAT")]
    endless = [list(argument[2]) for argument in inner if argument[1] > _MANY]
    if not all(len(found) == 1 for found in endless):
        return False
    return any(
        _is_character(end) and all(_are_apart([end, found[0]]) for found in endless)
        for end in (items[0], items[-1])
    )


def _are_apart(items: list[Any]) -> bool:
    """Return whether no character is taken by two of the items."""
    if not all(item is not None and _is_character(item) for item in items):
        return False
    return not any(sum(_takes(item, code) for item in items) > 1 for code in _TRIED)


def _is_character(item: Any) -> bool:
    return str(item[0]) in ("LITERAL", "NOT_LITERAL", "ANY", "IN")


def _takes(item: Any, code: int) -> bool:
    """Return whether an item that stands for one character takes this one, in any case."""
    name, argument = str(item[0]), item[1]
    if name == "IN":
        inverted = str(argument[0][0]) == "NEGATE"
        return inverted != any(_takes(part, code) for part in argument[inverted:])
    if name == "LITERAL":
        return chr(argument).lower() == chr(code).lower()
    if name == "NOT_LITERAL":
        return bool(argument != code)
    if name == "RANGE":
        cases = (code, ord(chr(code).swapcase()[0]))
        return any(argument[0] <= case <= argument[1] for case in cases)
    if name == "CATEGORY":
        return re.match(_CATEGORIES.get(str(argument), "(?s:.)"), chr(code)) is not None
    return True
