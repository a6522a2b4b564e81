"""The options of ``manage.py probe``: what each is called, takes and means."""

from __future__ import annotations

import argparse
import os
from typing import Any

__all__ = ["add_options", "positive", "seconds", "workers"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    _what(parser.add_argument_group("what runs"))
    _reports(parser.add_argument_group("reports"))
    _how(parser.add_argument_group("how it runs"))


def _what(group: Any) -> None:
    group.add_argument(
        "labels",
        nargs="*",
        metavar="label",
        help="app, app.TestX, app.TestX.test_y, app.module.TestX or a dotted module path;"
        " default: every probe of every installed app",
    )
    group.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="only probes with this tag"
    )
    group.add_argument(
        "--exclude-tag", action="append", default=[], metavar="TAG", help="no probes with this tag"
    )
    group.add_argument(
        "-k",
        action="append",
        default=[],
        dest="patterns",
        metavar="PATTERN",
        help="only probes whose id holds this text, or matches this pattern with *",
    )
    group.add_argument(
        "--shuffle",
        nargs="?",
        const=-1,
        type=int,
        metavar="SEED",
        help="run in another order; the report names the seed that repeats it",
    )
    group.add_argument(
        "--list", action="store_true", dest="list_probes", help="name what would run, run nothing"
    )


def _reports(group: Any) -> None:
    group.add_argument(
        "--format", default="text", metavar="NAME", help="the report on stdout (default: text)"
    )
    group.add_argument("--output", metavar="FILE", help="put that report into a file instead")
    group.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="one more report; may be given several times",
    )
    group.add_argument(
        "--list-formats", action="store_true", help="name the formats there are, run nothing"
    )
    group.add_argument(
        "--durations", type=positive, default=0, metavar="N", help="name the N slowest probes"
    )


def _how(group: Any) -> None:
    group.add_argument("--failfast", action="store_true", help="stop at the first that blocks")
    group.add_argument(
        "--parallel", type=workers, metavar="N", help="how many probes at once, or 'auto'"
    )
    group.add_argument("--executor", metavar="NAME", help="how probes run: threads")
    group.add_argument(
        "--timeout", type=seconds, metavar="S", help="seconds a probe may take (PROBE_TIMEOUT)"
    )
    group.add_argument(
        "--deadline", type=seconds, metavar="S", help="seconds the run may take (PROBE_DEADLINE)"
    )
    group.add_argument(
        "--noinput", "--no-input", action="store_true", help="accepted; nothing is ever asked"
    )


def seconds(text: str) -> float:
    """Return a number of seconds greater than 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds greater than 0")
    return value


def positive(text: str) -> int:
    """Return a whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def workers(text: str) -> int:
    """Return a number of workers; ``auto`` is the number of processors."""
    return os.cpu_count() or 1 if text == "auto" else positive(text)
