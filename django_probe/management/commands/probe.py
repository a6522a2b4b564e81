"""``manage.py probe``: run the probes of this deployment and report them."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn, TextIO

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    SystemCheckError,
)
from django.utils.module_loading import import_string

from django_probe.checks import SETTINGS_TAG
from django_probe.conf import DEFAULT_RUNNER, settings
from django_probe.exceptions import ConfigurationError, ProbeError
from django_probe.outputs import own_stdout
from django_probe.simple import DjangoProbeSuiteRunner

EPILOG = (
    "exit codes: 0 all ok; 1 something blocks; 2 could not ask; 3 a report could not be"
    " written; 4 a target could not be asked; 5 nothing ran; 130/143 interrupted"
)


class Command(BaseCommand):
    """Hand the options to the runner that ``PROBE_RUNNER`` names."""

    help = "Run system tests (probes) against this live deployment and report the results."
    requires_system_checks = [SETTINGS_TAG]  # noqa: RUF012 - as Django declares it

    exit_code = 0
    _runner: DjangoProbeSuiteRunner | None = None

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that takes no abbreviated option for another."""
        kwargs = {"allow_abbrev": False, "epilog": EPILOG, **kwargs}
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = partial(_refuse, parser)  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Let the runner add its options."""
        self._runner_class().add_arguments(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a command line; end the process with the exit code, whatever still hangs."""
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            self._leave(130)
        except (CommandError, ProbeError) as exc:
            # Those from the parser, and all others where --traceback is given.
            if "--traceback" in argv:
                traceback.print_exc()
            self.stderr.write(f"CommandError: {exc}")
            self._leave(exc.returncode if isinstance(exc, CommandError) else exc.exit_code)
        self._leave(self.exit_code)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run with every error as one line and exit code 2: Django's own would be 1."""
        try:
            return super().execute(*args, **options)
        except SystemCheckError as exc:
            raise SystemCheckError(str(exc), returncode=2) from exc
        except CommandError as exc:
            raise CommandError(str(exc), returncode=2) from exc
        except ProbeError as exc:
            raise CommandError(str(exc), returncode=exc.exit_code) from exc
        except Exception as exc:
            raise CommandError(
                f"{type(exc).__name__}: {exc}. No verdict: this is no fault of a probe;"
                " --traceback shows where it comes from.",
                returncode=2,
            ) from exc

    def handle(self, *labels: str, **options: Any) -> None:
        """Run what the options ask for; a caller in Python gets ``SystemExit`` if not ok."""
        labels = tuple(options.pop("labels", ())) or labels
        called = self._called_from_command_line
        with self._report_stream(options.pop("stdout", None)) as stdout:
            options["color"] = self._color(options, stdout)
            self._runner = self._runner_class()(stdout=stdout, stderr=self.stderr, **options)
            self.exit_code = self._runner.run(labels)
        if self.exit_code and not called:
            sys.exit(self.exit_code)

    def _runner_class(self) -> type[DjangoProbeSuiteRunner]:
        path = settings.runner
        try:
            runner_class = import_string(path)
        except ImportError as exc:
            raise ConfigurationError(
                f"PROBE_RUNNER is {path!r}, which cannot be imported: {exc}."
                f" The default is {DEFAULT_RUNNER!r}."
            ) from exc
        if not isinstance(runner_class, type) or not issubclass(
            runner_class, DjangoProbeSuiteRunner
        ):
            raise ConfigurationError(
                f"PROBE_RUNNER is {path!r}, expected a class derived from {DEFAULT_RUNNER}."
            )
        return runner_class

    @contextlib.contextmanager
    def _report_stream(self, given: TextIO | None) -> Iterator[TextIO]:
        if given is not None:
            yield given
            return
        with own_stdout() as stream:
            yield stream

    @staticmethod
    def _color(options: dict[str, Any], stdout: TextIO) -> bool:
        if options.get("no_color") or "NO_COLOR" in os.environ:
            return False
        return bool(options.get("force_color")) or stdout.isatty()

    def _leave(self, code: int) -> NoReturn:
        """End the process; threads that would keep it are told and left."""
        hanging = self._runner.left_behind if self._runner else ()
        others = _other_threads()
        if hanging or others:
            what = ", ".join([*hanging, *(thread.name for thread in others)])
            sys.stderr.write(f"Left without waiting for what still runs: {what}\n")
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)
        sys.exit(code)


def _other_threads(patience: float = 0.2) -> list[threading.Thread]:
    """Return the threads that Python would wait for at its end, and that do not end soon."""
    threads = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    for thread in threads:
        thread.join(patience)
    return [thread for thread in threads if thread.is_alive()]


def _refuse(parser: CommandParser, message: str) -> NoReturn:
    """Tell what is wrong in one line, without the usage of thirty options."""
    raise CommandError(f"{message}; see {parser.prog} --help", returncode=2)
