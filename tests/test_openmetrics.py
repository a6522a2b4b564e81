"""Metrics of a run, as Prometheus' own parsers read them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from django_probe.reporters.openmetrics import OpenMetricsReporter
from django_probe.results import Outcome
from django_probe.sample import feed, sample_result, sample_results, sample_run

pytestmark = pytest.mark.once


def written(events):
    stream = io.StringIO()
    feed(OpenMetricsReporter(stream), events)
    return stream.getvalue()


def samples(text, parser=openmetrics):
    """Return {(metric, labels): value} of all samples; a series that comes twice fails."""
    found = {}
    for family in parser(text):
        assert family.type == "gauge"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def of(found, name, **labels):
    return found[f"django_probe_{name}", tuple(sorted(labels.items()))]


@pytest.mark.parametrize("targets", [(), ("eu", "us")])
def test_both_parsers_of_prometheus_read_the_same(targets):
    text = written(sample_run(*targets))
    assert text.endswith("\n# EOF\n")
    assert samples(text) == samples(text, prometheus)


def test_each_result_is_told_by_label_and_target():
    events = sample_run("eu", "us")
    found = samples(written(events))
    for one in [e.result for e in events if type(e).__name__ == "ProbeFinished"]:
        name = {"label": one.probe.label, "target": one.target}
        assert of(found, "ok", **name) == (not one.blocking)
        assert of(found, "duration_seconds", **name) == one.duration
        assert of(found, "outcome", **name, outcome=one.outcome.value) == 1
        if one.outcome is not Outcome.NOT_RUN:
            assert of(found, "last_run_timestamp_seconds", **name) == one.started_at.timestamp()
    summary = events[-1].summary
    assert of(found, "run_ok") == 0
    assert of(found, "run_blocking") == summary.counts.blocking
    assert of(found, "run_flaky") == summary.counts.flaky == 2
    assert of(found, "run_fixture_errors") == of(found, "run_failed_targets") == 1
    answers = {name: of(found, "target_answers", target=name) for name in ("eu", "us", "us-2")}
    assert answers == {"eu": 1, "us": 1, "us-2": 0}
    assert {name for _, labels in found for name, _ in labels} == {"label", "target", "outcome"}


def test_the_only_target_has_no_name():
    found = samples(written(sample_run()))
    assert of(found, "ok", label="shop.Checkout.test_fails") == 0


def test_a_label_of_several_probes_tells_the_worst_of_them():
    good, bad = (
        sample_result(0, "test_a", Outcome.PASSED),
        sample_result(1, "test_b", Outcome.FAILED),
    )
    twin = replace(bad, probe=replace(bad.probe, label=good.probe.label))
    for pair in ([good, twin], [twin, good]):
        found = samples(written(sample_run(found=pair)))
        label = good.probe.label
        assert of(found, "ok", label=label) == 0
        assert of(found, "outcome", label=label, outcome="failed") == 1
        assert of(found, "duration_seconds", label=label) == good.duration + bad.duration
        assert not [key for key in found if ("outcome", "passed") in key[1]]


def test_a_strange_label_is_escaped():
    one = sample_results()[0]
    label = 'shop.X.test "a\\b"\n# EOF {x="y"} 1 ä'
    odd = replace(one, probe=replace(one.probe, label=label))
    found = samples(written(sample_run("eu\\", found=[replace(odd, target="eu\\")])))
    assert of(found, "ok", label=label, target="eu\\") == 1


def test_a_run_of_nothing_is_not_ok():
    found = samples(written(sample_run(found=[])))
    assert {name.removeprefix("django_probe_run_") for name, _ in found} == {
        "ok", "timestamp_seconds", "duration_seconds", "blocking", "flaky",
        "left_behind", "fixture_errors", "failed_targets",
    }  # fmt: skip
    assert not any(labels for _, labels in found)
    assert of(found, "run_ok") == 0


def test_more_results_than_are_written_at_once():
    many = [sample_result(n, f"test_{n}", Outcome.PASSED) for n in range(1203)]
    found = samples(written(sample_run(found=many)))
    assert sum(name == "django_probe_ok" for name, _ in found) == 1203


def test_its_content_type_is_that_of_the_format():
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

    assert OpenMetricsReporter.content_type == CONTENT_TYPE_LATEST


def test_the_order_of_arrival_changes_nothing():
    results = sample_results()
    assert written(sample_run(found=results)) == written(sample_run(found=results[::-1]))


def test_without_its_library_the_command_says_what_to_install(make_project):
    project = make_project({"shop/probes.py": "import unittest\n"})
    project.write("prometheus_client.py", "raise ImportError('none')\n")
    done = project.probe("--format", "openmetrics")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "pip install 'django-probe-runner[prometheus]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    listed = project.probe("--list-formats")
    assert "openmetrics  Gauges by label and target" in listed.stdout
