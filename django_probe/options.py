"""The options of ``manage.py probe``: what each is called, takes and means."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

from django_probe.exceptions import ConfigurationError

__all__ = ["RANDOM", "add_options", "checked"]

RANDOM = "random"
"""``--shuffle`` without a seed."""

MOST_WORKERS = 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    _what(parser.add_argument_group("what runs"))
    _reports(parser.add_argument_group("reports"))
    _how(parser.add_argument_group("how it runs"))
    _gate(parser.add_argument_group("the verdict"))


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
    _add_list(group, "--tag", "TAG", "only probes with this tag; given twice: with either")
    _add_list(group, "--exclude-tag", "TAG", "no probes with this tag")
    text = "ask this target of PROBE_TARGETS, or all that match it where it has a * (default: all)"
    _add_list(group, "--target", "ALIAS", text)
    text = "leave out the targets that are other deployments"
    group.add_argument("--local", action="store_true", help=text)
    text = "only probes whose id holds this text, or matches it where it has a *"
    _add_list(group, "-k", "PATTERN", text, dest="patterns")
    group.add_argument(
        "--shuffle",
        nargs="?",
        const=RANDOM,
        type=_seed,
        metavar="SEED",
        help="run in another order; the report names the seed that repeats it",
    )
    text = "run nothing: print the labels of what would run (--format json: all there is to know)"
    group.add_argument("--list", action="store_true", dest="list_probes", help=text)


def _reports(group: Any) -> None:
    group.add_argument(
        "--format",
        metavar="NAME",
        help="the report on stdout, text by default; NAME is one of --list-formats, an alias of"
        " PROBE_REPORTERS or the dotted path of a reporter",
    )
    group.add_argument("--output", metavar="FILE", help="write that report to a file instead")
    text = "write one more report; may be given several times"
    _add_list(group, "--report", "NAME=FILE", text)
    text = "run nothing: print the names of the formats"
    group.add_argument("--list-formats", action="store_true", help=text)
    text = "under GitHub Actions add neither annotations nor a step summary to the text report"
    group.add_argument("--no-ci", action="store_true", help=text)
    text = "name the N slowest probes (text)"
    group.add_argument("--durations", type=_positive, metavar="N", help=text)


def _how(group: Any) -> None:
    text = "start no probe after one that blocks"
    group.add_argument("--failfast", action="store_true", help=text)
    text = "run N probes at once; auto: one for each processor"
    group.add_argument("--parallel", type=_workers, metavar="N", help=text)
    text = "how probes run: threads, processes (as with --parallel), or the dotted path of a class"
    group.add_argument("--executor", metavar="NAME", help=text)
    text = "ask N targets at once (default: 16)"
    group.add_argument("--target-concurrency", type=_positive, metavar="N", help=text)
    text = "stop a probe after S seconds (default: PROBE_TIMEOUT, 30)"
    group.add_argument("--timeout", type=_seconds, metavar="S", help=text)
    text = "end the run after S seconds (default: PROBE_DEADLINE, none)"
    group.add_argument("--deadline", type=_seconds, metavar="S", help=text)
    text = "try a probe that failed up to N more times, after all others (default: 0)"
    group.add_argument("--retries", type=_count, metavar="N", help=text)
    text = "seconds before the second try, doubled before each next one (default: 1)"
    group.add_argument("--retry-delay", type=_delay, metavar="S", help=text)
    text = "open the debugger where a probe fails; one probe at a time, without timeouts"
    group.add_argument("--pdb", action="store_true", help=text)
    text = "let every probe write to every database (default: those with @allow_writes)"
    group.add_argument("--allow-writes", action="store_true", help=text)
    text = "accepted: nothing is ever asked"
    group.add_argument("--noinput", "--no-input", action="store_true", help=text)


def _gate(group: Any) -> None:
    text = "ask again what is not ok, until it is or S seconds are over"
    group.add_argument("--wait", type=_seconds, metavar="S", help=text)
    text = "ask all of it until it was ok N times in a row"
    group.add_argument("--stable", type=_positive, metavar="N", help=text)
    text = "run nothing where another release than R is served: exit code 4, or --wait for it"
    group.add_argument("--expect-release", type=_release, metavar="R", help=text)
    text = "let a run be ok in which nothing ran, as there was nothing or all was skipped"
    group.add_argument("--allow-empty", action="store_true", help=text)
    text = "let a failed probe of severity warning block, too"
    group.add_argument("--strict", action="store_true", help=text)
    text = "let a probe block that passed, but not at the first try"
    group.add_argument("--fail-on-flaky", action="store_true", help=text)


def _add_list(group: Any, name: str, metavar: str, text: str, **extra: Any) -> None:
    """Add an option that may be given several times."""
    group.add_argument(name, action="append", default=[], metavar=metavar, help=text, **extra)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds greater than 0")
    return value


def _delay(text: str) -> float:
    try:
        return 0.0 if text in ("0", "0.0") else _seconds(text)
    except argparse.ArgumentTypeError:
        message = f"{text!r} is not a number of seconds from 0 on"
        raise argparse.ArgumentTypeError(message) from None


def _count(text: str) -> int:
    try:
        return 0 if text == "0" else _positive(text)
    except argparse.ArgumentTypeError:
        message = f"{text!r} is not a whole number from 0 on"
        raise argparse.ArgumentTypeError(message) from None


def _release(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("--expect-release is empty, expected a release")
    return text


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _workers(text: str) -> int:
    if text == "auto":
        return os.cpu_count() or 1
    if _positive(text) > MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {MOST_WORKERS} probes at once")
    return int(text)


def _seed(text: str) -> int | str:
    if text == RANDOM:
        return RANDOM
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a seed, a whole number: write labels before --shuffle"
        )
    return int(text)


CONVERTERS: Mapping[str, Callable[[str], object]] = {
    "timeout": _seconds,
    "deadline": _seconds,
    "parallel": _workers,
    "target_concurrency": _positive,
    "retries": _count,
    "expect_release": _release,
    "wait": _seconds,
    "stable": _positive,
    "retry_delay": _delay,
    "durations": _positive,
    "shuffle": _seed,
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
