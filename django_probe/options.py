"""The options of ``manage.py probe``: what each is called, takes and means."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

from django_probe.exceptions import ConfigurationError
from django_probe.option_types import (
    RANDOM,
    count,
    delay,
    positive,
    release,
    seconds,
    seed,
    workers,
)

__all__ = [
    "add_gate_options",
    "add_list",
    "add_options",
    "add_report_options",
    "checked",
    "wants_color",
]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    _what(parser.add_argument_group("what runs"))
    add_report_options(parser.add_argument_group("reports"))
    _how(parser.add_argument_group("how it runs"))
    add_gate_options(parser.add_argument_group("the verdict"))


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the parser would have made them: a caller in Python gives what they like.

    Raises:
        ConfigurationError: an option of the wrong type or value.
    """
    result = dict(options)
    for name, convert in CONVERTERS.items():
        if result.get(name) is not None:
            try:
                result[name] = convert(str(result[name]))
            except argparse.ArgumentTypeError as exc:
                raise ConfigurationError(f"The option {name}: {exc}.") from exc
    _refuse_with_pdb(result)
    for name in LISTS:
        value = result.get(name)
        if isinstance(value, str):
            result[name] = [value]
        elif not isinstance(value, (list, tuple, set, frozenset, type(None))):
            raise ConfigurationError(f"The option {name} is {value!r}, expected a list of strings.")
    return result


def wants_color(options: Mapping[str, Any]) -> bool | None:
    """Return whether reports are coloured, None to let each ask its own stream."""
    if options.get("no_color") or "NO_COLOR" in os.environ:
        return False
    return True if options.get("force_color") else None


def _refuse_with_pdb(options: Mapping[str, Any]) -> None:
    given = {name: options[name] for name in NOT_WITH_PDB if options.get(name)}
    if given.get("parallel") == 1:
        del given["parallel"]
    if options.get("pdb") and given:
        name, value = next(iter(given.items()))
        option = f"--{name} {value if isinstance(value, str) else format(value, 'g')}"
        raise ConfigurationError(
            f"--pdb got {option}, expected none: it runs one probe at a time, here, once and"
            " without timeouts: leave one of them out."
        )


def _what(group: Any) -> None:
    group.add_argument(
        "labels",
        nargs="*",
        default=[],  # Else Django's call_command(labels=…) fails: it takes them as required.
        metavar="label",
        help="app, app.TestX, app.TestX.test_y, app.module.TestX, a dotted module path or the id"
        " in a report; without any: every probe of every installed app",
    )
    add_list(group, "--tag", "TAG", "only probes with this tag; given twice: with either")
    add_list(group, "--exclude-tag", "TAG", "no probes with this tag")
    text = "ask this target of PROBE_TARGETS, or all that match it where it has a * (default: all)"
    add_list(group, "--target", "ALIAS", text)
    text = "leave out the targets that are other deployments"
    group.add_argument("--local", action="store_true", help=text)
    text = "only probes whose id holds this text, or matches it where it has a *"
    add_list(group, "-k", "PATTERN", text, dest="patterns")
    group.add_argument(
        "--shuffle",
        nargs="?",
        const=RANDOM,
        type=seed,
        metavar="SEED",
        help="run in another order; the report names the seed that repeats it",
    )
    text = "run nothing: print the labels of what would run (--format json: all there is to know)"
    group.add_argument("--list", action="store_true", dest="list_probes", help=text)


def add_report_options(group: Any) -> None:
    """Add the options that say which reports there are, and where they go."""
    group.add_argument(
        "--format",
        metavar="NAME",
        help="the report on stdout, text by default; NAME is one of --list-formats, an alias of"
        " PROBE_REPORTERS or the dotted path of a reporter",
    )
    group.add_argument("--output", metavar="FILE", help="write that report to a file instead")
    text = "write one more report; may be given several times"
    add_list(group, "--report", "NAME=FILE", text)
    text = "run nothing: print the names of the formats"
    group.add_argument("--list-formats", action="store_true", help=text)
    text = "under GitHub Actions add neither annotations nor a step summary to the text report"
    group.add_argument("--no-ci", action="store_true", help=text)
    text = "name the N slowest probes (text)"
    group.add_argument("--durations", type=positive, metavar="N", help=text)


def _how(group: Any) -> None:
    text = "start no probe after one that blocks"
    group.add_argument("--failfast", action="store_true", help=text)
    text = "run N probes at once; auto: one for each processor"
    group.add_argument("--parallel", type=workers, metavar="N", help=text)
    text = "how probes run: threads, processes (as with --parallel), or the dotted path of a class"
    group.add_argument("--executor", metavar="NAME", help=text)
    text = "ask N targets at once (default: 16)"
    group.add_argument("--target-concurrency", type=positive, metavar="N", help=text)
    text = "stop a probe after S seconds (default: PROBE_TIMEOUT, 30)"
    group.add_argument("--timeout", type=seconds, metavar="S", help=text)
    text = "end the run after S seconds (default: PROBE_DEADLINE, none)"
    group.add_argument("--deadline", type=seconds, metavar="S", help=text)
    text = "try a probe that failed up to N more times, after all others (default: 0)"
    group.add_argument("--retries", type=count, metavar="N", help=text)
    text = "seconds before the second try, doubled before each next one (default: 1)"
    group.add_argument("--retry-delay", type=delay, metavar="S", help=text)
    text = "open the debugger where a probe fails; one probe at a time, without timeouts"
    group.add_argument("--pdb", action="store_true", help=text)
    text = "let every probe write to every database (default: those with @allow_writes)"
    group.add_argument("--allow-writes", action="store_true", help=text)
    text = "accepted: nothing is ever asked"
    group.add_argument("--noinput", "--no-input", action="store_true", help=text)


def add_gate_options(group: Any) -> None:
    """Add the options that have a say in the verdict."""
    text = "ask again what is not ok, until it is or S seconds are over"
    group.add_argument("--wait", type=seconds, metavar="S", help=text)
    text = "ask all of it until it was ok N times in a row"
    group.add_argument("--stable", type=positive, metavar="N", help=text)
    text = "run nothing where another release than R is served: exit code 4, or --wait for it"
    group.add_argument("--expect-release", type=release, metavar="R", help=text)
    text = "let a run be ok in which nothing ran, as there was nothing or all was skipped"
    group.add_argument("--allow-empty", action="store_true", help=text)
    text = "let a failed probe of severity warning block, too"
    group.add_argument("--strict", action="store_true", help=text)
    text = "let a probe block that passed, but not at the first try"
    group.add_argument("--fail-on-flaky", action="store_true", help=text)


def add_list(group: Any, name: str, metavar: str, text: str, **extra: Any) -> None:
    """Add an option that may be given several times."""
    group.add_argument(name, action="append", default=[], metavar=metavar, help=text, **extra)


CONVERTERS: Mapping[str, Callable[[str], object]] = {
    "timeout": seconds,
    "deadline": seconds,
    "parallel": workers,
    "target_concurrency": positive,
    "retries": count,
    "expect_release": release,
    "wait": seconds,
    "stable": positive,
    "retry_delay": delay,
    "durations": positive,
    "shuffle": seed,
}
NOT_WITH_PDB = (
    "parallel",
    "executor",
    "timeout",
    "deadline",
    "retries",
    "wait",
    "stable",
)
LISTS = ("tag", "exclude_tag", "patterns", "report", "target")
