"""Metrics of the last run, for Prometheus and what reads its formats; prometheus_client writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, TextIO

from django_probe.events import RunStarted
from django_probe.exceptions import UnknownReporter
from django_probe.reporting import Reporter, shown_target
from django_probe.results import Outcome, ProbeResult, Summary
from django_probe.telling import left_behind

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

__all__ = ["OpenMetricsReporter"]

CHUNK = 500
"""Samples that prometheus_client turns into text at once."""

HELP: Mapping[str, str] = {
    "run_ok": "Whether the run is ok, all in all: 1 or 0.",
    "run_timestamp_seconds": "When the run started.",
    "run_duration_seconds": "How long the run took.",
    "run_left_behind": "Probes and fixtures whose clean-up failed: something may be left behind.",
    "ok": "Whether the probe lets a deploy go on: 1 or 0.",
    "duration_seconds": "How long the probe took.",
    "outcome": "What became of the probe: 1, with the outcome as a label.",
    "last_run_timestamp_seconds": "When the probe last got its turn.",
}
"""The metrics, without ``django_probe_``, with what each says."""

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
        _require()
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
        key = (result.probe.label, shown_target(self._targets, result.target))
        ok, duration = not result.blocking, result.duration
        outcome, at = result.outcome, result.started_at.timestamp()
        before = self._told.get(key)
        if before is not None:
            ok, duration = ok and before[0], duration + before[1]
            outcome, at = min(outcome, before[2], key=_RANK.__getitem__), max(at, before[3])
        self._told[key] = (ok, duration, outcome, at)

    def run_finished(self, summary: Summary) -> None:
        """Write all samples of each metric together, as the format requires."""
        keys = sorted(self._told)
        rows = list(zip(_label_sets(keys), map(self._told.__getitem__, keys), strict=True))
        started = summary.started_at.timestamp()
        self._write("run_ok", [("", summary.ok)])
        self._write("run_timestamp_seconds", [("", started)])
        self._write("run_duration_seconds", [("", summary.duration)])
        self._write("run_left_behind", [("", self._left + summary.fixture_errors)])
        self._write("ok", ((label, ok) for label, (ok, _, _, _) in rows))
        self._write("duration_seconds", ((label, took) for label, (_, took, _, _) in rows))
        self._write("outcome", ((_with(label, kind), 1) for label, (_, _, kind, _) in rows))
        self._write(
            "last_run_timestamp_seconds",
            ((label, at) for label, (_, _, kind, at) in rows if kind is not Outcome.NOT_RUN),
        )
        self.stream.write("# EOF\n")

    def _write(self, name: str, samples: Iterable[tuple[str, float]]) -> None:
        """Write a metric, where it has samples; labels come as they are to be written."""
        full, head = f"django_probe_{name}", f"{_text(_family(name))}\n"
        for labels, value in samples:
            self.stream.write(f"{head}{full}{labels} {float(value)!r}\n")
            head = ""


def _with(labels: str, outcome: Outcome) -> str:
    return f'{labels[:-1]},outcome="{outcome.value}"}}'


def _label_sets(keys: Iterable[_Key]) -> Iterator[str]:
    """Yield each label and target as prometheus_client writes them; once for all metrics.

    It takes 7 us for a sample, which is more than the rest of a probe's report does.
    """
    left = iter(keys)
    while chunk := list(islice(left, CHUNK)):
        family = _family("ok")
        for label, target in chunk:
            told = {"label": label, "target": target} if target else {"label": label}
            family.add_sample(family.name, told, 1)
        for line in _text(family).split("\n"):
            if not line.startswith("#"):
                yield line[len(family.name) : line.rindex(" ")]


def _family(name: str) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    unit = "seconds" if name.endswith("_seconds") else ""
    return GaugeMetricFamily(f"django_probe_{name}", HELP[name], unit=unit)


def _text(family: GaugeMetricFamily) -> str:
    """Return a metric as text, without the end mark of the whole."""
    from prometheus_client.openmetrics.exposition import ALLOWUTF8, generate_latest

    one = SimpleNamespace(collect=lambda: (family,))
    # Of a registry it asks nothing but `collect`. Our names need no escaping, and are not
    # looked at letter by letter when it is told to allow all.
    text: bytes = generate_latest(one, ALLOWUTF8)  # type: ignore[no-untyped-call]
    return text.decode().removesuffix("\n# EOF\n")


def _require() -> None:
    try:
        import prometheus_client.core  # noqa: F401
    except ImportError as exc:
        raise UnknownReporter(
            "The report format 'openmetrics' needs prometheus_client, which is not installed:"
            " pip install 'django-probe-runner[prometheus]'."
        ) from exc
