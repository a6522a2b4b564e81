"""The probe modules of an app: found, imported, and what is wrong with those that are not."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

from django.apps import AppConfig
from django.utils.module_loading import module_has_submodule

from django_probe.details import Problem
from django_probe.exceptions import MarkError, RunEnded
from django_probe.guards import only_reading
from django_probe.interrupts import interruptible, is_handled
from django_probe.labels import PROBES

__all__ = ["authors_code", "has_probes", "load_problem", "probe_modules"]


def has_probes(config: AppConfig) -> bool:
    """Return whether an app has a probe module; nothing of it is imported."""
    return config.module is not None and module_has_submodule(config.module, PROBES)


def probe_modules(config: AppConfig) -> Iterator[tuple[str, ModuleType | Problem]]:
    """Yield (dotted name, module or why there is none) for each probe module of an app.

    A package's own module comes first, then what it holds, by name. A package
    with ``load_tests`` speaks for all it holds.
    """
    if not has_probes(config):
        return
    for folder in getattr(config.module, "__path__", ()):
        yield from _shadowed(config.name, Path(folder), [PROBES])
    yield from _import_tree(f"{config.name}.{PROBES}")


@contextmanager
def authors_code() -> Iterator[None]:
    """Run what an author wrote to be loaded: it can be ended with the run, and only read."""
    with interruptible(), only_reading():
        yield


def load_problem(exc: BaseException, name: str) -> Problem:
    """Return what the exception of a module's import (or ``load_tests``) means for a run.

    Raises:
        KeyboardInterrupt: the user's own, not one that the module raised.
        MarkError: a mark has a wrong value: that is told before anything runs.
    """
    if isinstance(exc, MarkError):
        raise exc
    if isinstance(exc, RunEnded):
        return Problem.ended(exc, name)
    if isinstance(exc, SkipTest):
        return Problem.skipped(str(exc))
    if isinstance(exc, KeyboardInterrupt) and not is_handled():
        raise exc
    return Problem.raised(exc, at=name, skip_importers=True)


def _import_tree(name: str) -> Iterator[tuple[str, ModuleType | Problem]]:
    try:
        with authors_code():
            module = import_module(name)
        children = [] if hasattr(module, "load_tests") else _submodules(module)
    except BaseException as exc:  # SystemExit too: a module must not end the run
        yield name, load_problem(exc, name)
        return
    yield name, module
    if not children:
        return
    for path in map(Path, module.__path__):
        yield from _shadowed(name, path, children)
    for child in children:
        yield from _import_tree(f"{name}.{child}")


def _submodules(module: ModuleType) -> list[str]:
    """Return the sorted names of a package's direct children; [] for a plain module.

    A folder without ``__init__.py`` counts when it holds a module: leaving it
    out would leave its probes out, silently.
    """
    paths = list(getattr(module, "__path__", ()))
    names = {info.name for info in pkgutil.iter_modules(paths)} - {"__main__"}
    for path in map(Path, paths):
        if path.is_dir():
            names.update(child.name for child in path.iterdir() if _holds_modules(child))
    return sorted(names)


def _shadowed(package: str, folder: Path, names: list[str]) -> Iterator[tuple[str, Problem]]:
    """Yield a problem for each module that Python never imports: a twin has its name."""
    for name in names:
        module, twin = folder / f"{name}.py", folder / name
        if not module.is_file() or not _holds_modules(twin):
            continue
        lost, kept = (module, twin) if (twin / "__init__.py").is_file() else (twin, module)
        message = (
            f"{lost.name} is never imported: {kept.name} beside it has the same name."
            " Move the probes of one into the other."
        )
        yield f"{package}.{name}.shadowed", Problem.errored("ShadowedModule", message)


def _holds_modules(folder: Path) -> bool:
    return folder.name.isidentifier() and folder.is_dir() and any(folder.glob("**/*.py"))
