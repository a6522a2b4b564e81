"""Wires that nobody would write: whatever a remote tells, the promises hold and no report breaks."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET

import pytest
from test_reports import report

from django_probe.events import (
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
)
from django_probe.exceptions import WireError
from django_probe.results import Outcome, Summary
from django_probe.run_config import RunConfig
from django_probe.sample import sample_run
from django_probe.tally import Tally
from django_probe.targets.hearing import Hearing
from django_probe.wire import encode

WIRES = [
    [json.loads(encode(event)) for event in run] for run in (sample_run(), sample_run("a", "b"))
]
VALUES = (
    None, True, 0, -1, 1.5, 1e308, 10**30, float("nan"), "", "x" * 3000, "\x1b[31m", "\ud800", "::error::",
    [], {}, [[]], {"a": 1}, ["x"], "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "2026-03-01T12:00:00", "errored", "warning",
)  # fmt: skip
EACH = 60


def places(value):
    """Yield each container with each of its keys."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        yield from places(value[key])


def spoiled(rng):
    """Return a wire with a few things changed, missing, or there twice."""
    lines = json.loads(json.dumps(rng.choice(WIRES)))
    for _ in range(rng.randint(1, 3)):
        container, key = rng.choice(list(places(rng.choice(lines))))
        what = rng.random()
        if what < 0.6:
            container[key] = rng.choice(VALUES)
        elif what < 0.8:
            del container[key]
        elif what < 0.9:
            lines.pop(rng.randrange(len(lines)))
        else:
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return lines


def heard(lines):
    hearing, told = Hearing(RunConfig(), "eu"), []
    try:
        for line in lines:
            told += hearing.hear(json.dumps(line).encode())
            if hearing.whole:
                return told
        return [*told, *hearing.fail("BrokenOff", "it ends too soon")]
    except WireError as exc:
        return [*told, *hearing.fail("WireError", str(exc))]


def hold_the_promises(told):
    assert [type(event) for event in told].count(RunStarted) == 1
    assert isinstance(told[0], RunStarted)
    begun, ended = set(), []
    for event in told:
        if isinstance(event, ProbeStarted):
            assert event.probe.index not in begun
            begun.add(event.probe.index)
        elif isinstance(event, ProbeFinished):
            ended.append(event.result.probe.index)
            assert event.result.outcome is Outcome.NOT_RUN or ended[-1] in begun
    assert len(set(ended)) == len(ended)
    assert told[0].planned in (None, len(ended))
    assert sum(isinstance(event, TargetFailed) for event in told) <= 1


def whole(told):
    tally = Tally()
    for event in told:
        tally.add(event)
    summary = Summary(
        run_id="1",
        started_at=told[0].started_at,
        duration=1.0,
        counts=tally.total(),
        by_target=tally.by_target(),
        fixture_errors=tally.fixture_errors,
        failed_targets=tuple(tally.failed_targets),
    )
    return [*told, RunFinished(summary=summary)]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_remote_tells_the_promises_hold(seed):
    rng = random.Random(seed)
    for _ in range(EACH):
        told = heard(spoiled(rng))
        hold_the_promises(told)
        events = whole(told)
        reports = {kind: report(kind, events) for kind in ("text", "json", "junit", "tap")}
        for text in reports.values():
            text.encode()
            assert "\x1b" not in text
        json.loads(reports["json"])
        ET.fromstring(reports["junit"])
