"""Events to and from the wire: one JSON object a line.

The same wire serves the ``jsonl`` report, worker processes, remote targets and
saved runs. Unknown keys are ignored; a greater ``v`` is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django_probe.encoding import WIRE_VERSION, encode
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
from django_probe.exceptions import WireError
from django_probe.results import (
    DEFAULT_TARGET,
    Counts,
    ErrorDetail,
    Outcome,
    Probe,
    ProbeResult,
    Retry,
    SubTestResult,
    Summary,
)

__all__ = ["WIRE_VERSION", "decode", "encode"]


def decode(line: str) -> Event:
    """Return the event that a line of the wire holds.

    Raises:
        WireError: the line is no event, or one of a newer wire.
    """
    try:
        body = json.loads(line)
        version, name = body["v"], body["event"]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise WireError(f"Not a line of the probe wire: {line[:80]!r}.") from exc
    if not isinstance(version, int) or version > WIRE_VERSION:
        raise WireError(
            f"The wire has version {version!r}, this django-probe reads up to {WIRE_VERSION}:"
            " upgrade the reading side."
        )
    try:
        return _DECODERS[name](body)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as exc:
        raise WireError(f"Not an event of wire version {version}: {line[:80]!r}.") from exc


def _known(cls: type[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in cls.__slots__ if name in body}


def _probe_from(body: Mapping[str, Any]) -> Probe:
    listed = {name: tuple(body.get(name, ())) for name in ("tags", "only_on")}
    values = {**_known(Probe, body), **listed}
    if values.get("retry") is not None:
        retry = _known(Retry, body["retry"])
        values["retry"] = Retry(**{**retry, "only_on": tuple(retry.get("only_on", ()))})
    return Probe(**values)


def _error_from(body: Mapping[str, Any] | None) -> ErrorDetail | None:
    return None if body is None else ErrorDetail(**_known(ErrorDetail, body))


def _subtest_from(body: Mapping[str, Any]) -> SubTestResult:
    return SubTestResult(
        description=body["description"],
        outcome=Outcome(body["outcome"]),
        error=_error_from(body.get("error")),
        count=int(body.get("count", 1)),
    )


def _result_from(body: Mapping[str, Any], probe: Probe | None = None) -> ProbeResult:
    """Return a result; its earlier attempts are of the same probe."""
    probe = probe or _probe_from(body)
    values = {
        **_known(ProbeResult, body),
        "probe": probe,
        "outcome": Outcome(body["outcome"]),
        "started_at": datetime.fromisoformat(body["started_at"]),
        "error": _error_from(body.get("error")),
        "subtests": tuple(map(_subtest_from, body.get("subtests", ()))),
        "cleanup_errors": tuple(filter(None, map(_error_from, body.get("cleanup_errors", ())))),
        "attempts": tuple(_result_from(attempt, probe) for attempt in body.get("attempts", ())),
    }
    return ProbeResult(**values)


def _counts_from(body: Mapping[str, Any]) -> Counts:
    return Counts(
        outcomes={o: int(body[o.value]) for o in Outcome if body.get(o.value)},
        subtests={Outcome(name): int(n) for name, n in body.get("subtests", {}).items()},
        blocking=int(body.get("blocking", 0)),
        flaky=int(body.get("flaky", 0)),
    )


def _summary_from(body: Mapping[str, Any]) -> Summary:
    values = {
        **_known(Summary, body),
        "started_at": datetime.fromisoformat(body["started_at"]),
        "counts": _counts_from(body["counts"]),
        "by_target": {name: _counts_from(c) for name, c in body.get("by_target", {}).items()},
        "failed_targets": tuple(body.get("failed_targets", ())),
        "reporter_errors": tuple(body.get("reporter_errors", ())),
    }
    return Summary(**values)


def _started_from(body: Mapping[str, Any]) -> RunStarted:
    values = {
        **_known(RunStarted, body),
        "started_at": datetime.fromisoformat(body["started_at"]),
        "targets": tuple(body.get("targets", (DEFAULT_TARGET,))),
        "labels": tuple(body.get("labels", ())),
    }
    return RunStarted(**values)


_DECODERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "run_started": _started_from,
    "target_started": lambda body: TargetStarted(
        **{**_known(TargetStarted, body), "at": datetime.fromisoformat(body["at"])}
    ),
    "probe_started": lambda body: ProbeStarted(
        probe=_probe_from(body["probe"]),
        at=datetime.fromisoformat(body["at"]),
        target=body.get("target", DEFAULT_TARGET),
    ),
    "probe_finished": lambda body: ProbeFinished(result=_result_from(body["result"])),
    "fixture_failed": lambda body: FixtureFailed(
        fixture=body["fixture"],
        error=ErrorDetail(**_known(ErrorDetail, body["error"])),
        target=body.get("target", DEFAULT_TARGET),
        source=body.get("source", ""),
    ),
    "target_failed": lambda body: TargetFailed(
        target=body["target"], error=ErrorDetail(**_known(ErrorDetail, body["error"]))
    ),
    "run_finished": lambda body: RunFinished(summary=_summary_from(body["summary"])),
}
