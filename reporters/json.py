"""The run as one JSON document; ``"ok"`` comes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TextIO

from django_probe.encoding import result_to_json
from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.plain_dicts import counts_to_dict, error_to_dict
from django_probe.reporters._entries import Entries
from django_probe.reporting import Reporter, served_by, shown_target
from django_probe.results import DEFAULT_TARGET, ProbeResult, Summary

__all__ = ["JsonReporter"]

_encode = json.JSONEncoder().encode


class JsonReporter(Reporter):
    """One JSON document, ``ok`` first, for ``jq -e .ok`` and programs."""

    content_type = "application/json"
    extension = "json"

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._fixture_errors: list[dict[str, object]] = []
        self._failed_targets: list[dict[str, object]] = []

    def run_started(self, run: RunStarted) -> None:
        """Keep what stands at the head of the document."""
        self._run = run
        self._entries = Entries(run.targets)

    def probe_finished(self, result: ProbeResult) -> None:
        """Spool a result: the verdict, which comes before it, is not known yet."""
        self._entries.add(result, result_to_json(result, self._shown(result.target)))

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Keep a fixture error."""
        self._fixture_errors.append(
            {
                "target": self._shown(event.target),
                "fixture": event.fixture,
                "source": event.source,
                "error": error_to_dict(event.error),
            }
        )

    def target_failed(self, event: TargetFailed) -> None:
        """Keep that a target failed."""
        self._failed_targets.append({"target": event.target, "error": error_to_dict(event.error)})

    def run_finished(self, summary: Summary) -> None:
        """Write the document."""
        self.stream.write(self._head(summary))
        self._entries.write(self.stream)
        self.stream.write("\n]}\n")

    def _head(self, summary: Summary) -> str:
        run = self._run
        about = {
            "run_id": run.run_id,
            "started_at": run.started_at.isoformat(),
            "duration": round(summary.duration, 6),
            "release": run.release,
            "instance": run.instance,
            "targets": [] if run.targets == (DEFAULT_TARGET,) else run.targets,
            "labels": run.labels,
            "seed": run.seed,
        }
        by_target = {
            name: {**counts_to_dict(counts), **self._served(name)}
            for name, counts in summary.by_target.items()
            if self._shown(name)
        }
        parts = {
            "run": about,
            "summary": counts_to_dict(summary.counts),
            "by_target": by_target,
            "failed_targets": sorted(self._failed_targets, key=self._place),
            "fixture_errors": sorted(self._fixture_errors, key=self._place),
        }
        verdict = {"ok": summary.ok, "exit_code": summary.exit_code, "version": 1}
        lines = [_encode(verdict)[:-1]]
        lines += [f'"{name}": {_encode(part)}' for name, part in parts.items()]
        return ",\n".join(lines) + ',\n"results": ['

    def _place(self, entry: Mapping[str, object]) -> int:
        """Return where an entry stands: targets tell at the same time, in any order."""
        targets = self._run.targets
        return targets.index(target) if (target := entry["target"]) in targets else len(targets)

    def _served(self, target: str) -> dict[str, str]:
        release, instance = served_by(self._run, self.begun, target)
        return {"release": release, "instance": instance}

    def _shown(self, target: str) -> str | None:
        return shown_target(self._run.targets, target) or None
