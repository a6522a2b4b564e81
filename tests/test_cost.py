"""What a probe costs, by what does not depend on the machine: calls, memory, what is written."""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
import subprocess
import sys
import tracemalloc
from dataclasses import FrozenInstanceError, replace
from importlib import import_module

import pytest
from support import ROOT

from django_probe.events import ProbeFinished, ProbeStarted, RunStarted
from django_probe.results import Outcome, Probe, ProbeResult
from django_probe.sample import sample_result, sample_run

CALLS = {"silent": 70, "text": 72, "tap": 80, "jsonl": 82, "json": 79, "junit": 81}
"""Python functions that a run may call for a trivial probe, besides as many as unittest does."""

KEPT = {
    "TapReporter": 5_000,
    "JsonlReporter": 5_000,
    "JsonReporter": 100_000,  # What waits to be written in one piece.
    "JUnitReporter": 100_000,
}
"""Bytes that a report may keep of 3,000 results that passed."""


@pytest.mark.once
def test_a_trivial_probe_takes_no_more_calls_than_it_did(tmp_path):
    command = [sys.executable, str(ROOT / "tests" / "counting_calls.py"), *CALLS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    least, _ = found.pop("unittest")
    over = {
        name: (round(calls - least), where[:40])
        for name, (calls, where) in found.items()
        if calls - least > CALLS[name]
    }
    assert not over
    assert set(found) == set(CALLS)


@pytest.mark.parametrize("kind", KEPT)
def test_results_leave_next_to_nothing_in_memory(kind):
    """A report that has to wait keeps its texts on disk, and numbers of where they lie."""
    module = import_module(f"django_probe.reporters.{kind.removesuffix('Reporter').lower()}")
    reporter = getattr(module, kind)(Nowhere())
    run = RunStarted(run_id="1", started_at=sample_result(0, "x", Outcome.PASSED).started_at)
    reporter.run_started(run)

    def take(start, number):
        for n in range(start, start + number):
            result = sample_result(n, f"test_{n}", Outcome.PASSED, stdout="x" * 1000)
            reporter.probe_started(ProbeStarted(probe=result.probe, at=result.started_at))
            reporter.probe_finished(result)

    tracemalloc.start()
    try:
        take(0, 1_500)
        before, _ = tracemalloc.get_traced_memory()
        take(1_500, 3_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        reporter.run_finished(sample_run(found=[])[-1].summary)
    assert after - before < KEPT[kind]


class Nowhere(io.StringIO):
    def write(self, text):
        return len(text)


# Records are made in a way of their own, and are frozen dataclasses all the same.


def records():
    result = sample_result(3, "test_it", Outcome.FAILED)
    started = ProbeStarted(probe=result.probe, at=result.started_at)
    return [result.probe, result, started, ProbeFinished(result=result)]


@pytest.mark.parametrize("record", records(), ids=lambda record: type(record).__name__)
def test_quickly_made_records_are_frozen_dataclasses(record):
    name = type(record).__slots__[0]
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, None)
    with pytest.raises(FrozenInstanceError):
        delattr(record, name)
    for twin in (replace(record), copy.copy(record), pickle.loads(pickle.dumps(record))):
        assert type(twin) is type(record)
        assert twin == record
        assert repr(twin) == repr(record)
    with pytest.raises(TypeError, match="positional"):
        type(record)(getattr(record, name))
    with pytest.raises(TypeError, match="unexpected keyword"):
        replace(record, unknown=1)


def test_quickly_made_records_have_their_defaults_and_ask_for_the_rest():
    probe = Probe(id="shop.probes.T.test_it", label="shop.T.test_it")
    assert (probe.index, probe.tags, probe.timeout, probe.severity) == (0, (), None, "error")
    with pytest.raises(TypeError, match="'label'"):
        Probe(id="shop.probes.T.test_it")
    with pytest.raises(TypeError, match="missing 3 required"):
        ProbeResult(probe=probe)


# What is written without PyYAML is what PyYAML writes.

ATOMS = (
    *("a", "b.c", "shop/probes.py:43", "_x.y", "a/b", "a-.b", "A.", "a.b:1", "http://x/y", "a.b:"),
    *("yes", "no", "on", "y", "null", "~", "1.5", "1e3", "2026-01-01", "0x1", "12:30:45", "a:1"),
    *("#", "# x", ": ", "x: y", "'", '"', "\\", "\n", " ", "  lead", "trail ", "- a", "-", "?"),
    *("&a", "*a", "!t", "|", ">", "%", "@", "`", "{", "}", "[", "]", ",", "=", "<<", "<<.a", "::"),
    *("é", "\U0001f600", "\u2003", "\u00a0", "...", "---", "\t"),
)


def test_diagnostics_are_what_pyyaml_writes():
    from django_probe.reporters import _yaml

    chance = random.Random(7)
    for _ in range(3_000):
        text = "".join(chance.choices(ATOMS, k=chance.randint(1, 6)))
        values = {
            "message": text,
            "description": "a line longer than those that are kept " * 8 + text,
            "duration_ms": round(chance.random() * 10 ** chance.randint(-4, 12), 3),
            "stack": "\n".join(chance.choices(ATOMS, k=4)) + text,
            "attempts": [text],
        }
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        shaped = values | {name: _yaml._shaped(text) for name, text in texts.items()}
        told = "\n".join(f"  {line}" for line in _yaml._dump(shaped).splitlines())
        assert _yaml.block(values) == f"  ---\n{told}\n  ...", values
