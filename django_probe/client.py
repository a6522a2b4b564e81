"""The client, ``python -m django_probe.client URL``: needs no Django project, imports no Django."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django_probe.again import spelled
from django_probe.base_runner import BaseRunner
from django_probe.client_options import NAME, parsed
from django_probe.details import text_of
from django_probe.exceptions import ConfigurationError, ProbeError
from django_probe.formats import Format
from django_probe.garbage import collect_less_garbage
from django_probe.options import wants_color
from django_probe.outputs import FileOutput, mend_descriptors, own_stdout
from django_probe.redaction import Redactor
from django_probe.reporting import Report
from django_probe.results import DEFAULT_TARGET
from django_probe.run_config import RunConfig
from django_probe.sanitizing import clean, one_line
from django_probe.setting_entries import check_alias
from django_probe.targets.base import Setup, Target
from django_probe.targets.merging import AT_ONCE, MergedTargets
from django_probe.targets.picking import picked
from django_probe.targets.remote import RemoteTarget
from django_probe.targets.remote_options import check_token, check_url

__all__ = ["TOKEN", "Client", "main"]

TOKEN = "PROBE_TOKEN"  # noqa: S105 - a name
"""The environment variable that has the token; with ``_`` and an alias behind it, that of one."""

_SAME = ("target", "tag", "exclude_tag", "patterns")
"""Options without which others would be asked, or for other probes."""
_NAMED = re.compile(r"([^=/:?#]*)=(.*)", re.DOTALL)
_NO_ALIAS = re.compile(r"[^A-Za-z0-9_-]+")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Do what a command line asks for; end the process with the exit code."""
    mend_descriptors()
    client: Client | None = None
    try:
        options = parsed(arguments)
        collect_less_garbage()
        with own_stdout(for_good=True) as stdout:
            client = Client(stdout=stdout, **options, color=wants_color(options))
            code = client.run()
    except KeyboardInterrupt:
        code = 130
    except Exception as exc:
        redactor = Redactor(_secrets())
        code = exc.exit_code if isinstance(exc, ProbeError) else 2
        with contextlib.suppress(OSError, ValueError):
            if "--traceback" in (sys.argv if arguments is None else arguments):
                sys.stderr.write(redactor.scrub(traceback.format_exc()))
            sys.stderr.write(f"{NAME}: {_told(exc, redactor)}\n")
    _leave(code, client.left_behind if client else ())


