"""One test of a CTRF document; no key of our own, for the schema allows none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django_probe.results import Outcome, ProbeResult
from django_probe.telling import body_of, excuse_of, is_pass, left_behind, message_of

__all__ = ["FAILED", "STATUSES", "milliseconds", "named", "place", "test_of"]

_PASSED, FAILED, _SKIPPED, _PENDING = STATUSES = ("passed", "failed", "skipped", "pending")


def test_of(result: ProbeResult, target: str) -> dict[str, Any]:
    """Return a result as a test; the target, if it is shown, stands in name, suite and labels."""
    probe = result.probe
    test = named(probe.id, target, _status(result), result.duration, result.started_at)
    test["rawStatus"] = result.outcome.value
    test |= place(probe.source)
    if probe.tags:
        test["tags"] = probe.tags
    if not is_pass(result) or left_behind(result):
        test |= {"message": message_of(result), "trace": body_of(result)}
    if result.attempts:
        test |= _attempts(result)
    if result.subtests:
        test["steps"] = [
            {"name": step.description, "status": _plain_status(step.outcome)}
            for step in result.subtests
        ]
    for name in ("stdout", "stderr"):
        if text := getattr(result, name):
            test[name] = text.splitlines()
    return test


def named(
    name: str, target: str, status: str, duration: float, started_at: datetime
) -> dict[str, Any]:
    """Return what every test has to say, probe or not."""
    start, took = milliseconds(started_at), round(duration * 1000)
    module, _, case = name.rpartition(".")[0].rpartition(".")
    suite = [part for part in (target, module, case) if part]
    test: dict[str, Any] = {"name": f"{name} [{target}]" if target else name, "status": status}
    test |= {"duration": took, "start": start, "stop": start + took, "suite": suite or [name]}
    if target:
        test["labels"] = {"target": target}
    return test


def _attempts(result: ProbeResult) -> dict[str, object]:
    tries = [
        {
            "attempt": number,
            "status": _plain_status(earlier.outcome),
            "duration": round(earlier.duration * 1000),
            "message": message_of(earlier),
            "trace": body_of(earlier),
        }
        for number, earlier in enumerate(result.attempts, 1)
    ]
    return {"retries": len(tries), "flaky": result.flaky, "retryAttempts": tries}


def _status(result: ProbeResult) -> str:
    if result.outcome is Outcome.PASSED:
        return FAILED if result.blocking else _PASSED
    return _SKIPPED if excuse_of(result) else _plain_status(result.outcome)


def _plain_status(outcome: Outcome) -> str:
    if outcome is Outcome.NOT_RUN:
        return _PENDING
    if outcome in (Outcome.SKIPPED, Outcome.EXPECTED_FAILURE):
        return _SKIPPED
    return _PASSED if outcome is Outcome.PASSED else FAILED


def place(source: str) -> dict[str, object]:
    """Return file and line of a ``file:line``."""
    file, _, line = source.rpartition(":")
    return {"filePath": file, "line": int(line)} if file and line.isdigit() else {}


def milliseconds(moment: datetime) -> int:
    """Return a moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
