"""How the probes of a run are run and judged, whoever runs them."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field

from django_probe.here import CurrentTarget
from django_probe.redaction import Redactor

__all__ = ["RUN_ID", "SERVER", "RunConfig"]

RUN_ID = "DJANGO_PROBE_RUN"
"""The environment variable by which the endpoint gives a run its id."""
SERVER = "DJANGO_PROBE_SERVER"
"""The one by which it gives a run the mark of its server: one that comes back is refused."""


def _new_id() -> str:
    return os.environ.get(RUN_ID) or uuid.uuid4().hex


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
    allow_writes: bool = False
    """Let every probe write to every database: ``@allow_writes`` for all."""
    redactor: Redactor = field(default_factory=Redactor)
    """Makes what is recorded fit to be shown."""
    run_id: str = field(default_factory=_new_id)
    """32 hexadecimal digits: reports name them, and so do the requests of its probes."""
    strict: bool = False
    """A failed probe of severity ``warning`` blocks, too."""
    fail_on_flaky: bool = False
    """A probe that passed, but not at the first try, blocks."""
    retries: int = 0
    """How often a probe that failed is tried again, if it says nothing else."""
    retry_delay: float = 1.0
    """Seconds before the second try."""
    expect_release: str | None = None
    """What each target must serve before a probe runs there; None is any."""
    target: CurrentTarget = field(default_factory=CurrentTarget, repr=False)
    """What ``current_target()`` tells its probes."""
    tries: int = 0
    """How often these probes have been tried already: what the executor runs now comes after."""
