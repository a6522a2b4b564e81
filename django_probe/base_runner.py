"""What all who run probes have in common: options, reports, the one loop."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TextIO

from django_probe import interrupts, running
from django_probe.ci import github_reports
from django_probe.deadline import Deadline
from django_probe.exceptions import ConfigurationError
from django_probe.formats import Format, described, find_format
from django_probe.option_types import RANDOM
from django_probe.options import checked
from django_probe.outputs import FileOutput, Output, StreamOutput
from django_probe.redaction import Redactor
from django_probe.reporting import Report, ReporterGroup
from django_probe.results import Summary
from django_probe.rules import Rules
from django_probe.sanitizing import one_line
from django_probe.scrubbing import Scrubber
from django_probe.selection import Selection
from django_probe.targets.base import Target

__all__ = ["BaseRunner"]

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


class BaseRunner:
    """Ask a target and report what it tells; each step is a method to override.

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

    def ask(self, selection: Selection, seconds: float | None) -> Summary:
        """Ask for what a selection picks, report it, return the verdict.

        Args:
            seconds: the run may take; None is no limit.

        Raises:
            ProbeError: nothing could be asked; no probe has run.
        """
        return running.run(
            self.get_target(),
            selection,
            ReporterGroup(self.get_reports(), self.warn, shown=self.scrubber.message),
            Deadline(seconds),
            rules=Rules.of(self.option, seconds),
            guard=interrupts.handled,
            tell=self.warn,
        )

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

    @property
    def reporter_aliases(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the names of reports beside those that everybody has."""
        return {}

    def get_target(self) -> Target:
        """Return where the probes run."""
        raise NotImplementedError

    def get_redactor(self) -> Redactor:
        """Return what masks secrets in every record."""
        return Redactor()

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
        found = find_format(name, self.reporter_aliases)
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
        }

    def list_formats(self) -> int:
        """Write the names of all formats, with what each is for; return the exit code."""
        return self._write_list(described(self.reporter_aliases))

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option of the command, or a default where it was not given."""
        value = self.options.get(name)
        return default if value is None else value

    def warn(self, line: str) -> None:
        """Tell a person something that is in no report: one line, without secrets."""
        with contextlib.suppress(OSError, ValueError):
            self.stderr.write(f"{one_line(self.scrubber.message(line))}\n")

    def _write_list(self, lines: Iterable[str]) -> int:
        """Write lines to stdout; return 0, or 3 where nobody takes them."""
        stdout = self._output("")
        try:
            stdout.open().writelines(lines)
            stdout.commit()
        except OSError as exc:
            self.warn(f"Cannot write the list to stdout: {exc.strerror}.")
            return 3
        return 0

    def _output(self, path: str) -> Output:
        return StreamOutput(self.stdout) if path in ("", *STDOUT) else FileOutput(path)


def _as_pattern(text: str) -> str:
    """Return a ``-k`` as unittest reads it: without ``*`` it may stand anywhere."""
    return text if "*" in text else f"*{text}*"
