"""The names of reporters: a project's alias, a built-in, an entry point, a dotted path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TextIO

from django_probe.exceptions import UnknownReporter
from django_probe.reporting import Reporter

__all__ = ["BUILT_IN", "ENTRY_POINTS", "Format", "available", "find_format"]

BUILT_IN: Mapping[str, str] = {
    "json": "django_probe.reporters.json.JsonReporter",
    "jsonl": "django_probe.reporters.jsonl.JsonlReporter",
    "junit": "django_probe.reporters.junit.JUnitReporter",
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
        accepted = getattr(self.reporter_class, "accepts", frozenset())
        given = {name: value for name, value in defaults.items() if name in accepted}
        try:
            return self.reporter_class(stream, **{**given, **self.options})
        except TypeError as exc:
            raise UnknownReporter(
                f"The reporter {self.name!r} refuses its OPTIONS {dict(self.options)!r}: {exc}."
            ) from exc


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
    if not paths:
        if "." in name:
            return Format(name=name, reporter_class=_load(name, name))
        raise _unknown(name, available(aliases))
    if entry is None:
        return Format(name=name, reporter_class=_load(name, paths[0]))
    backend = str(entry["BACKEND"])
    path = BUILT_IN.get(backend) or _entry_points().get(backend, [backend])[0]
    return Format(
        name=name,
        reporter_class=_load(name, path),
        output=str(entry.get("OUTPUT", "")),
        options=dict(entry.get("OPTIONS", {})),
    )


def available(aliases: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the sorted names of all formats there are."""
    return sorted({*BUILT_IN, *_entry_points(), *aliases})


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


def _load(name: str, path: str) -> type[Reporter]:
    module, _, attribute = path.rpartition(".")
    try:
        reporter_class = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as exc:
        raise UnknownReporter(f"The reporter {name!r} cannot be imported: {exc}.") from exc
    if not isinstance(reporter_class, type) or not issubclass(reporter_class, Reporter):
        raise UnknownReporter(
            f"The reporter {name!r} is {reporter_class!r}, expected a class derived from"
            " django_probe.reporting.Reporter."
        )
    return reporter_class


def _unknown(name: str, names: list[str]) -> UnknownReporter:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UnknownReporter(f"Unknown report format {name!r}: {hint}There are {', '.join(names)}.")
