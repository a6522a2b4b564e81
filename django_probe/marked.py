"""What the marks of a probe come to: its own go before those of its class."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

from django_probe.gate_marks import (
    QUARANTINE_ATTRIBUTE,
    RETRY_ATTRIBUTE,
    SEVERITY_ATTRIBUTE,
    Quarantine,
)
from django_probe.marks import (
    MARKED_ATTRIBUTE,
    ONLY_ON_ATTRIBUTE,
    SERIAL_ATTRIBUTE,
    TIMEOUT_ATTRIBUTE,
    tags_of,
    writes_of,
)
from django_probe.results import Retry

__all__ = ["UNMARKED", "Marks", "marks_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The marks of a class, or of one of its methods."""

    tags: frozenset[str] = frozenset()
    timeout: float | None = None
    """Seconds; None leaves it to the run."""
    serial: bool | str = False
    """True, or the name of a group of probes that wait for each other."""
    severity: str = "error"
    quarantine: Quarantine | None = None
    retry: Retry | None = None
    writes: frozenset[str] = frozenset()
    """The aliases of the databases that it may write to."""
    only_on: tuple[str, ...] = ()
    """The targets, or globs of them, that it is for; none is all."""

    @property
    def alone(self) -> bool:
        """Return whether it must run while nothing else does."""
        return self.serial is True

    @property
    def group(self) -> str:
        """Return the name of the group whose probes wait for each other, "" for none."""
        return self.serial if isinstance(self.serial, str) else ""


UNMARKED = Marks()


def marks_of(item: Any, above: Marks = UNMARKED) -> Marks:
    """Return the marks of a class or a method.

    Args:
        above: those of the class of a method. Most methods have none of their own.
    """
    is_plain = type(item) is FunctionType and not hasattr(item, MARKED_ATTRIBUTE)
    if is_plain and not hasattr(item, "tags"):  # Django's own may stand there.
        return above
    return Marks(
        tags=above.tags | tags_of(item),
        timeout=getattr(item, TIMEOUT_ATTRIBUTE, None) or above.timeout,
        serial=getattr(item, SERIAL_ATTRIBUTE, above.serial),
        severity=getattr(item, SEVERITY_ATTRIBUTE, above.severity),
        quarantine=getattr(item, QUARANTINE_ATTRIBUTE, above.quarantine),
        retry=getattr(item, RETRY_ATTRIBUTE, above.retry),
        writes=above.writes | writes_of(item),
        only_on=getattr(item, ONLY_ON_ATTRIBUTE, above.only_on),
    )
