"""What ``django_probe.testing`` offers those who build on the package."""

from __future__ import annotations

import io

from django_probe.deadline import Deadline
from django_probe.events import ProbeFinished
from django_probe.outputs import StreamOutput
from django_probe.reporting import Report, ReporterGroup
from django_probe.results import Outcome
from django_probe.running import run
from django_probe.selection import Selection
from django_probe.testing import MemoryTarget, RecordingReporter, feed, sample_run


def test_a_recording_reporter_keeps_a_run_as_it_came():
    reporter = RecordingReporter()
    feed(reporter, sample_run("eu", "us"))
    assert reporter.events == sample_run("eu", "us")


def test_a_memory_target_is_asked_and_counted_like_any_other():
    target = MemoryTarget(sample_run())
    kept: list[RecordingReporter] = []

    def build(stream):
        kept.append(RecordingReporter(stream))
        return kept[0]

    group = ReporterGroup([Report("kept", StreamOutput(io.StringIO()), build)], print)
    selection = Selection(labels=("shop",))
    summary = run(target, selection, group, Deadline())
    assert target.asked == [selection]
    assert kept[0].events[:-1] == sample_run()[:-1]
    assert summary.counts == sample_run()[-1].summary.counts
    assert summary.exit_code == 1


def test_a_run_over_a_memory_target_ends_with_its_deadline():
    deadline = Deadline()
    deadline.expire("over")
    target = MemoryTarget(sample_run())
    started, *told = target.run(Selection(), deadline)
    assert started == sample_run()[0]
    assert [type(event) for event in told] == [ProbeFinished] * started.planned
    assert {(e.result.outcome, e.result.reason, e.result.blocking) for e in told} == {
        (Outcome.NOT_RUN, "over", True)
    }
