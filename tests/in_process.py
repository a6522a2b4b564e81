"""Executors run in the process of the tests, on plans made by hand."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import django
import worker_settings
from django.conf import settings

if not settings.configured:
    settings.configure(
        **{name: value for name, value in vars(worker_settings).items() if name.isupper()}
    )
    django.setup()

from django_probe.contract_probes import batches_of
from django_probe.deadline import Deadline
from django_probe.events import Event, FixtureFailed, ProbeFinished
from django_probe.executors.threads import ThreadsExecutor
from django_probe.plan import Batch
from django_probe.results import ProbeResult
from django_probe.run_config import RunConfig

__all__ = ["CALLS", "Told", "module_of", "run", "run_module"]

CALLS: list[str] = []
"""Where a module made on the spot can leave what it has called."""


class Told:
    """What an executor told."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = list(events)

    @property
    def results(self) -> dict[str, ProbeResult]:
        """Return the results by the names of the probes' methods."""
        found = (event.result for event in self.events if isinstance(event, ProbeFinished))
        return {result.probe.id.rpartition(".")[2]: result for result in found}

    @property
    def outcomes(self) -> dict[str, str]:
        """Return the outcomes by the names of the probes' methods."""
        return {name: result.outcome.value for name, result in self.results.items()}

    @property
    def fixtures(self) -> dict[str, FixtureFailed]:
        """Return the fixtures that failed, by ``Class.fixture``."""
        found = (event for event in self.events if isinstance(event, FixtureFailed))
        return {".".join(event.fixture.split(".")[-2:]): event for event in found}


def run(*classes: type, batches: Sequence[Batch] | None = None, **options: Any) -> Told:
    """Run all probes of some classes, in threads unless told otherwise; return what was told."""
    deadline = options.pop("deadline", None) or Deadline()
    workers = options.pop("max_workers", 1)
    make = options.pop("executor", ThreadsExecutor)
    executor = make(RunConfig(**{"timeout": 10.0, **options}), max_workers=workers)
    found = batches if batches is not None else batches_of(*classes)
    told = Told(list(executor.execute(found, "default", deadline)))
    results = [event for event in told.events if isinstance(event, ProbeFinished)]
    assert len(results) == sum(len(batch.entries) for batch in found)
    return told


@contextmanager
def module_of(source: str, name: str) -> Iterator[list[type]]:
    """Make a module from source for the time; yield its probe classes."""
    module = ModuleType(name)
    sys.modules[name] = module
    try:
        exec(compile(textwrap.dedent(source), f"{name}.py", "exec"), vars(module))
        yield [item for item in vars(module).values() if _is_probe_class(item, name)]
    finally:
        del sys.modules[name]


def run_module(source: str, name: str = "probes_on_the_spot", **options: Any) -> Told:
    """Run all probe classes of a module made from source; return what was told."""
    with module_of(source, name) as classes:
        return run(*classes, **options)


def _is_probe_class(item: object, module: str) -> bool:
    return isinstance(item, type) and item.__module__ == module and hasattr(item, "setUpClass")
