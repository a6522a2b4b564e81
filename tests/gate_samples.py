"""Results on which the gate has a say: flaky ones, warnings, quarantines."""

from __future__ import annotations

from django_probe.results import ErrorDetail, Outcome, ProbeResult
from django_probe.sample import ERROR, START, sample_result


def what_the_gate_says() -> list[ProbeResult]:
    """Return results that are not what they seem: flaky ones, quarantines, what left something."""
    failed = {"error": ERROR, "started_at": START}
    first, second = (
        sample_result(0, "test_again", Outcome.FAILED, **failed),
        sample_result(0, "test_again", Outcome.TIMED_OUT, reason="", **failed),
    )
    left = ErrorDetail(exception_class_path="OSError", message="a row is left", traceback="OSError")
    untidy = sample_result(6, "test_again", Outcome.ERRORED, **failed, cleanup_errors=(left,))
    told = [
        ("test_flaky", Outcome.PASSED, {"attempts": (first, second), "flaky": True}),
        (
            "test_flaky_and_blocking",
            Outcome.PASSED,
            {"attempts": (first,), "flaky": True, "blocking": True},
        ),
        ("test_failed_each_time", Outcome.ERRORED, {**failed, "attempts": (first, second)}),
        (
            "test_warning_of_which_the_quarantine_has_ended",
            Outcome.FAILED,
            {
                **failed,
                "severity": "warning",
                "quarantine": "ended 2026-01-01 (me)",
                "blocking": False,
            },
        ),
        (
            "test_blocks_as_the_quarantine_has_ended",
            Outcome.FAILED,
            {**failed, "quarantine": "ended 2026-01-01 (me, SHOP-12)"},
        ),
        (
            "test_warning_that_did_not_run",
            Outcome.NOT_RUN,
            {"reason": "the run's deadline of 9 s has passed", "severity": "warning",
             "blocking": False},
        ),
        ("test_passes_later_but_left_something", Outcome.PASSED, {"attempts": (untidy,)}),
    ]  # fmt: skip
    return [
        sample_result(index, name, outcome, **values)
        for index, (name, outcome, values) in enumerate(told)
    ]
