"""``DjangoProbeSuiteRunner``: the door that ``PROBE_RUNNER`` names."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings as django_settings

from django_probe import interrupts, running
from django_probe.conf import settings
from django_probe.deadline import Deadline
from django_probe.discovery import discover
from django_probe.exceptions import ConfigurationError
from django_probe.executors.base import Executor
from django_probe.executors.names import make_executor
from django_probe.formats import Format, available, find_format
from django_probe.options import add_options
from django_probe.outputs import FileOutput, Output, StreamOutput
from django_probe.plan import Plan, Selection
from django_probe.redaction import Redactor, secrets_in_settings
from django_probe.reporting import Report, ReporterGroup
from django_probe.results import Summary
from django_probe.targets.base import Target
from django_probe.targets.local import LocalTarget

__all__ = ["DjangoProbeSuiteRunner"]


class DjangoProbeSuiteRunner:
    """Run probes and report them; each step is a method to override.

    Choose a subclass by ``PROBE_RUNNER = "dotted.path.of.Subclass"``.

    Args:
        stdout: where the report without a file goes.
        stderr: where words for a person go.
        options: the command's options, by their names in ``add_arguments``.
    """

    def __init__(
        self, *, stdout: TextIO | None = None, stderr: TextIO | None = None, **options: Any
    ) -> None:
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.options = options
        self._executor: Executor | None = None

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the command's options; an override calls ``super()`` and adds its own."""
        add_options(parser)

    def run(self, labels: Sequence[str] = ()) -> int:
        """Do what the command is asked for; return its exit code.

        Raises:
            ProbeError: nothing could be asked; no probe has run.
        """
        if self.option("list_formats"):
            return self.list_formats()
        selection = self.build_selection(labels)
        if self.option("list_probes"):
            return self.list_probes(selection)
        return self.run_probes(selection).exit_code

    def run_probes(self, selection: Selection) -> Summary:
        """Run what a selection picks, report it, return the verdict.

        Raises:
            ProbeError: nothing could be asked; no probe has run.
        """
        deadline = Deadline(self.option("deadline") or settings.deadline)
        summary = running.run(
            self.get_target(),
            selection,
            ReporterGroup(self.get_reports(), self.warn),
            deadline,
            guard=interrupts.handled,
        )
        if summary.exit_code == 5:
            self.warn(nothing_ran(selection, summary))
        return summary

    def build_selection(self, labels: Sequence[str]) -> Selection:
        """Return which probes the labels and options ask for."""
        seed = self.option("shuffle")
        return Selection(
            labels=tuple(labels),
            tags=frozenset(self.option("tag", ())),
            exclude_tags=frozenset(self.option("exclude_tag", ())),
            patterns=tuple(_as_pattern(text) for text in self.option("patterns", ())),
            seed=random.randrange(2**32) if seed == -1 else seed,
        )

    def build_suite(self, selection: Selection) -> Plan:
        """Return the plan of a selection: discovery.

        Raises:
            UnknownLabel: a label names nothing.
        """
        return discover(selection)

    def get_target(self) -> Target:
        """Return where the probes run: here."""
        return LocalTarget(self.get_executor(), build=self.build_suite)

    def get_executor(self) -> Executor:
        """Return how the probes run."""
        entry = settings.executor
        backend = self.option("executor") or entry["BACKEND"]
        options = entry["OPTIONS"] if backend == entry["BACKEND"] else {}
        given = {
            "max_workers": self.option("parallel") or options.get("max_workers", 1),
            "timeout": self.option("timeout") or settings.timeout,
            "failfast": bool(self.option("failfast")),
            "redactor": self.get_redactor(),
        }
        self._executor = make_executor(backend, **{**options, **given})
        return self._executor

    def get_redactor(self) -> Redactor:
        """Return what masks secrets in every record."""
        return Redactor(secrets_in_settings(django_settings))

    def get_reports(self) -> list[Report]:
        """Return the reports that were asked for, none of them opened.

        Raises:
            UnknownReporter: a format that does not exist.
            ConfigurationError: a report without a file, or two on one.
        """
        asked = [(self.option("format") or "text", self.option("output") or "")]
        for text in self.option("report", ()):
            name, _, path = text.partition("=")
            asked.append((name, path))
        reports = [
            self.get_report(name, path, main=position == 0)
            for position, (name, path) in enumerate(asked)
        ]
        _refuse_twins(reports)
        return reports

    def get_report(self, name: str, path: str, *, main: bool = False) -> Report:
        """Return one report; only the main one may go to stdout."""
        found = find_format(name, settings.reporters)
        path = path or found.output
        if not path and not main:
            raise ConfigurationError(
                f"--report {name} has no file, expected NAME=FILE: write --report {name}=FILE."
            )
        output: Output = StreamOutput(self.stdout) if path in ("", "-") else FileOutput(path)
        return Report(name, output, partial(found.build, **self.reporter_defaults(found)))

    def reporter_defaults(self, found: Format) -> dict[str, Any]:
        """Return the options that reporters get if their class ``accepts`` them."""
        return {
            "verbosity": self.option("verbosity", 1),
            "durations": self.option("durations", 0),
            "color": self.option("color"),
        }

    def list_formats(self) -> int:
        """Write the names of all formats, with what each is for."""
        for name in available(settings.reporters):
            found = find_format(name, settings.reporters)
            purpose = (found.reporter_class.__doc__ or "").strip().splitlines() or [""]
            self.stdout.write(f"{name:12} {purpose[0]}\n")
        return 0

    def list_probes(self, selection: Selection) -> int:
        """Write what would run: labels, or records with ``--format json``."""
        name = self.option("format") or "text"
        if name not in ("text", "json"):
            raise ConfigurationError(f"--list has no format {name!r}, expected text or json.")
        plan = self.build_suite(selection)
        entries = [entry for batch in plan.batches for entry in batch.entries]
        probes = [entry.describe(self.option("timeout") or settings.timeout) for entry in entries]
        if name == "json":
            records = [{key: getattr(probe, key) for key in probe.__slots__} for probe in probes]
            self.stdout.write(json.dumps(records, indent=2) + "\n")
        else:
            self.stdout.writelines(f"{probe.label}\n" for probe in probes)
        return 0 if probes else 5

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option of the command, or a default where it was not given."""
        value = self.options.get(name)
        return default if value is None else value

    def warn(self, line: str) -> None:
        """Tell a person something that is in no report."""
        self.stderr.write(f"{line}\n")

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of probes that still hang in this process."""
        return self._executor.left_behind if self._executor else ()


def nothing_ran(selection: Selection, summary: Summary) -> str:
    """Return what to say when no probe ran: that is never a success."""
    asked = [
        *(f"label {label}" for label in selection.labels),
        *(f"--tag {tag}" for tag in sorted(selection.tags)),
        *(f"--exclude-tag {tag}" for tag in sorted(selection.exclude_tags)),
        *(f"-k {pattern}" for pattern in selection.patterns),
    ]
    if summary.counts.total:
        return f"Nothing ran: all {summary.counts.total} probes were skipped."
    if asked:
        return f"Nothing ran: no probe matches {', '.join(asked)}. --list names what there is."
    return "Nothing ran: no installed app has a probe. Write one in an app's probes.py."


def _as_pattern(text: str) -> str:
    """Return a ``-k`` as unittest reads it: without ``*`` it may stand anywhere."""
    return text if "*" in text else f"*{text}*"


def _refuse_twins(reports: Sequence[Report]) -> None:
    taken: set[object] = set()
    for report in reports:
        output = report.output
        place = output.path.resolve() if isinstance(output, FileOutput) else Path("-")
        if place in taken and place != Path("/dev/null"):
            raise ConfigurationError(
                f"Two reports go to {output}, expected one for each file: give another path."
            )
        taken.add(place)
