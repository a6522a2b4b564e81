"""``manage.py probe``: run the probes of this deployment and report them."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import traceback
from argparse import ArgumentParser
from functools import partial
from typing import Any, NoReturn, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from django_probe import __version__
from django_probe.checks import SETTINGS_TAG, check_settings
from django_probe.details import text_of
from django_probe.exceptions import ProbeError, RunEnded
from django_probe.garbage import collect_less_garbage
from django_probe.options import wants_color
from django_probe.outputs import mend_descriptors, own_stdout
from django_probe.project_redactor import without_secrets
from django_probe.runners import runner_class
from django_probe.sanitizing import clean, one_line
from django_probe.simple import DjangoProbeSuiteRunner

__all__ = ["EPILOG", "Command"]

EPILOG = (
    "exit codes: 0 all ok; 1 something blocks; 2 could not ask (option, label, setting);"
    " 3 a report could not be written; 4 a target could not be asked, or serves another release;"
    " 5 nothing ran; 130, 143 interrupted"
)


class Command(BaseCommand):
    """Hand the options to the runner that ``PROBE_RUNNER`` names."""

    help = "Run the probes, tests of this live deployment, and report what came of them."
    requires_system_checks = [SETTINGS_TAG]  # noqa: RUF012 - as Django declares it

    exit_code = 0
    _is_command_line = False
    _runner: DjangoProbeSuiteRunner | None = None

    def get_version(self) -> str:
        """Return the version of django-probe: this command is no part of Django."""
        return __version__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that takes no abbreviated option for another."""
        kwargs = {"allow_abbrev": False, "epilog": EPILOG, **kwargs}
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = partial(_refuse, parser)  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Let the runner add its options."""
        runner_class().add_arguments(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a command line; end the process with the exit code, whatever still hangs."""
        mend_descriptors()
        self.stderr = OutputWrapper(sys.stderr)
        self.stderr.style_func = self.style.ERROR
        self._is_command_line = True
        collect_less_garbage()
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            self._leave(130)
        except Exception as exc:
            # From the parser, or from anywhere where --traceback is given.
            told = _told(exc)
            if "--traceback" in argv:
                sys.stderr.write(without_secrets(traceback.format_exc()))
            with contextlib.suppress(OSError):
                self.stderr.write(f"CommandError: {told}")
            self._leave(told.returncode)
        self._leave(self.exit_code)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run with every error as one line and exit code 2: Django's own would be 1."""
        try:
            output = super().execute(*args, **options)
        except (Exception, SystemExit, RunEnded) as exc:
            raise _told(exc) from exc
        if self.exit_code and not self._is_command_line:
            sys.exit(self.exit_code)
        return output

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Check the settings, and tell the first fault in one line."""
        faults = [fault for fault in check_settings() if not fault.is_silenced()]
        if faults:
            more = f" ({len(faults) - 1} more: manage.py check)" if faults[1:] else ""
            raise CommandError(f"{faults[0].id}: {faults[0].msg}{more}", returncode=2)

    def handle(self, *labels: str, **options: Any) -> None:
        """Run what the options ask for; a caller in Python gets ``SystemExit`` if not ok."""
        labels = tuple(options.pop("labels", ())) or labels
        # Not self.stderr: that paints all it writes as an error.
        given, stderr = options.pop("stdout", None), options.pop("stderr", None)
        with self._report_stream(given) as stdout:
            options["color"] = wants_color(options)
            self._runner = runner_class()(stdout=stdout, stderr=stderr, **options)
            self.exit_code = _exit_code(self._runner.run(labels))

    def _report_stream(
        self, given: TextIO | None
    ) -> contextlib.AbstractContextManager[TextIO | None]:
        if given is not None:
            return contextlib.nullcontext(given)
        return own_stdout(for_good=self._is_command_line)

    def _leave(self, code: int) -> NoReturn:
        """End the process; threads that would keep it are told and left."""
        hanging = self._runner.left_behind if self._runner else ()
        others = _other_threads()
        if hanging or others:
            what = ", ".join([*hanging, *(thread.name for thread in others)])
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"Left without waiting for what still runs: {what}\n")
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(code)
        gc.freeze()  # All memory is given back in a moment: nothing is to be looked for in it.
        sys.exit(code)


def _told(exc: BaseException) -> CommandError:
    """Return any error as one of the command: one line, and the exit code."""
    if isinstance(exc, (ProbeError, CommandError)):
        code = exc.exit_code if isinstance(exc, ProbeError) else 2
        return CommandError(_line(text_of(exc)), returncode=code)
    what = _line(f"{type(exc).__name__}: {text_of(exc)}")
    return CommandError(
        f"{what} - no verdict: this is no fault of a probe; --traceback shows where it comes from.",
        returncode=2,
    )


def _line(text: str) -> str:
    """Return text as one line without secrets: what settings have raised may be more."""
    return one_line(clean(without_secrets(text)))


def _exit_code(code: object) -> int:
    """Return what ``run`` returned, if it is an exit code: an override may have forgotten to."""
    if isinstance(code, int) and 0 <= code <= 255:
        return int(code)
    raise CommandError(f"The runner's run() returned {code!r}, expected an exit code, 0 to 255.")


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
