"""The settings of django-probe: read live, typed, each fault told in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from django.conf import settings as django_settings

from django_probe import redact_rules, target_settings
from django_probe.exceptions import ConfigurationError
from django_probe.setting_entries import check_alias, check_backend, check_keys, check_options
from django_probe.tokens import Token, read_tokens

__all__ = ["DEFAULT_EXECUTOR", "DEFAULT_RUNNER", "Settings", "settings"]

DEFAULT_RUNNER = "django_probe.simple.DjangoProbeSuiteRunner"
DEFAULT_EXECUTOR: Mapping[str, Any] = {"BACKEND": "threads", "OPTIONS": {"max_workers": 1}}


class Settings:
    """Read the ``PROBE_*`` settings at the moment they are asked for.

    Every property raises ``ConfigurationError`` for a value of the wrong type.
    """

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield (property, what is wrong) for each faulty setting: the system checks ask."""
        for name, attribute in vars(type(self)).items():
            if isinstance(attribute, property):
                try:
                    getattr(self, name)
                except ConfigurationError as exc:
                    yield name, str(exc)

    @property
    def runner(self) -> str:
        """``PROBE_RUNNER``: dotted path of the runner class."""
        return cast(str, _typed("PROBE_RUNNER", DEFAULT_RUNNER, str, "a dotted path"))

    @property
    def timeout(self) -> float | None:
        """``PROBE_TIMEOUT``: seconds a probe may take, 30 by default; None is no limit."""
        return _seconds("PROBE_TIMEOUT", 30.0)

    @property
    def deadline(self) -> float | None:
        """``PROBE_DEADLINE``: seconds a run may take; None (the default) is no limit."""
        return _seconds("PROBE_DEADLINE", None)

    @property
    def allow_writes(self) -> bool:
        """``PROBE_ALLOW_WRITES``: let every probe write to every database; False by default."""
        return cast(bool, _typed("PROBE_ALLOW_WRITES", False, bool, "True or False"))

    @property
    def executor(self) -> Mapping[str, Any]:
        """``PROBE_EXECUTOR``: ``{"BACKEND": dotted path or name, "OPTIONS": {...}}``."""
        expected = "a dict with BACKEND and OPTIONS"
        entry = _typed("PROBE_EXECUTOR", DEFAULT_EXECUTOR, Mapping, expected)
        check_keys("PROBE_EXECUTOR", entry, {"BACKEND", "OPTIONS"})
        check_options("PROBE_EXECUTOR", entry)
        backend = entry.get("BACKEND", "threads")
        if not isinstance(backend, str) or not backend:
            raise ConfigurationError(
                f"PROBE_EXECUTOR['BACKEND'] is {backend!r}, expected the name or dotted path of"
                " an executor: use 'threads'."
            )
        return {"BACKEND": backend, "OPTIONS": dict(entry.get("OPTIONS", {}))}

    def names_executor(self) -> bool:
        """Return whether ``PROBE_EXECUTOR`` says who runs probes, not only how many at once."""
        return "BACKEND" in getattr(django_settings, "PROBE_EXECUTOR", {})

    @property
    def reporters(self) -> Mapping[str, Mapping[str, Any]]:
        """``PROBE_REPORTERS``: alias -> ``{"BACKEND", "OUTPUT", "OPTIONS"}``."""
        entries = _typed("PROBE_REPORTERS", {}, Mapping, "a dict of alias -> dict")
        for alias, entry in entries.items():
            _check_reporter(f"PROBE_REPORTERS[{alias!r}]", alias, entry)
        return cast("Mapping[str, Mapping[str, Any]]", entries)

    @property
    def targets(self) -> target_settings.Targets:
        """``PROBE_TARGETS``: alias -> ``{"BACKEND", "OPTIONS"}``, or a function that returns this.

        A function, given itself or as a dotted path, is called by
        ``target_settings.found`` when a run begins, not here.
        """
        return target_settings.checked(getattr(django_settings, "PROBE_TARGETS", {}))

    @property
    def release(self) -> str:
        """``PROBE_RELEASE``: a string or a callable; else the environment variable of that name."""
        value = getattr(django_settings, "PROBE_RELEASE", None)
        if callable(value):
            try:
                value = cast("Callable[[], object]", value)()
            except Exception as exc:
                raise ConfigurationError(
                    f"PROBE_RELEASE raised {type(exc).__name__}: {exc}: mend the callable."
                ) from exc
        if value is None:
            value = os.environ.get("PROBE_RELEASE", "")
        if not isinstance(value, str):
            raise ConfigurationError(
                f"PROBE_RELEASE is {value!r}, expected a string or a callable that returns one."
            )
        return value

    @property
    def redact(self) -> Mapping[str, Any]:
        """``PROBE_REDACT``: ``{"NAMES": [...], "VALUES": [...], "PATTERNS": [...]}``."""
        return redact_rules.checked(getattr(django_settings, "PROBE_REDACT", {}))

    @property
    def allow_test_environment(self) -> bool:
        """``PROBE_ALLOW_TEST_ENVIRONMENT``: whether probes may run where tests do."""
        return cast(bool, _typed("PROBE_ALLOW_TEST_ENVIRONMENT", False, bool, "True or False"))

    @property
    def enabled(self) -> bool:
        """``PROBE_ENABLED``: whether ``/probe/`` answers at all; True by default."""
        return cast(bool, _typed("PROBE_ENABLED", True, bool, "True or False"))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """``PROBE_TOKENS``: who may ask ``/probe/``; nobody by default."""
        expected = "a list of tokens"
        return read_tokens(_typed("PROBE_TOKENS", [], (list, tuple), expected, shown=False))

    @property
    def access(self) -> str | None:
        """``PROBE_ACCESS``: dotted path of ``(request) -> bool``; None by default."""
        expected = "the dotted path of a function, or None"
        return cast("str | None", _typed("PROBE_ACCESS", None, (str, type(None)), expected))

    @property
    def cache_seconds(self) -> float:
        """``PROBE_CACHE_SECONDS``: how long ``/probe/`` gives the same answer; 10 by default."""
        return _number("PROBE_CACHE_SECONDS", 10.0, "a number of seconds from 0 on")

    @property
    def keep_seconds(self) -> float:
        """``PROBE_KEEP_SECONDS``: how long a run can be asked for by its id; 600 by default."""
        return _number("PROBE_KEEP_SECONDS", 600.0, "a number of seconds from 0 on")

    @property
    def view_deadline(self) -> float:
        """``PROBE_VIEW_DEADLINE``: seconds until a run of ``/probe/`` is killed; 25 by default."""
        least = 1.0
        return _number("PROBE_VIEW_DEADLINE", 25.0, "a number of seconds from 1 on", least)

    @property
    def view_runs(self) -> int:
        """``PROBE_VIEW_RUNS``: different runs of ``/probe/`` at once; 2 by default."""
        expected = "a whole number from 1 on"
        value = _typed("PROBE_VIEW_RUNS", 2, int, expected)
        return int(_number("PROBE_VIEW_RUNS", value, expected, 1))

    @property
    def python(self) -> str | None:
        """``PROBE_PYTHON``: the interpreter that runs the probes of ``/probe/``; None finds it."""
        expected = "the path of a Python interpreter, or None"
        value = _typed("PROBE_PYTHON", None, (str, os.PathLike, type(None)), expected)
        return None if value is None else os.fspath(value)


