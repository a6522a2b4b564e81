"""Write N results in a format, and tell how long the writing alone took. Arguments: FORMAT N."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from django_probe.events import RunStarted
from django_probe.formats import find_format
from django_probe.results import Counts, Outcome, Probe, ProbeResult, Summary

FORMAT, NUMBER = sys.argv[1], int(sys.argv[2])
NOW = datetime.now(timezone.utc)


def results() -> Iterator[ProbeResult]:
    for n in range(NUMBER):
        name = f"Test{n // 100:04}.test_{n % 100:03}"
        probe = Probe(
            id=f"shop.probes.{name}", label=f"shop.{name}", index=n, source="shop/probes.py:12"
        )
        yield ProbeResult(probe=probe, outcome=Outcome.PASSED, started_at=NOW, duration=1e-5)


def seconds(feed: Callable[[ProbeResult], object]) -> float:
    began = time.process_time()
    for result in results():
        feed(result)
    return time.process_time() - began


making = seconds(lambda result: None)
with open("written", "w", encoding="utf-8") as stream:
    reporter = find_format(FORMAT, {}).build(stream)
    reporter.run_started(RunStarted(run_id="run", started_at=NOW, planned=NUMBER))
    feeding = seconds(reporter.probe_finished)
    began = time.process_time()
    counts = Counts(outcomes={Outcome.PASSED: NUMBER})
    reporter.run_finished(Summary(run_id="run", started_at=NOW, duration=1.0, counts=counts))
    ending = time.process_time() - began
print(json.dumps({"seconds": feeding - making + ending}))
