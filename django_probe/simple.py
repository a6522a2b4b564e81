"""``DjangoProbeSuiteRunner``: the door that ``PROBE_RUNNER`` names."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django_probe import deployment, listing
from django_probe.again import own_command
from django_probe.base_runner import BaseRunner
from django_probe.batching import for_target
from django_probe.choosing import chosen_targets
from django_probe.conf import settings
from django_probe.discovery import discover, once
from django_probe.exceptions import ConfigurationError
from django_probe.executors.base import Executor
from django_probe.executors.names import DEBUGGER, PARALLEL, make_executor
from django_probe.formats import Format
from django_probe.guards import for_a_run
from django_probe.options import add_options
from django_probe.plan import Plan
from django_probe.project_redactor import project_redactor
from django_probe.redaction import Redactor
from django_probe.results import DEFAULT_TARGET, Summary
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.targets.base import Target
from django_probe.targets.local import LocalTarget

if TYPE_CHECKING:
    from django_probe.targets.assembly import Chosen

__all__ = ["DjangoProbeSuiteRunner"]


class DjangoProbeSuiteRunner(BaseRunner):
    """Run probes and report them; each step is a method to override.

    Choose a subclass by ``PROBE_RUNNER = "dotted.path.of.Subclass"``.

    Args:
        stdout: where the report without a file goes; None where there is none.
        stderr: where words for a person go.
        options: the command's options, by their names in ``add_arguments``.

    Raises:
        ConfigurationError: an option of the wrong type or value.
    """

    _target: Target | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._told: set[str] = set()

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
        with for_a_run(allow_writes=self.allow_writes):
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
        summary = self.ask(selection, seconds)
        if not summary.counts.ran and summary.exit_code in (0, 5):
            self.warn(listing.nothing_ran(selection, summary.counts.total, self.build_suite))
        return summary

    def build_suite(self, selection: Selection) -> Plan:
        """Return the plan of a selection: discovery.

        Raises:
            UnknownLabel: a label names nothing.
        """
        return discover(selection)

    def _plan(self, selection: Selection) -> Plan:
        """Return the plan of a selection; tell of probes that are for none of the targets."""
        plan = self.build_suite(selection)
        for line in listing.on_no_target(plan, self.aliases):
            if line not in self._told:
                self._told.add(line)
                self.warn(line)
        return plan

    @property
    def aliases(self) -> tuple[str, ...]:
        """Return the names of the targets that are asked."""
        return self.chosen.aliases if self.chosen else (DEFAULT_TARGET,)

    def get_target(self) -> Target:
        """Return where the probes run: here, or on the targets of ``PROBE_TARGETS``."""
        executor = self.get_executor()
        if self.chosen is None:
            self._target = LocalTarget(executor, build=self._plan)
        else:
            at_once, build = self.option("target_concurrency"), once(self._plan)
            self._target = self.chosen.target(executor, build, at_once)
        return self._target

    @cached_property
    def chosen(self) -> Chosen | None:
        """Which targets of ``PROBE_TARGETS`` are asked; None without that setting."""
        return chosen_targets(self.option)

    def get_executor(self) -> Executor:
        """Return how the probes run."""
        if self.option("pdb"):
            return make_executor(DEBUGGER, self.get_config())
        entry = settings.executor
        several = self.option("parallel") is not None and not settings.names_executor()
        backend = self.option("executor", PARALLEL if several else entry["BACKEND"])
        options = entry["OPTIONS"] if backend == entry["BACKEND"] else {}
        workers = self.option("parallel", options.get("max_workers", 1))
        return make_executor(backend, self.get_config(), **{**options, "max_workers": workers})

    def get_config(self) -> RunConfig:
        """Return how the probes are run and judged, whoever runs them."""
        return RunConfig(
            timeout=self.option("timeout", settings.timeout),
            failfast=bool(self.option("failfast")),
            allow_writes=self.allow_writes,
            redactor=self.scrubber.redactor,
            strict=bool(self.option("strict")),
            fail_on_flaky=bool(self.option("fail_on_flaky")),
            retries=self.option("retries", 0),
            retry_delay=self.option("retry_delay", 1.0),
            expect_release=self.option("expect_release"),
        )

    @property
    def allow_writes(self) -> bool:
        """Whether all that runs may write to the databases."""
        return bool(self.option("allow_writes")) or settings.allow_writes

    def get_redactor(self) -> Redactor:
        """Return what masks secrets in every record."""
        return project_redactor(self.chosen.secrets if self.chosen else ())

    @property
    def reporter_aliases(self) -> Mapping[str, Mapping[str, Any]]:
        """Return ``PROBE_REPORTERS``."""
        return settings.reporters

    def reporter_defaults(self, found: Format) -> dict[str, Any]:
        """Return the options that reporters get if their class ``accepts`` them."""
        return {**super().reporter_defaults(found), "command": own_command(self.options)}

    def list_probes(self, selection: Selection) -> int:
        """Write what would run, as text or json; return the exit code."""
        name = self.option("format", "text")
        if name not in ("text", "json"):
            raise ConfigurationError(f"--list has no format {name!r}, expected text or json.")
        if self.option("report") or self.option("output"):
            raise ConfigurationError("--list writes to stdout alone: leave the reports out.")
        plan = self._plan(selection)
        where: Mapping[int, Sequence[str]] = {}
        if self.chosen:
            plan, where = self.chosen.narrow(plan)
            for line in self.chosen.unlisted():
                self.warn(line)
        else:
            plan = for_target(plan, DEFAULT_TARGET, frozenset())
        timeout = self.option("timeout", settings.timeout)
        described = self.scrubber.probes([entry.describe(timeout) for entry in plan.entries])
        lost = self._write_list(listing.probes(described, name, where))
        for line in listing.problems(plan):
            self.warn(line)
        if not plan.total:
            self.warn(listing.nothing_ran(selection, 0, self.build_suite))
        return lost or (0 if plan.total or self.option("allow_empty") else 5)

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the labels of probes that still hang in this process."""
        return self._target.left_behind if self._target else ()
