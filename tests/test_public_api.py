"""What may be imported from where, and what each import brings with it."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from unittest import TestCase

import pytest
from support import ROOT, Project

import django_probe

PACKAGE = Path(django_probe.__file__).parent
REPORTERS = Path(importlib.import_module("django_probe.reporters").__file__ or "").parent

LIGHT = ["events", "exceptions", "outputs", "reporting", "results", "sanitizing", "wire"]
FORMATS = ["json", "jsonl", "junit", "silent", "tap", "text"]
BORROWING = {"junit", "tap"}
"""Drawn by packages that import unittest themselves."""


def _modules() -> dict[str, Path]:
    """Return each module of the package that holds code, with its file."""
    found = {}
    for prefix, folder in (("django_probe", PACKAGE), ("django_probe.reporters", REPORTERS)):
        for path in sorted(folder.rglob("*.py")):
            parts = [prefix, *path.relative_to(folder).with_suffix("").parts]
            if path.stat().st_size:
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = _modules()
DRIVERS = {
    "django_probe.guarding.psycopg2": "psycopg2",
    "django_probe.guarding.psycopg3": "psycopg",
}
"""What some modules cannot do without, and a project may."""
for _name, _driver in DRIVERS.items():
    if find_spec(_driver) is None:
        del MODULES[_name]


def _as_ruff_sorts(name: str) -> tuple[int, list[tuple[bool, int, str]]]:
    """Return the key of ruff's RUF022: CONSTANTS, then Classes, then functions; 9 before 10."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return kind, [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _defined(module: ModuleType) -> set[str]:
    """Return the public classes and functions that a module defines itself."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and issubclass(type(value), (type, FunctionType))  # isinstance would wake lazy settings
        and value.__module__ == module.__name__
        and not (issubclass(type(value), type) and issubclass(value, TestCase))  # found, not named
    }


def test_the_search_for_modules_finds_both_folders() -> None:
    assert {"django_probe", "django_probe.simple", "django_probe.reporters.jsonl"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_and_names_what_exists_and_leaves_nothing_out(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert [entry for entry in listed if not hasattr(module, entry)] == []
    assert list(listed) == sorted(listed, key=_as_ruff_sorts)
    assert len(listed) == len(set(listed))
    if not name.rpartition(".")[2].startswith("_"):
        assert _defined(module) - set(listed) - {"Command"} == set()


def test_modules_import_only_public_names_from_each_other() -> None:
    hidden = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module not in MODULES:
                continue
            offered = getattr(importlib.import_module(node.module), "__all__", [])
            private = node.module.rpartition(".")[2].startswith("_")
            for alias in node.names:
                if f"{node.module}.{alias.name}" in MODULES or alias.name in offered:
                    continue
                if not private or alias.name.startswith("_"):
                    hidden.append(f"{name} takes {alias.name} from {node.module}")
    assert hidden == []


def test_the_package_tells_the_version_that_is_installed() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc|\.dev)\d+)?", django_probe.__version__)
    assert django_probe.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        installed = metadata.version("django-probe-runner")
    except metadata.PackageNotFoundError:
        pytest.skip("django-probe-runner is not installed here")
    assert installed == django_probe.__version__


def _brought_by(tmp_path: Path, *names: str) -> set[str]:
    """Return the top-level packages that importing these modules brings into a new process."""
    code = (
        f"import sys; before = set(sys.modules); import {', '.join(names)}; import json;"
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=Project(tmp_path).environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_imports_no_django(tmp_path: Path) -> None:
    brought = _brought_by(tmp_path, "django_probe")
    assert "django_probe" in brought
    assert not brought & {"django", "unittest", "asyncio"}


def test_records_wire_and_seam_need_the_standard_library_alone(tmp_path: Path) -> None:
    brought = _brought_by(tmp_path, *(f"django_probe.{name}" for name in LIGHT))
    assert brought - set(sys.stdlib_module_names) == {"django_probe"}
    assert not brought & {"unittest", "asyncio", "multiprocessing"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_reporter_is_imported_without_django_and_what_is_heavy(tmp_path: Path, name: str) -> None:
    brought = _brought_by(tmp_path, f"django_probe.reporters.{name}")
    assert not brought & {"django", "lxml", "asyncio"}
    assert name in BORROWING or "unittest" not in brought
