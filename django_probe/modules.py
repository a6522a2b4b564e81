"""The modules below a probes package, namespace packages included."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from types import ModuleType

__all__ = ["submodules"]


def submodules(package: ModuleType) -> list[str]:
    """Return the sorted names of a package's direct children; [] for a plain module.

    A folder without ``__init__.py`` counts when it holds a module: leaving it
    out would leave its probes out, silently.
    """
    paths = list(getattr(package, "__path__", ()))
    names = {info.name for info in pkgutil.iter_modules(paths)} - {"__main__"}
    for path in map(Path, paths):
        if path.is_dir():
            names.update(child.name for child in path.iterdir() if _is_namespace(child))
    return sorted(names)


def _is_namespace(folder: Path) -> bool:
    return folder.name.isidentifier() and folder.is_dir() and any(folder.glob("**/*.py"))
