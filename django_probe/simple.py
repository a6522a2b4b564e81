"""``DjangoProbeSuiteRunner``: the door that ``PROBE_RUNNER`` names."""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, TextIO

from django_probe import deployment, interrupts, listing, running
from django_probe.ci import github_reports
from django_probe.conf import settings
from django_probe.deadline import Deadline
from django_probe.discovery import discover
from django_probe.exceptions import ConfigurationError
from django_probe.executors.base import Executor
from django_probe.executors.names import DEBUGGER, PARALLEL, make_executor
from django_probe.formats import Format, find_format
from django_probe.options import RANDOM, add_options, checked
from django_probe.outputs import FileOutput, Output, StreamOutput
from django_probe.plan import Plan, Selection
from django_probe.project_redactor import project_redactor
from django_probe.redaction import Redactor
from django_probe.reporting import Report, ReporterGroup
from django_probe.results import Summary
from django_probe.rules import Rules
from django_probe.run_config import RunConfig
from django_probe.sanitizing import one_line
from django_probe.scrubbing import Scrubber
from django_probe.targets.base import Target
from django_probe.targets.local import LocalTarget

__all__ = ["DjangoProbeSuiteRunner"]

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


class DjangoProbeSuiteRunner:
    """Run probes and report them; each step is a method to override.

    Choose a subclass by ``PROBE_RUNNER = "dotted.path.of.Subclass"``.

    Args:
        stdout: where the report without a file goes; None where there is none.
        stderr: where words for a person go.
        options: the command's options, by their names in ``add_arguments``.

    Raises:
        ConfigurationError: an option of the wrong type or value.
    """

    def __init__(
        self, *, stdout: TextIO | None = None, stderr: TextIO | None = None, **options: Any
    ) -> None:
        self.stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr
        self.options = checked(options)
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
        deployment.enter(self.option("verbosity", 1), self.warn)
        seconds = None if self.option("pdb") else self.option("deadline", settings.deadline)
        summary = running.run(
            self.get_target(),
            selection,
            ReporterGroup(self.get_reports(), self.warn, shown=self.scrubber.message),
            Deadline(seconds),
            rules=Rules.of(self.option, seconds),
            guard=interrupts.handled,
            tell=self.warn,
        )
        if not summary.counts.ran and summary.exit_code in (0, 5):
            self.warn(listing.nothing_ran(selection, summary.counts.total, self.build_suite))
        return summary

    def build_selection(self, labels: Sequence[str]) -> Selection:
        """Return which probes the labels and options ask for."""
        seed = self.option("shuffle")
        return Selection(
            labels=tuple(labels),
            tags=frozenset(self.option("tag", ())),
            exclude_tags=frozenset(self.option("exclude_tag", ())),
            patterns=tuple(_as_pattern(text) for text in self.option("patterns", ())),
            seed=random.getrandbits(32) if seed == RANDOM else seed,
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
        if self.option("pdb"):
            self._executor = make_executor(DEBUGGER, self.get_config())
            return self._executor
        entry = settings.executor
        several = self.option("parallel") is not None and not settings.names_executor()
        backend = self.option("executor", PARALLEL if several else entry["BACKEND"])
        options = entry["OPTIONS"] if backend == entry["BACKEND"] else {}
        workers = self.option("parallel", options.get("max_workers", 1))
        self._executor = make_executor(
            backend, self.get_config(), **{**options, "max_workers": workers}
        )
        return self._executor

    def get_config(self) -> RunConfig:
        """Return how the probes are run and judged, whoever runs them."""
        return RunConfig(
            timeout=self.option("timeout", settings.timeout),
            failfast=bool(self.option("failfast")),
            allow_writes=bool(self.option("allow_writes")) or settings.allow_writes,
            redactor=self.scrubber.redactor,
            strict=bool(self.option("strict")),
            fail_on_flaky=bool(self.option("fail_on_flaky")),
            retries=self.option("retries", 0),
            retry_delay=self.option("retry_delay", 1.0),
            expect_release=self.option("expect_release"),
        )

    def get_redactor(self) -> Redactor:
        """Return what masks secrets in every record."""
        return project_redactor()

    @cached_property
    def scrubber(self) -> Scrubber:
        """What makes texts fit to be shown in this run."""
        return Scrubber(self.get_redactor())

    def get_reports(self) -> list[Report]:
        """Return the reports that were asked for, none of them opened.

        Raises:
            UnknownReporter: a format that does not exist.
            ConfigurationError: a report without a file.
        """
        output = self.option("output")
        if output == "":
            raise ConfigurationError("--output is empty, expected the path of a file.")
        main = self.get_report(self.option("format", "text"), output or "", main=True)
        asked = [text.partition("=") for text in self.option("report", ())]
        added = github_reports(self.options, self.stderr, self.warn)
        return [main, *(self.get_report(name, path) for name, _, path in asked), *added]

    def get_report(self, name: str, path: str = "", *, main: bool = False) -> Report:
        """Return one report; only the main one goes to stdout when nobody says where.

        Raises:
            UnknownReporter: a format that does not exist.
            ConfigurationError: no file.
        """
        found = find_format(name, settings.reporters)
        path = path or found.output
        if not path and not main:
            raise ConfigurationError(
                f"--report {name} has no file, expected NAME=FILE: write --report {name}=FILE."
            )
        return Report(
            name, self._output(path), partial(found.build, **self.reporter_defaults(found))
        )

    def reporter_defaults(self, found: Format) -> dict[str, Any]:
        """Return the options that reporters get if their class ``accepts`` them."""
        return {
            "verbosity": self.option("verbosity", 1),
            "durations": self.option("durations", 0),
            "color": self.option("color"),
            "heartbeat": 0.0 if self.option("pdb") else 10.0,
            "command": listing.own_command(self.option("settings")),
        }

    def list_formats(self) -> int:
        """Write the names of all formats, with what each is for; return the exit code."""
        self._output("").open().writelines(listing.formats(settings.reporters))
        return 0

    def list_probes(self, selection: Selection) -> int:
        """Write what would run, as text or json; return the exit code."""
        name = self.option("format", "text")
        if name not in ("text", "json"):
            raise ConfigurationError(f"--list has no format {name!r}, expected text or json.")
        if self.option("report") or self.option("output"):
            raise ConfigurationError("--list writes to stdout alone: leave the reports out.")
        plan = self.build_suite(selection)
        stream = self._output("").open()
        scrubber = self.scrubber
        timeout = self.option("timeout", settings.timeout)
        described = [scrubber.probe(entry.describe(timeout)) for entry in plan.entries]
        stream.writelines(listing.probes(described, name))
        for line in listing.problems(plan):
            self.warn(line)
        if not plan.total:
            self.warn(listing.nothing_ran(selection, 0, self.build_suite))
        return 0 if plan.total or self.option("allow_empty") else 5

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option of the command, or a default where it was not given."""
        value = self.options.get(name)
        return default if value is None else value

    def warn(self, line: str) -> None:
        """Tell a person something that is in no report: one line, without secrets."""
        with contextlib.suppress(OSError, ValueError):
            self.stderr.write(f"{one_line(self.scrubber.message(line))}\n")

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of probes that still hang in this process."""
        return self._executor.left_behind if self._executor else ()

    def _output(self, path: str) -> Output:
        return StreamOutput(self.stdout) if path in ("", *STDOUT) else FileOutput(path)


def _as_pattern(text: str) -> str:
    """Return a ``-k`` as unittest reads it: without ``*`` it may stand anywhere."""
    return text if "*" in text else f"*{text}*"
