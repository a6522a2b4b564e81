"""Golden reports: what each format makes of one run with one of everything."""

from __future__ import annotations

import io
import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from gate_samples import what_the_gate_says

from django_probe.formats import find_format
from django_probe.outputs import StreamOutput
from django_probe.reporting import Report, ReporterGroup
from django_probe.sample import sample_results, sample_run
from django_probe.wire import decode, encode

GOLDEN = Path(__file__).parent / "golden"
FORMATS = (
    "junit",
    "tap",
    "json",
    "jsonl",
    "silent",
    "ctrf",
    "github",
    "markdown",
    "nagios",
    "openmetrics",
)


def report(name, events):
    """Return the text that a format makes of events."""
    stream = io.StringIO()
    group = ReporterGroup([Report(name, StreamOutput(stream), find_format(name, {}).build)], print)
    group.open()
    for event in events:
        group.feed(event)
    group.close()
    assert group.errors == []
    return stream.getvalue()


def check_golden(path, text):
    """Compare with the golden file; UPDATE_GOLDEN=1 writes it anew."""
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_with_one_of_everything(name):
    check_golden(GOLDEN / f"everything.{name}", report(name, sample_run()))


@pytest.mark.parametrize("name", FORMATS)
def test_two_targets_and_one_that_cannot_be_asked(name):
    check_golden(GOLDEN / f"targets.{name}", report(name, sample_run("eu", "us")))


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_of_nothing_is_never_an_empty_report(name):
    check_golden(GOLDEN / f"nothing.{name}", report(name, sample_run(found=[])))


@pytest.mark.parametrize("name", [*FORMATS, "text"])
def test_what_the_gate_says_of_a_result(name):
    check_golden(GOLDEN / f"gate.{name}", report(name, sample_run(found=what_the_gate_says())))


@pytest.mark.parametrize("name", ["junit", "json", "ctrf", "github", "markdown"])
def test_the_order_of_arrival_changes_nothing_in_a_document(name):
    events = sample_run("eu", "us")
    finished = [event for event in events if type(event).__name__ == "ProbeFinished"]
    others = [
        event for event in events if type(event).__name__ not in ("ProbeFinished", "ProbeStarted")
    ]
    backwards = [others[0], *reversed(finished), *others[1:]]
    assert report(name, backwards) == report(name, events)


def test_every_event_survives_the_wire():
    for event in sample_run("eu", "us"):
        line = encode(event)
        assert "\n" not in line
        assert decode(line) == event
        assert json.loads(line)["v"] == 1


def test_plain_results_are_written_like_all_others():
    from django_probe.encoding import result_to_json
    from django_probe.plain_dicts import result_to_dict

    for one in sample_results():
        told = json.loads(result_to_json(one, one.target))
        assert list(told) == list(result_to_dict(one))
        assert told == json.loads(json.dumps(result_to_dict(one)))


def test_cases_of_one_name_are_numbered_for_their_readers_drop_twins():
    one, other, *_ = sample_results()
    root = ET.fromstring(report("junit", sample_run(found=[one, other, one, one])))
    first, second = (result.probe.id.rpartition(".")[2] for result in (one, other))
    names = [case.get("name") for case in root.iter("testcase")]
    assert sorted(names) == sorted([first, second, f"{first} (2)", f"{first} (3)"])
    assert len({case.get("classname") for case in root.iter("testcase")}) == 1


def test_the_number_of_a_case_follows_the_plan_and_no_output_is_taken_for_a_case():
    one, *_ = sample_results()
    lookalike = '<testcase classname="c" name="test_x" time="1"/>\n' * 2
    twins = [
        replace(one, probe=replace(one.probe, index=n), stdout=f"{lookalike}place {n}\n")
        for n in range(3)
    ]
    told = {report("junit", sample_run(found=found)) for found in (twins, twins[::-1])}
    assert len(told) == 1
    cases = list(ET.fromstring(told.pop()).iter("testcase"))
    name = one.probe.id.rpartition(".")[2]
    assert [case.get("name") for case in cases] == [name, f"{name} (2)", f"{name} (3)"]
    outputs = [case.findtext("system-out").strip() for case in cases]
    assert outputs == [f"{lookalike}place {n}" for n in range(3)]


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_spool_gives_back_what_it_was_given(size):
    from django_probe.spooling import Segments, Spool

    spool, segments = Spool(), Segments()
    texts = [f"{'ä' * (size // 100)}\n" * 100, "two\n", "three\n"]
    for order in (2, 0, 1):
        segments.add(order, spool.write(texts[order]))
    told = "".join(piece for place in segments for piece in spool.read(*place))
    assert told == "".join(texts)
    spool.close()
