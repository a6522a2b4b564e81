"""What an author says of a probe: its tags, time and targets, whether it is alone and writes.

Those that have a say in the verdict are in ``gate_marks``.

Marks work on a probe class and on a probe method; a method's mark goes before
its class's. They are plain attributes: a marked class still runs under any
other unittest runner.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar, overload

from django_probe.exceptions import MarkError

__all__ = [
    "EVERY_ALIAS",
    "MARKED_ATTRIBUTE",
    "MARK_PREFIX",
    "ONLY_ON_ATTRIBUTE",
    "SERIAL_ATTRIBUTE",
    "TIMEOUT_ATTRIBUTE",
    "WRITES_ATTRIBUTE",
    "Marked",
    "allow_writes",
    "is_only_on_used",
    "mark_error",
    "marker",
    "only_on",
    "put_mark",
    "serial",
    "tag",
    "tags_of",
    "timeout",
    "writes_of",
]

Marked = TypeVar("Marked", bound=Callable[..., Any])

MARK_PREFIX = "__probe_"
"""How the attribute of every mark begins: ``stray_marks`` finds them by it."""
MARKED_ATTRIBUTE = "_probe_marked"
"""What every mark leaves besides its own.

``__dict__`` would tell as well, but a function makes and keeps one when it is asked.
"""
TIMEOUT_ATTRIBUTE = "__probe_timeout__"
SERIAL_ATTRIBUTE = "__probe_serial__"
TAG_ATTRIBUTE = "__probe_tag__"
ONLY_ON_ATTRIBUTE = "__probe_only_on__"
WRITES_ATTRIBUTE = "__probe_allow_writes__"

EVERY_ALIAS = frozenset({"*"})
"""What ``@allow_writes`` without a name allows."""

_NONE: frozenset[str] = frozenset()
_limited: list[bool] = []


def put_mark(item: Any, attribute: str, value: object) -> Any:
    """Put a mark on a class or a function; return that.

    Raises:
        MarkError: it is neither.
    """
    name = attribute.removeprefix(MARK_PREFIX).rstrip("_")
    if not callable(item) and not isinstance(item, (classmethod, staticmethod)):
        raise mark_error(
            f"@{name} got {item!r}, expected a probe class or method: write @{name} above one."
        )
    setattr(item, attribute, value)
    setattr(item, MARKED_ATTRIBUTE, True)
    return item


def marker(attribute: str, value: object) -> Callable[[Marked], Marked]:
    """Return a decorator that puts a mark."""

    def decorate(item: Marked) -> Marked:
        put_mark(item, attribute, value)
        return item

    return decorate


def mark_error(message: str) -> MarkError:
    """Return the error of a mark, with the file and line where the mark stands."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("django_probe."):
        frame = frame.f_back
    place = os.path.relpath(frame.f_code.co_filename)
    if place.startswith(os.pardir):
        place = frame.f_code.co_filename
    return MarkError(f"{place}:{frame.f_lineno}: {message}")


def tag(*tags: str) -> Callable[[Marked], Marked]:
    """Mark a probe with names for ``--tag`` and ``--exclude-tag``.

    It is the same mark as ``django.test.tag`` (the attribute ``tags``), without
    the import of ``django.test``: either one is honoured.

    Raises:
        MarkError: a tag is not a string, or there is none.
    """
    if not tags or not all(isinstance(name, str) for name in tags):
        raise mark_error(f"@tag got {tags!r}, expected one or more strings: write @tag('smoke').")

    def decorate(item: Marked) -> Marked:
        put_mark(item, TAG_ATTRIBUTE, True)
        put_mark(item, "tags", set(tags_of(item).union(tags)))
        return item

    return decorate


def is_only_on_used() -> bool:
    """Return whether ``@only_on`` stands anywhere in this process: else nobody need look for it."""
    return bool(_limited)


