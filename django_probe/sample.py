"""A run with one of everything, made by hand: what reporters are tried on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.reporting import Reporter, hand_over
from django_probe.results import (
    NON_BLOCKING,
    ErrorDetail,
    Outcome,
    Probe,
    ProbeResult,
    SubTestResult,
)
from django_probe.tally import Tally

__all__ = ["ERROR", "START", "feed", "sample_result", "sample_results", "sample_run"]

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)

ERROR = ErrorDetail(
    exception_class_path="AssertionError",
    message='402 != 200 : <paid> & "sent"\nsecond line, at <Order at 0x7f3a5c0d1e80>',
    traceback='Traceback (most recent call last):\n  File "shop/probes.py", line 7, in test_pay\n'
    "    self.assertEqual(402, 200)\nAssertionError: 402 != 200\n]]> # TODO\n",
)


def sample_result(index: int, name: str, outcome: Outcome, **values: Any) -> ProbeResult:
    """Return a result of the class ``shop.probes.Checkout``."""
    case = values.pop("case", "Checkout")
    probe = Probe(
        id=f"shop.probes.{case}.{name}",
        label=f"shop.{case}.{name}",
        index=index,
        description=values.pop("description", ""),
        tags=values.pop("tags", ()),
        timeout=30.0,
        source=f"shop/probes.py:{10 + index}",
        severity=values.pop("severity", "error"),
        quarantine=values.pop("quarantine", None),
    )
    defaults: dict[str, Any] = {
        "blocking": outcome not in NON_BLOCKING,
        "started_at": START + timedelta(seconds=index),
        "duration": 0.25 + index / 1000,
        "worker": "1",
    }
    return ProbeResult(probe=probe, outcome=outcome, **{**defaults, **values})


def sample_results(target: str = "default") -> list[ProbeResult]:
    """Return one result of each kind."""
    first_try = sample_result(
        12, "test_flaky", Outcome.ERRORED, error=ERROR, worker="", target=target
    )
    left = ErrorDetail(exception_class_path="OSError", message="a row is left", traceback="OSError")
    subtests = (
        SubTestResult(description="(n=1)", outcome=Outcome.PASSED),
        SubTestResult(description="(n=2)", outcome=Outcome.FAILED, error=ERROR),
        SubTestResult(description="(n=3)", outcome=Outcome.SKIPPED),
    )
    told: list[tuple[str, Outcome, dict[str, Any]]] = [
        ("test_passes", Outcome.PASSED, {"description": "Orders can be read", "tags": ("a", "b")}),
        ("test_prints", Outcome.PASSED, {"stdout": "out ]]>\n", "stderr": "err\n"}),
        ("test_fails", Outcome.FAILED, {"error": ERROR, "stdout": "before it failed\n"}),
        ("test_errs", Outcome.ERRORED, {"error": ERROR, "cleanup_errors": (left,)}),
        (
            "test_hangs",
            Outcome.TIMED_OUT,
            {
                "error": ErrorDetail(
                    exception_class_path="Timeout", message="took longer than its timeout of 30 s"
                )
            },
        ),
        ("test_unexpected", Outcome.UNEXPECTED_SUCCESS, {}),
        ("test_expected", Outcome.EXPECTED_FAILURE, {"error": ERROR}),
        ("test_skipped", Outcome.SKIPPED, {"reason": "no gateway # TODO"}),
        ("test_skipped_without_reason", Outcome.SKIPPED, {}),
        ("test_not_run", Outcome.NOT_RUN, {"reason": "--failfast: a probe before it failed"}),
        ("test_warns", Outcome.FAILED, {"error": ERROR, "severity": "warning", "blocking": False}),
        (
            "test_quarantined",
            Outcome.FAILED,
            {"error": ERROR, "quarantine": "until 2026-12-31", "blocking": False},
        ),
        ("test_flaky", Outcome.PASSED, {"attempts": (first_try,), "flaky": True}),
        (
            "test_sub_tests",
            Outcome.FAILED,
            {
                "subtests": subtests,
                "error": ErrorDetail(
                    exception_class_path="AssertionError",
                    message="1 of 3 sub-tests failed: (n=2)",
                    traceback=f"(n=2)\n{ERROR.traceback}",
                ),
            },
        ),
        ("test_other_class", Outcome.PASSED, {"case": "Stock"}),
    ]
    return [
        sample_result(index, name, outcome, target=target, **values)
        for index, (name, outcome, values) in enumerate(told)
    ]


def sample_run(*targets: str, found: list[ProbeResult] | None = None) -> list[Event]:
    """Return a whole run; several targets interleave, with one that cannot be asked."""
    names = targets or ("default",)
    lost = "us-2"
    mine = [found] if found is not None else [sample_results(name) for name in names]
    fixture = FixtureFailed(
        fixture="shop.probes.Stock.tearDownClass",
        error=ERROR,
        source="shop/probes.py:70",
        target=names[0],
    )
    run = RunStarted(
        run_id="0123456789abcdef",
        started_at=START,
        targets=(*names, lost) if len(names) > 1 else names,
        planned=None if len(names) > 1 else sum(map(len, mine)),
        release="" if len(names) > 1 else "2026.3",
        instance="" if len(names) > 1 else "web-1",
    )
    told: list[Event] = [run]
    if len(names) > 1:
        told.extend(_begun(name, n, len(mine[0])) for n, name in enumerate(names))
    for row in zip(*mine, strict=True):
        for one in row:
            told.append(ProbeStarted(probe=one.probe, target=one.target, at=one.started_at))
            told.append(ProbeFinished(result=one))
    if found is None:
        told.append(fixture)
    if len(names) > 1:
        refused = ErrorDetail(exception_class_path="ConnectionError", message="refused")
        told.append(TargetFailed(target=lost, error=refused))
    tally = Tally()
    for event in told:
        tally.add(event)
    return [*told, RunFinished(summary=tally.summary(run, 4.5))]


def _begun(target: str, number: int, planned: int) -> TargetStarted:
    return TargetStarted(
        target=target,
        at=START,
        planned=planned,
        release=f"2026.{3 - number}",
        instance=f"web-{number + 1}",
    )


def feed(reporter: Reporter, run: Iterable[Event]) -> None:
    """Hand a run to a reporter, as the core does."""
    for event in run:
        hand_over(reporter, event)