class Client(BaseRunner):
    """Ask deployments, or tell saved wires again; report it as the command does."""

    _target: Target | None = None
    _read: Mapping[object, str] = {}
    """By their places: the wires that are told again."""

    def run(self) -> int:
        """Do what the options ask for; return the exit code.

        Raises:
            ProbeError: nothing could be asked.
        """
        if self.option("list_formats"):
            return self.list_formats()
        selection = self.build_selection(self.option("labels", ()))
        summary = self.ask(selection, self.option("deadline"))
        if not summary.counts.ran and summary.exit_code in (0, 5):
            total = summary.counts.total
            what = f"all {total} were skipped" if total else "there is no such probe"
            self.warn(f"Nothing ran: {what}.")
        return summary.exit_code

    def get_target(self) -> Target:
        """Return the deployments that are asked as one target, or the wires that are told."""
        wires = self.option("wires")
        if wires:
            from django_probe.targets.replay import Replay
            from django_probe.targets.wires import opened

            told = opened(wires)
            self._read = {FileOutput(wire.name).place: wire.name for wire in told}
            self._target = Replay(told, self.config)
            return self._target
        targets = self._remotes()
        twins = [alias for alias, n in Counter(each.alias for each in targets).items() if n > 1]
        if twins:
            raise ConfigurationError(
                f"Two URLs have the alias {twins[0]!r}, expected one: write ALIAS=URL."
            )
        at_once = self.option("target_concurrency", AT_ONCE)
        alone = len(targets) == 1
        self._target = targets[0] if alone else MergedTargets(targets, self.config, at_once)
        return self._target

    def get_reports(self) -> list[Report]:
        """Return the reports; none of them may take the place of a wire that is read."""
        reports = super().get_reports()
        for report in reports:
            place = report.output.place
            name = self._read.get(place)
            if place and name:
                raise ConfigurationError(
                    f"A report goes to {name!r}, which is read, expected another path."
                )
        return reports

    @cached_property
    def config(self) -> RunConfig:
        """How results are judged, and what is masked."""
        return RunConfig(
            failfast=bool(self.option("failfast")),
            redactor=self.scrubber.redactor,
            strict=bool(self.option("strict")),
            fail_on_flaky=bool(self.option("fail_on_flaky")),
            expect_release=self.option("expect_release"),
        )

    def get_redactor(self) -> Redactor:
        """Return what masks secrets: the tokens, and what its place gives away."""
        return Redactor(_secrets())

    def reporter_defaults(self, found: Format) -> dict[str, Any]:
        """Return the options that reporters get if their class ``accepts`` them."""
        urls = map(shlex.quote, self.option("urls", ()))
        command = " ".join([NAME, *urls, *spelled(self.options, _SAME)])
        again = {} if self.option("wires") else {"command": command}
        return {**super().reporter_defaults(found), **again}

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return what still hangs in this process."""
        return self._target.left_behind if self._target else ()

    def _remotes(self) -> list[Target]:
        urls = self.option("urls", ())
        setup = Setup(config=self.config)
        targets: list[Target] = []
        for text in urls:
            alias, url = self._named(text, alone=len(urls) == 1)
            options = {"url": url, "token": self._token(alias), **self._how()}
            check_url("The URL", url)
            RemoteTarget.check(f"What {NAME} was given", options)
            targets += RemoteTarget.make(alias, options, setup)
        wanted = picked([target.alias for target in targets], self.option("target", ()))
        return [target for target in targets if target.alias in wanted]

    def _named(self, text: str, *, alone: bool) -> tuple[str, str]:
        """Return the alias and the URL of an argument."""
        named = _NAMED.fullmatch(text)
        if named:
            check_alias(repr(text), named[1])
            return named[1], named[2]
        if alone and self.option("resolve") != "all":
            return DEFAULT_TARGET, text
        with contextlib.suppress(ValueError):
            host = urlsplit(text).netloc.rpartition("@")[2]
            return _NO_ALIAS.sub("-", host).strip("-") or DEFAULT_TARGET, text
        return DEFAULT_TARGET, text

    def _token(self, alias: str) -> str | None:
        if self.option("no_token"):
            return None
        own = f"{TOKEN}_{alias.upper().replace('-', '_')}"
        name = own if os.environ.get(own) else TOKEN
        token = os.environ.get(name)
        if not token:
            raise ConfigurationError(
                f"The environment has no {TOKEN}, expected a token of the other side: set it, or"
                " say --no-token."
            )
        check_token(name, token)
        return token

    def _how(self) -> Mapping[str, Any]:
        options = {
            "resolve": self.option("resolve"),
            "timeout": self.option("timeout"),
            "deadline": self.option("deadline"),
            "retries": self.option("connect_retries"),
            "ca": self.option("ca"),
            "cert": self.option("cert"),
            "key": self.option("key"),
        }
        return {name: value for name, value in options.items() if value is not None}


def _secrets() -> set[str]:
    """Return the tokens: they get into no report."""
    return {
        value
        for name, value in os.environ.items()
        if value and (name == TOKEN or name.startswith(f"{TOKEN}_"))
    }


def _told(exc: Exception, redactor: Redactor) -> str:
    """Return any error as one line without secrets."""
    known = isinstance(exc, ProbeError)
    what = text_of(exc) if known else f"{type(exc).__name__}: {text_of(exc)} - no verdict"
    return one_line(clean(redactor.scrub(what)))


def _leave(code: int, hanging: Sequence[str]) -> NoReturn:
    """End the process; what still hangs is told and left."""
    if hanging:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"Left without waiting for what still runs: {', '.join(hanging)}\n")
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
