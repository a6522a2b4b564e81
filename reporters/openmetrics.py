"""Metrics of the last run, for Prometheus and what reads its formats; prometheus_client writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from django_probe.events import RunStarted
from django_probe.reporters._openmetrics_text import family, label_sets, require, text
from django_probe.reporting import Reporter, shown_target
from django_probe.results import Outcome, ProbeResult, Summary
from django_probe.telling import left_behind

__all__ = ["OpenMetricsReporter"]

_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}

_Key = tuple[str, str]
_Told = tuple[bool, float, Outcome, float]


class OpenMetricsReporter(Reporter):
    """Gauges by label and target: textfile collector, Prometheus, GitLab's metrics report.

    Gauges only, and no timestamps of samples: so it is valid in Prometheus' older text
    format, too, which is what the textfile collector of node_exporter reads.
    """

    content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    extension = "prom"

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        require()
        self._told: dict[_Key, _Told] = {}
        self._left = 0

    def run_started(self, run: RunStarted) -> None:
        """Keep the targets, to know whether they are named."""
        self._targets = run.targets

    def probe_finished(self, result: ProbeResult) -> None:
        """Keep what the samples of a probe are made of.

        A series must not come twice, or the whole report is refused. Where a label
        names several probes the worst one stands for all.
        """
        self._left += bool(left_behind(result))
        key = (result.probe.label, self._shown(result.target))
        ok, duration = not result.blocking, result.duration
        outcome, at = result.outcome, result.started_at.timestamp()
        before = self._told.get(key)
        if before is not None:
            ok, duration = ok and before[0], duration + before[1]
            outcome, at = min(outcome, before[2], key=_RANK.__getitem__), max(at, before[3])
        self._told[key] = (ok, duration, outcome, at)

    def run_finished(self, summary: Summary) -> None:
        """Write all samples of each metric together, as the format requires."""
        self._write_run(summary)
        keys = sorted(self._told)
        named = ({"label": label, "target": t} if t else {"label": label} for label, t in keys)
        rows = list(zip(label_sets(named), map(self._told.__getitem__, keys), strict=True))
        self._write("ok", ((label, ok) for label, (ok, _, _, _) in rows))
        self._write("duration_seconds", ((label, took) for label, (_, took, _, _) in rows))
        self._write("outcome", ((_with(label, kind), 1) for label, (_, _, kind, _) in rows))
        self._write(
            "last_run_timestamp_seconds",
            ((label, at) for label, (_, _, kind, at) in rows if kind is not Outcome.NOT_RUN),
        )
        self.stream.write("# EOF\n")

    def _write_run(self, summary: Summary) -> None:
        """Write what is told of the run, and of each target that has a name."""
        of_run = {
            "run_ok": summary.ok,
            "run_timestamp_seconds": summary.started_at.timestamp(),
            "run_duration_seconds": summary.duration,
            "run_blocking": summary.counts.blocking,
            "run_flaky": summary.counts.flaky,
            "run_left_behind": self._left + summary.fixture_errors,
            "run_fixture_errors": summary.fixture_errors,
            "run_failed_targets": len(summary.failed_targets),
        }
        for name, value in of_run.items():
            self._write(name, [("", value)])
        self._write("target_answers", self._answers(summary))

    def _answers(self, summary: Summary) -> Iterator[tuple[str, bool]]:
        """Yield each target that has a name, with whether it was asked to the end."""
        failed = summary.failed_targets
        targets = sorted({name for name in (*self._targets, *failed) if self._shown(name)})
        for name, labels in zip(targets, label_sets({"target": t} for t in targets), strict=True):
            yield labels, name not in failed

    def _shown(self, target: str) -> str:
        return shown_target(self._targets, target)

    def _write(self, name: str, samples: Iterable[tuple[str, float]]) -> None:
        """Write a metric, where it has samples; labels come as they are to be written."""
        full, head = f"django_probe_{name}", f"{text(family(name))}\n"
        for labels, value in samples:
            self.stream.write(f"{head}{full}{labels} {float(value)!r}\n")
            head = ""


def _with(labels: str, outcome: Outcome) -> str:
    return f'{labels[:-1]},outcome="{outcome.value}"}}'
