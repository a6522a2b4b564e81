"""The options of the client: what each is called, takes and means."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from django_probe import __version__
from django_probe.exceptions import ConfigurationError
from django_probe.option_types import count, delay, positive, seconds
from django_probe.options import add_gate_options, add_list, add_report_options

__all__ = ["DESCRIPTION", "NAME", "client_parser", "is_url", "parsed"]

NAME = "django-probe-remote"
DESCRIPTION = "Ask the probes of deployments over HTTP, and report what came of them."
EPILOG = (
    "The token is in the environment: PROBE_TOKEN, or PROBE_TOKEN_EU for the alias eu. Exit codes:"
    " 0 all ok; 1 something blocks; 2 could not ask (option, URL, token); 3 a report could not be"
    " written; 4 a deployment could not be asked, or serves another release; 5 nothing ran; 130,"
    " 143 interrupted"
)
NOT_WITH_WIRES = {
    "urls": "a URL",
    "labels": "a label",
    "target": "--target",
    "tag": "--tag",
    "exclude_tag": "--exclude-tag",
    "patterns": "-k",
    "wait": "--wait",
    "stable": "--stable",
    "resolve": "--resolve",
}
"""What says something about the asking, where nothing is asked."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell what is wrong in one line, without the usage of thirty options."""
        raise ConfigurationError(f"{message}; see {self.prog} --help")


def parsed(arguments: list[str] | None) -> dict[str, Any]:
    """Return the options of a command line by their names.

    Raises:
        ConfigurationError: an unknown one, one of the wrong type, or two that do not go together.
    """
    options = vars(client_parser().parse_args(arguments))
    asked = options.pop("asked")
    options["urls"] = [text for text in asked if is_url(text)]
    options["labels"] += [text for text in asked if not is_url(text)]
    given = [name for name in NOT_WITH_WIRES if options.get(name) not in (None, [], "one", 1)]
    if options["wires"] and given:
        raise ConfigurationError(
            f"--from got {NOT_WITH_WIRES[given[0]]}, expected none: nothing is asked, what was"
            " told is told again."
        )
    if not options["wires"] and not options["urls"] and not options["list_formats"]:
        got = f"{options['labels'][0]!r} is no URL" if options["labels"] else "No URL"
        raise ConfigurationError(
            f"{got}, expected one at least, as https://shop.example/probe/; see {NAME} --help"
        )
    return options


def is_url(text: str) -> bool:
    """Return whether an argument is meant as a URL, and not as a label."""
    return "://" in text or "=" in text


def client_parser() -> argparse.ArgumentParser:
    """Return the parser of the client's command line."""
    parser = _Parser(prog=NAME, description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    _what(parser.add_argument_group("what is asked"))
    _how(parser.add_argument_group("how it is asked"))
    reports = parser.add_argument_group("reports")
    add_report_options(reports)
    _looks(reports)
    add_gate_options(parser.add_argument_group("the verdict"))
    return parser


def _what(group: Any) -> None:
    group.add_argument(
        "asked",
        nargs="*",
        metavar="URL [label]",
        help="of /probe/ or of its site; ALIAS=URL names it in reports, else its host does, or"
        " nothing where it is the only one; labels, without :// in them, may stand behind it",
    )
    group.add_argument(
        "--from",
        nargs="+",
        dest="wires",
        metavar="FILE",
        help="ask nobody: report what --format jsonl has written, several files as one run;"
        " ALIAS=FILE names it; - is stdin",
    )
    group.add_argument(
        "--label",
        nargs="+",
        action="extend",
        default=[],
        dest="labels",
        metavar="LABEL",
        help="only these probes: app, app.TestX, app.TestX.test_y or the id in a report",
    )
    text = "of these URLs only those whose alias is this, or matches it where it has a *"
    add_list(group, "--target", "ALIAS", text)
    add_list(group, "--tag", "TAG", "only probes with this tag; given twice: with either")
    add_list(group, "--exclude-tag", "TAG", "no probes with this tag")
    text = "only probes whose id holds this text, or matches it where it has a *"
    add_list(group, "-k", "PATTERN", text, dest="patterns")
    text = "all: ask each address that the name of a URL stands for"
    group.add_argument("--resolve", choices=("one", "all"), default="one", help=text)


def _how(group: Any) -> None:
    text = "ask without a token: the other side's PROBE_ACCESS lets this one in"
    group.add_argument("--no-token", action="store_true", help=text)
    text = "ask N deployments at once (default: 16)"
    group.add_argument("--target-concurrency", type=positive, metavar="N", help=text)
    text = "give one up that is silent for S seconds (default: 60)"
    group.add_argument("--timeout", type=seconds, metavar="S", help=text)
    text = "end the run after S seconds (default: 300 for each deployment)"
    group.add_argument("--deadline", type=seconds, metavar="S", help=text)
    text = "try N times more where no connection comes about (default: 2)"
    group.add_argument("--connect-retries", type=count, metavar="N", help=text)
    text = "seconds between two rounds of --wait or --stable (default: 1)"
    group.add_argument("--retry-delay", type=delay, metavar="S", help=text)
    text = "start no probe after one that blocks"
    group.add_argument("--failfast", action="store_true", help=text)
    text = "trust the authorities in this file or folder instead of the system's"
    group.add_argument("--ca", metavar="PATH", help=text)
    text = "show this certificate, in PEM"
    group.add_argument("--cert", metavar="FILE", help=text)
    text = "its key, unless that is in the same file"
    group.add_argument("--key", metavar="FILE", help=text)


def _looks(group: Any) -> None:
    levels = {"type": int, "choices": (0, 1, 2, 3), "default": 1}
    text = "0 what is wrong, 1 and the verdict, 2 and each probe, 3 and all output (text)"
    group.add_argument("-v", "--verbosity", metavar="LEVEL", help=text, **levels)
    group.add_argument("--no-color", action="store_true", help="no colours (text)")
    text = "colours, terminal or not (text)"
    group.add_argument("--force-color", action="store_true", help=text)
    text = "show where an error of this program comes from"
    group.add_argument("--traceback", action="store_true", help=text)
