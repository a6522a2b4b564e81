"""The names of reporters: a project's alias, a built-in, an entry point, a dotted path."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TextIO

from django_probe.details import text_of
from django_probe.exceptions import ProbeError, UnknownReporter
from django_probe.reporting import Reporter

__all__ = ["BUILT_IN", "ENTRY_POINTS", "Format", "available", "described", "find_format"]

BUILT_IN: Mapping[str, str] = {
    "ctrf": "django_probe.reporters.ctrf.CtrfReporter",
    "github": "django_probe.reporters.github.GithubReporter",
    "html": "django_probe.reporters.html.HtmlReporter",
    "json": "django_probe.reporters.json.JsonReporter",
    "jsonl": "django_probe.reporters.jsonl.JsonlReporter",
    "junit": "django_probe.reporters.junit.JUnitReporter",
    "markdown": "django_probe.reporters.markdown.MarkdownReporter",
    "nagios": "django_probe.reporters.nagios.NagiosReporter",
    "openmetrics": "django_probe.reporters.openmetrics.OpenMetricsReporter",
    "silent": "django_probe.reporters.silent.SilentReporter",
    "tap": "django_probe.reporters.tap.TapReporter",
    "text": "django_probe.reporters.text.TextReporter",
}
"""Dotted strings: the core never imports a reporter before it is asked for."""

ENTRY_POINTS = "django_probe.reporters"
"""The entry point group in which packages offer reporters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way of showing a run, by name."""

    name: str
    reporter_class: type[Reporter]
    output: str = ""
    """Where it goes when nobody says; "" is stdout."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, stream: TextIO, **defaults: Any) -> Reporter:
        """Return a reporter on a stream.

        Args:
            defaults: options that it gets if its class ``accepts`` them.

        Raises:
            UnknownReporter: it refuses its options.
        """
        accepted: frozenset[str] = getattr(self.reporter_class, "accepts", frozenset())
        given = {name: value for name, value in defaults.items() if name in accepted}
        try:
            return self.reporter_class(stream, **{**given, **self.options})
        except UnknownReporter:
            raise  # It says itself what it lacks.
        except Exception as exc:
            raise self._refusal(exc) from exc

    def check_options(self) -> None:
        """Look whether its class takes its options; no reporter is made.

        Raises:
            UnknownReporter: it does not.
        """
        from inspect import signature

        try:
            signature(self.reporter_class).bind(None, **self.options)
        except TypeError as exc:
            raise self._refusal(exc) from exc

    def _refusal(self, exc: Exception) -> UnknownReporter:
        # Names only: a value may be a secret.
        refused = f"its OPTIONS ({', '.join(self.options)})" if self.options else "to be made"
        return UnknownReporter(
            f"The reporter {self.name!r} refuses {refused}: {text_of(exc)}: change its entry in"
            " PROBE_REPORTERS, or the reporter."
        )


def find_format(name: str, aliases: Mapping[str, Mapping[str, Any]]) -> Format:
    """Return the format of a name.

    Args:
        aliases: ``PROBE_REPORTERS``.

    Raises:
        UnknownReporter: no such name, a name claimed twice, or no reporter behind it.
    """
    entry = aliases.get(name)
    paths = _claims(name, entry)
    if len(paths) > 1:
        raise UnknownReporter(
            f"The report format {name!r} is claimed twice, by {' and by '.join(paths)}:"
            " rename the alias, or uninstall one package."
        )
    if entry is not None:
        return Format(
            name=name,
            reporter_class=_load(name, _path(str(entry["BACKEND"]), aliases)),
            output=os.fspath(entry.get("OUTPUT", "")),
            options=dict(entry.get("OPTIONS", {})),
        )
    return Format(
        name=name, reporter_class=_load(name, paths[0] if paths else _path(name, aliases))
    )


def available(aliases: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the sorted names of all formats there are."""
    return sorted({*BUILT_IN, *_entry_points(), *aliases})


def described(aliases: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each format: its name, and what it is for.

    Args:
        aliases: ``PROBE_REPORTERS``.
    """
    names = available(aliases)
    width = max(map(len, names))
    for name in names:
        try:
            doc = find_format(name, aliases).reporter_class.__doc__ or ""
        except ProbeError as exc:
            doc = f"cannot be used: {exc}"
        line = doc.strip().partition("\n")[0].replace("``", "`")
        yield f"{name:{width}}  {line}\n"


def _claims(name: str, entry: Mapping[str, Any] | None) -> list[str]:
    claims = [f"PROBE_REPORTERS[{name!r}]"] if entry is not None else []
    if name in BUILT_IN:
        claims.append(BUILT_IN[name])
    if name != "text":  # The default is found without a look at what is installed.
        claims.extend(_entry_points().get(name, ()))
    return claims


def _entry_points() -> dict[str, list[str]]:
    from importlib.metadata import entry_points

    found: dict[str, list[str]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        path = point.value.replace(":", ".")
        if path not in found.setdefault(point.name, []):
            found[point.name].append(path)
    return found


def _path(name: str, aliases: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the dotted path that a name means: a built-in, an entry point, or itself."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    path = _entry_points().get(name, [name])[0]
    if not all(path.rpartition(".")):
        raise _unknown(name, available(aliases))
    return path


def _load(name: str, path: str) -> type[Reporter]:
    module, _, attribute = path.rpartition(".")
    try:
        reporter_class = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as exc:
        what = "" if isinstance(exc, (ImportError, AttributeError)) else f"{type(exc).__name__}: "
        raise UnknownReporter(
            f"The reporter {name!r} cannot be imported from {path!r}: {what}{text_of(exc)}:"
            " expected the dotted path of a class."
        ) from exc
    if not isinstance(reporter_class, type) or not issubclass(reporter_class, Reporter):
        raise UnknownReporter(
            f"The reporter {name!r} is {reporter_class!r}, expected a class derived from"
            " django_probe.reporting.Reporter."
        )
    return reporter_class


def _unknown(name: str, names: list[str]) -> UnknownReporter:
    near = difflib.get_close_matches(name, names, n=1)
    told = f"did you mean {near[0]!r}? There are" if near else "expected one of"
    return UnknownReporter(f"Unknown report format {name!r}: {told} {', '.join(names)}.")
