"""The text of metrics, as prometheus_client writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING

from django_probe.exceptions import UnknownReporter

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

__all__ = ["HELP", "family", "label_sets", "require", "text"]

CHUNK = 500
"""Samples that prometheus_client turns into text at once."""

HELP: Mapping[str, str] = {
    "run_ok": "Whether the run is ok, all in all: 1 or 0.",
    "run_timestamp_seconds": "When the run started.",
    "run_duration_seconds": "How long the run took.",
    "run_blocking": "Results that block a deploy.",
    "run_flaky": "Probes that passed, but not at the first try.",
    "run_left_behind": "Probes and fixtures whose clean-up failed: something may be left behind.",
    "run_fixture_errors": "Fixtures that failed after their probes had their results.",
    "run_failed_targets": "Targets that could not be asked to the end.",
    "target_answers": "Whether the target was asked to the end: 1 or 0.",
    "ok": "Whether the probe lets a deploy go on: 1 or 0.",
    "duration_seconds": "How long the probe took.",
    "outcome": "What became of the probe: 1, with the outcome as a label.",
    "last_run_timestamp_seconds": "When the probe last got its turn.",
}
"""The metrics, without ``django_probe_``, with what each says."""


def label_sets(named: Iterable[dict[str, str]]) -> Iterator[str]:
    """Yield labels as they are to be written; once for all metrics of a probe.

    It takes 7 us for a sample, which is more than the rest of a probe's report does.
    """
    left = iter(named)
    while chunk := list(islice(left, CHUNK)):
        found = family("ok")
        for labels in chunk:
            found.add_sample(found.name, labels, 1)
        for line in text(found).split("\n"):
            if not line.startswith("#"):
                yield line[len(found.name) : line.rindex(" ")]


def family(name: str) -> GaugeMetricFamily:
    """Return a metric without samples."""
    from prometheus_client.core import GaugeMetricFamily

    unit = "seconds" if name.endswith("_seconds") else ""
    return GaugeMetricFamily(f"django_probe_{name}", HELP[name], unit=unit)


def text(metric: GaugeMetricFamily) -> str:
    """Return a metric as text, without the end mark of the whole."""
    from prometheus_client.openmetrics.exposition import ALLOWUTF8, generate_latest

    one = SimpleNamespace(collect=lambda: (metric,))
    # Of a registry it asks nothing but `collect`. Our names need no escaping, and are not
    # looked at letter by letter when it is told to allow all.
    told: bytes = generate_latest(one, ALLOWUTF8)  # type: ignore[no-untyped-call]
    return told.decode().removesuffix("\n# EOF\n")


def require() -> None:
    """Raise where prometheus_client is missing.

    Raises:
        UnknownReporter: it is; what to install is named.
    """
    try:
        import prometheus_client.core  # noqa: F401
    except ImportError as exc:
        raise UnknownReporter(
            "The report format 'openmetrics' needs prometheus_client, which is not installed:"
            " pip install 'django-probe-runner[prometheus]'."
        ) from exc
