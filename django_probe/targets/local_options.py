"""What the OPTIONS of a local target may be: its parameters, an executor of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_probe.exceptions import ConfigurationError, kind_of
from django_probe.executors.base import Executor
from django_probe.executors.names import make_executor
from django_probe.run_config import RunConfig
from django_probe.setting_entries import check_backend, check_keys, check_options
from django_probe.target_settings import called
from django_probe.targets.options import check_plain

__all__ = ["check_executor", "check_parameters", "make_own", "used_parameters"]


def check_parameters(where: str, value: object) -> None:
    """Refuse parameters that are neither a dict of plain data nor a function.

    Raises:
        ConfigurationError: they are not.
    """
    if callable(value) or (isinstance(value, str) and value):
        return
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{where} is {kind_of(value)}, expected a dict of plain data, or a function"
            " (alias) that returns one."
        )
    check_plain(where, value)


def used_parameters(where: str, alias: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return OPTIONS with parameters that are a dict: a function for them is called.

    Raises:
        ConfigurationError: it raises, or returns something else.
    """
    value = options.get("parameters", {})
    if isinstance(value, Mapping):
        return options
    place = f"{where}['parameters']"
    returned = called(place, value, alias)
    if not isinstance(returned, Mapping):
        raise ConfigurationError(
            f"{place} returned {kind_of(returned)}, expected a dict of plain data."
        )
    check_plain(f"what {place} returned", returned)
    return {**options, "parameters": returned}


def check_executor(where: str, value: object) -> None:
    """Refuse an executor that is neither a name nor as ``PROBE_EXECUTOR`` is.

    Raises:
        ConfigurationError: it is not, or there is no such executor.
    """
    if isinstance(value, str):
        value = {"BACKEND": value}
    check_backend(where, value, "an executor")
    assert isinstance(value, Mapping)
    check_keys(where, value, {"BACKEND", "OPTIONS"})
    check_options(where, value)
    try:
        make_own(value, RunConfig())
    except ConfigurationError as exc:
        raise ConfigurationError(f"{where}: {exc}") from exc


def make_own(value: Mapping[str, Any] | str, config: RunConfig) -> Executor:
    """Return the executor that a target has to itself.

    Raises:
        ConfigurationError: there is none of that name, or it refuses its options.
    """
    entry: Mapping[str, Any] = {"BACKEND": value} if isinstance(value, str) else value
    return make_executor(entry["BACKEND"], config, **entry.get("OPTIONS", {}))