settings = Settings()


def _typed(
    name: str, default: object, kind: type | tuple[type, ...], expected: str, *, shown: bool = True
) -> Any:
    """Return a setting of a kind; what holds secrets is not ``shown``."""
    value = getattr(django_settings, name, default)
    if not isinstance(value, kind):
        found = repr(value) if shown else f"a {type(value).__name__}"
        raise ConfigurationError(f"{name} is {found}, expected {expected}: change the setting.")
    return value


def _number(name: str, default: float, expected: str, least: float = 0.0) -> float:
    value = _typed(name, default, (int, float), expected)
    if isinstance(value, bool) or not least <= value < 1e9:
        raise ConfigurationError(f"{name} is {value!r}, expected {expected}: change the setting.")
    return float(value)


def _seconds(name: str, default: float | None) -> float | None:
    value = getattr(django_settings, name, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise ConfigurationError(
            f"{name} is {value!r}, expected a number of seconds greater than 0, or None for no"
            " limit: change the setting."
        )
    return float(value)


def _check_reporter(where: str, alias: object, entry: Any) -> None:
    check_alias(where, alias)
    check_backend(where, entry, "a reporter")
    check_keys(where, entry, {"BACKEND", "OUTPUT", "OPTIONS"})
    if not isinstance(entry.get("OUTPUT", ""), (str, os.PathLike)):
        raise ConfigurationError(
            f"{where}['OUTPUT'] is {entry['OUTPUT']!r}, expected the path of a file."
        )
    check_options(where, entry)
