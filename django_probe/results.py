"""The records of a run: what was asked, and what came of it.

Frozen and made of plain values only. An exception, a test case or a stream
never gets in here, so that a record can be kept, sent and compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django_probe.records import quickly_made

__all__ = [
    "BAD",
    "DEFAULT_TARGET",
    "ENDED",
    "NON_BLOCKING",
    "Counts",
    "ErrorDetail",
    "Outcome",
    "Probe",
    "ProbeResult",
    "Retry",
    "SubTestResult",
    "Summary",
]

DEFAULT_TARGET = "default"
"""The one target of a project without ``PROBE_TARGETS``; no report names it."""


class Outcome(str, Enum):
    """What became of a probe, worst first."""

    TIMED_OUT = "timed_out"
    ERRORED = "errored"
    FAILED = "failed"
    UNEXPECTED_SUCCESS = "unexpected_success"
    NOT_RUN = "not_run"
    EXPECTED_FAILURE = "expected_failure"
    SKIPPED = "skipped"
    PASSED = "passed"

    def __str__(self) -> str:
        return self.value

    __hash__ = str.__hash__  # Enum's own is written in Python, and asked for each result.


NON_BLOCKING = frozenset({Outcome.PASSED, Outcome.SKIPPED, Outcome.EXPECTED_FAILURE})
"""The outcomes that let a deploy go on."""

BAD = frozenset(Outcome) - NON_BLOCKING - {Outcome.NOT_RUN}
"""The outcomes of probes that had their turn, and may stop a deploy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a probe that failed is tried again, and after which failures."""

    times: int = 1
    """Tries after the first one; 0 is none."""
    delay: float | None = None
    """Seconds before the second try, as ``--retry-delay``; None leaves it to the run."""
    only_on: tuple[str, ...] = ()
    """Dotted paths of exception classes; none means all."""


ENDED = "ended "
"""How the text of a quarantine begins that has no effect any more."""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One test method that runs on production, as its plan knows it."""

    id: str
    """unittest's id, ``shop.probes.Checkout.test_pay``."""
    label: str
    """How a person names it, ``shop.Checkout.test_pay``; the command takes it back."""
    index: int = 0
    """Its place in the plan of its target, from 0: reports are put in this order."""
    description: str = ""
    """First line of the docstring."""
    tags: tuple[str, ...] = ()
    """Sorted."""
    timeout: float | None = None
    """Seconds; None is no limit."""
    source: str = ""
    """``file:line``, the file relative to the working directory."""
    severity: str = "error"
    """``error``, or ``warning``: it does not block."""
    quarantine: str | None = None
    """``until 2026-12-31 (owner …)`` while it holds, ``ended 2026-12-31 (owner …)`` after it."""
    retry: Retry | None = None
    """What its mark says; None leaves it to the run."""

    only_on: tuple[str, ...] = ()
    """The targets, or globs of them, that it is for; none is all."""

    @property
    def quarantine_holds(self) -> bool:
        """Return whether a quarantine keeps it from blocking."""
        return self.quarantine is not None and not self.quarantine.startswith(ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """An exception, told: redacted, bounded and free of control characters."""

    exception_class_path: str
    """``builtins`` left away: ``AssertionError``, ``django.db.utils.OperationalError``."""
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubTestResult:
    """One ``with self.subTest(...)`` block."""

    description: str
    """As unittest writes it: ``(i=1)``, ``[message] (i=1)``."""
    outcome: Outcome
    error: ErrorDetail | None = None
    count: int = 1
    """How many it stands for: a long list ends with one that stands for all the others."""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What came of one probe on one target."""

    probe: Probe
    outcome: Outcome
    started_at: datetime
    """Aware, UTC, from the wall clock."""
    duration: float
    """Seconds, from a monotonic clock."""
    target: str = DEFAULT_TARGET
    blocking: bool = False
    """Whether it stops the deploy: decided by the core, for every reporter."""
    error: ErrorDetail | None = None
    """The first thing that went wrong."""
    reason: str = ""
    """Why it was skipped or did not run."""
    subtests: tuple[SubTestResult, ...] = ()
    cleanup_errors: tuple[ErrorDetail, ...] = ()
    """What tearDown and the cleanups raised: something may be left on production."""
    stdout: str = ""
    stderr: str = ""
    """What it wrote to stderr and logged."""
    attempts: tuple[ProbeResult, ...] = ()
    """Earlier tries, oldest first."""
    flaky: bool = False
    """It passed, though not at the first try."""
    worker: str = ""
    again: bool = False
    """It will be tried again: no reporter sees such a result, and it blocks nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of each; computed once, by the core."""

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    subtests: Mapping[Outcome, int] = field(default_factory=dict)
    blocking: int = 0
    flaky: int = 0

    @property
    def total(self) -> int:
        """Return the number of results."""
        return sum(self.outcomes.values())

    @property
    def ran(self) -> int:
        """Return the number of probes that got an outcome other than skipped or not_run."""
        idle = (Outcome.SKIPPED, Outcome.NOT_RUN)
        return sum(n for outcome, n in self.outcomes.items() if outcome not in idle)

    @property
    def bad(self) -> int:
        """Return the number of probes that ran and did not come out well."""
        return sum(n for outcome, n in self.outcomes.items() if outcome in BAD)

    def of(self, outcome: Outcome) -> int:
        """Return how many results have this outcome."""
        return self.outcomes.get(outcome, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The verdict on a run."""

    run_id: str
    started_at: datetime
    duration: float
    counts: Counts
    by_target: Mapping[str, Counts] = field(default_factory=dict)
    fixture_errors: int = 0
    failed_targets: tuple[str, ...] = ()
    reporter_errors: tuple[str, ...] = ()
    """One line for each report that could not be written."""
    report_exists: bool = True
    """Whether at least one report could be written, or none was asked for."""
    interrupted: int | None = None
    """The signal that ended the run."""
    allow_empty: bool = False
    """Whether a run in which nothing ran is ok, if that is because nothing was to run."""

    @property
    def ok(self) -> bool:
        """Return the verdict: nothing blocks, and something ran."""
        faults = self.counts.blocking or self.fixture_errors or self.failed_targets
        if faults or self.interrupted is not None:
            return False
        return self.counts.ran > 0 or (self.allow_empty and not self.counts.of(Outcome.NOT_RUN))

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command: 0, 1, 3, 4, 5, or 128 + signal."""
        if self.interrupted is not None:
            return 128 + self.interrupted
        if (self._answered_badly or self.fixture_errors) and self.report_exists:
            return 1
        if self.failed_targets:
            return 4
        if self.reporter_errors:
            return 3
        if self.ok:
            return 0
        return 1 if self.counts.blocking or self.fixture_errors else 5

    @property
    def _answered_badly(self) -> bool:
        """Return whether a probe blocks whose target was asked: what was not, is exit code 4."""
        if not self.failed_targets:
            return self.counts.blocking > 0
        return any(
            counts.blocking and (counts.bad or target not in self.failed_targets)
            for target, counts in self.by_target.items()
        )
