"""What an author says of a probe: ``@tag``, ``@timeout``, ``@serial``.

Marks work on a probe class and on a probe method; a method's mark goes before
its class's. They are plain attributes: a marked class still runs under any
other unittest runner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from django_probe.exceptions import ConfigurationError

__all__ = ["SERIAL_ATTRIBUTE", "TIMEOUT_ATTRIBUTE", "serial", "tag", "tags_of", "timeout"]

Marked = TypeVar("Marked", bound=Callable[..., Any])

TIMEOUT_ATTRIBUTE = "__probe_timeout__"
SERIAL_ATTRIBUTE = "__probe_serial__"

_NONE: frozenset[str] = frozenset()


def tag(*tags: str) -> Callable[[Marked], Marked]:
    """Mark a probe with names for ``--tag`` and ``--exclude-tag``.

    It is the same mark as ``django.test.tag`` (the attribute ``tags``), without
    the import of ``django.test``: either one is honoured.

    Raises:
        ConfigurationError: a tag is not a string, or there is none.
    """
    if not tags or not all(isinstance(name, str) for name in tags):
        raise ConfigurationError(
            f"@tag got {tags!r}, expected one or more strings: write @tag('smoke')."
        )

    def decorate(item: Marked) -> Marked:
        setattr(item, "tags", set(tags_of(item).union(tags)))  # noqa: B010
        return item

    return decorate


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
        ConfigurationError: not a number greater than zero.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigurationError(
            f"@timeout got {seconds!r}, expected a number of seconds greater than 0:"
            " write @timeout(5)."
        )

    def decorate(item: Marked) -> Marked:
        setattr(item, TIMEOUT_ATTRIBUTE, float(seconds))
        return item

    return decorate


@overload
def serial(item: Marked) -> Marked: ...
@overload
def serial() -> Callable[[Marked], Marked]: ...
def serial(item: Any = None) -> Any:
    """Run the probes that are marked while no other probe runs.

    For what is process-wide: ``mock.patch``, ``assertLogs``, ``override_settings``,
    ``os.environ``. Write ``@serial`` or ``@serial()``.

    Raises:
        ConfigurationError: what is marked is neither a class nor a function.
    """
    if item is None:
        return serial
    if not callable(item):
        raise ConfigurationError(
            f"@serial got {item!r}, expected a probe class or method: write @serial above one."
        )
    setattr(item, SERIAL_ATTRIBUTE, True)
    return item
