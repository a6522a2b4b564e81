"""How the probes of a run are run and judged, whoever runs them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django_probe.redaction import Redactor

__all__ = ["RunConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What executors, workers and recorders need to know, made once for a run.

    It can be pickled: worker processes get it whole.
    """

    timeout: float | None = None
    """Seconds for a probe that says nothing else, and for each class or module fixture; None is
    no limit."""
    failfast: bool = False
    """Start no probe after one that blocks."""
    redactor: Redactor = field(default_factory=Redactor)
    """Makes what is recorded fit to be shown."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """32 hexadecimal digits: reports name them, and so do the requests of its probes."""
