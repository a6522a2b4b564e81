"""The names of executors, for ``--executor`` and ``PROBE_EXECUTOR``."""

from __future__ import annotations

import os
from typing import Any

from django_probe.exceptions import ConfigurationError
from django_probe.executors.base import Executor
from django_probe.run_config import RunConfig

__all__ = ["BUILT_IN", "DEBUGGER", "PARALLEL", "make_executor"]

BUILT_IN = {
    "threads": "django_probe.executors.threads.ThreadsExecutor",
    "processes": "django_probe.executors.processes.ProcessesExecutor",
}
DEBUGGER = "django_probe.executors.inline.InlineExecutor"
"""What ``--pdb`` runs probes with."""
PARALLEL = "processes" if hasattr(os, "fork") else "threads"
"""What ``--parallel`` means where nothing else is said."""


def make_executor(backend: str, config: RunConfig | None = None, **options: Any) -> Executor:
    """Return the executor of a name or dotted path, with its options.

    Raises:
        ConfigurationError: there is none, or it does not know an option.
    """
    from django.utils.module_loading import import_string

    path = BUILT_IN.get(backend, backend)
    try:
        executor_class = import_string(path)
    except ImportError as exc:
        names = ", ".join(map(repr, BUILT_IN))
        raise ConfigurationError(
            f"Unknown executor {backend!r}: use {names}, or the dotted path of a class ({exc})."
        ) from exc
    if not isinstance(executor_class, type) or not issubclass(executor_class, Executor):
        raise ConfigurationError(
            f"{path} is no executor, expected a class derived from"
            " django_probe.executors.base.Executor."
        )
    try:
        return executor_class(config, **options)
    except TypeError as exc:
        raise ConfigurationError(f"The executor {backend!r} refuses its options: {exc}.") from exc