def tags_of(item: object) -> frozenset[str]:
    """Return the tags of a class or function; what else may be named ``tags`` is none."""
    tags = getattr(item, "tags", None)
    if tags is None:
        return _NONE
    if isinstance(tags, str):
        return frozenset({tags})
    if not isinstance(tags, (set, frozenset, list, tuple)):
        return _NONE
    return frozenset(name for name in tags if isinstance(name, str))


def timeout(seconds: float) -> Callable[[Marked], Marked]:
    """Limit each probe that is marked to ``seconds`` (more than zero).

    It goes before ``--timeout`` and ``PROBE_TIMEOUT``.

    Raises:
        MarkError: not a number greater than zero.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise mark_error(
            f"@timeout got {seconds!r}, expected a number of seconds greater than 0:"
            " write @timeout(5)."
        )
    return marker(TIMEOUT_ATTRIBUTE, float(seconds))


def only_on(*targets: str) -> Callable[[Marked], Marked]:
    """Ask a probe on these targets alone: aliases of ``PROBE_TARGETS``, or globs of them.

    On a method it goes before that of its class. Write ``@only_on("eu", "staging-*")``.

    Raises:
        MarkError: a target is no text, or there is none.
    """
    if not targets or not all(isinstance(name, str) and name for name in targets):
        raise mark_error(
            f"@only_on got {targets!r}, expected aliases of PROBE_TARGETS, or globs of them:"
            " write @only_on('eu', 'staging-*')."
        )
    _limited[:] = [True]
    return marker(ONLY_ON_ATTRIBUTE, targets)


@overload
def serial(group: Marked, /) -> Marked: ...
@overload
def serial(group: str | None = None, /) -> Callable[[Marked], Marked]: ...
def serial(group: Any = None, /) -> Any:
    """Run the probes that are marked while no other probe runs.

    For what is process-wide: ``mock.patch``, ``assertLogs``, ``override_settings``,
    ``os.environ``. Write ``@serial`` or ``@serial()``. With the name of a group,
    ``@serial("stock")``, only probes of that group wait for each other, whichever
    class they are of.

    Raises:
        MarkError: what is marked is neither a class nor a function, or the group is no name.
    """
    if group is None:
        return marker(SERIAL_ATTRIBUTE, True)
    if not isinstance(group, str):
        return put_mark(group, SERIAL_ATTRIBUTE, True)
    if not group:
        raise mark_error("@serial got '', expected the name of a group: write @serial('stock').")
    return marker(SERIAL_ATTRIBUTE, group)


@overload
def allow_writes(item: Marked, /) -> Marked: ...
@overload
def allow_writes(*aliases: str) -> Callable[[Marked], Marked]: ...
def allow_writes(*aliases: Any) -> Any:
    """Let the probes that are marked write to the databases of these aliases.

    Without an alias: to all. On a class it covers the class fixtures too, on
    ``setUpModule`` or ``tearDownModule`` those of the module. Write
    ``@allow_writes``, ``@allow_writes()`` or ``@allow_writes("orders")``.

    Raises:
        MarkError: an alias is no string.
    """
    if len(aliases) == 1 and not isinstance(aliases[0], str):
        return _allow(aliases[0], EVERY_ALIAS)
    if not all(isinstance(alias, str) for alias in aliases):
        raise mark_error(
            f"@allow_writes got {aliases!r}, expected aliases of DATABASES:"
            " write @allow_writes('default'), or @allow_writes for all."
        )
    return lambda item: _allow(item, frozenset(aliases) or EVERY_ALIAS)


def writes_of(item: object) -> frozenset[str]:
    """Return the aliases that a class or function is allowed to write to."""
    found = getattr(item, WRITES_ATTRIBUTE, _NONE)
    return found if isinstance(found, frozenset) else _NONE


def _allow(item: Any, aliases: frozenset[str]) -> Any:
    return put_mark(item, WRITES_ATTRIBUTE, writes_of(item) | aliases)
