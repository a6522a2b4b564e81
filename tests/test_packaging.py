"""However the package got here, a project finds it and every reporter."""

from __future__ import annotations

import email
import os
import re
import shutil
import site
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import ROOT, Project

pytestmark = pytest.mark.ends

SOURCES = ["django_probe", "reporters"]
PROBES = {
    "shop/probes.py": """
        import unittest
        import django_probe
        class Checkout(unittest.TestCase):
            def test_pay(self):
                print("from", django_probe.__file__)
    """
}
HOOK = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


@dataclass
class Built:
    """What was built, out of a copy of the sources."""

    copy: Path
    sdist: Path
    wheel: Path
    wheel_of_sdist: Path

    def names(self, wheel: Path) -> set[str]:
        """Return the files in a wheel, those of its metadata left out."""
        with zipfile.ZipFile(wheel) as archive:
            return {name for name in archive.namelist() if ".dist-info/" not in name}

    def metadata(self) -> email.message.Message:
        """Return the wheel's metadata."""
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            return email.message_from_bytes(archive.read(name))


def _build(hook: str, source: Path, into: Path) -> Path:
    """Run one hook of the build back end, with no network: setuptools is in the test extra."""
    done = subprocess.run(
        [sys.executable, "-c", HOOK, hook, str(into)],
        cwd=source,
        env={**os.environ, "PYTHONWARNINGS": "default"},  # The back end's own are not ours.
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return into / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "copy"
    without = shutil.ignore_patterns(
        ".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules", "*.sqlite3"
    )
    shutil.copytree(ROOT, copy, ignore=without)
    (folder / "again").mkdir()
    sdist = _build("build_sdist", copy, folder)
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    return Built(
        copy=copy,
        sdist=sdist,
        wheel=_build("build_wheel", copy, folder),
        wheel_of_sdist=_build("build_wheel", unpacked, folder / "again"),
    )


def _environment(folder: Path) -> Path:
    """Make a virtual environment that borrows all but django-probe from this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for entry in (entry for place in site.getsitepackages() for entry in Path(place).glob("*")):
        ours = entry.name.startswith(("django_probe", "__editable__"))
        if not ours and entry.suffix != ".pth" and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


def _install(python: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    alone = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--disable-pip-version-check", *alone, *what],
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _reports_of(python: Path, folder: Path, *, path: str = "") -> str:
    """Run the command with three reporters in a new project; return where the package lies."""
    project = Project.make(folder, PROBES)
    env = {key: value for key, value in project.environment().items() if key != "PYTHONPATH"}
    reports = ["--format", "junit", "--report", "tap=r.tap", "--report", "jsonl=r.jsonl"]
    done = subprocess.run(
        [python, "manage.py", "probe", *reports],
        cwd=folder,
        env={**env, "PYTHONPATH": path} if path else env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "\nok 1 " in (folder / "r.tap").read_text(encoding="utf-8")
    assert '"event": "run_finished"' in (folder / "r.jsonl").read_text(encoding="utf-8")
    found = re.search(r"from (.+)/__init__\.py", done.stdout)
    assert found, done.stdout
    return found[1]


def test_the_wheel_holds_the_package_whole_and_nothing_else(built: Built) -> None:
    names = built.names(built.wheel)
    sources = {
        path.relative_to(built.copy)
        for folder in SOURCES
        for path in (built.copy / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected = {
        f"django_probe/{path}" if path.parts[0] == "reporters" else str(path) for path in sources
    }
    assert names == expected
    assert {"django_probe/py.typed", "django_probe/reporters/junit.py"} <= names


def test_the_sdist_is_all_that_a_wheel_and_its_tests_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/support.py", "tox.ini", "Makefile", "LICENSE", "reporters/junit.py"} <= inside
    assert not [name for name in inside if "node_modules" in name or name.endswith(".pyc")]
    assert built.names(built.wheel_of_sdist) == built.names(built.wheel)


def test_the_metadata_says_what_is_needed_and_under_which_name(built: Built) -> None:
    told = built.metadata()
    assert told["Name"] == "django-probe-runner"
    assert told["License-Expression"] == "BSD-3-Clause"
    assert told["Requires-Python"] == ">=3.10"
    needed = [line for line in told.get_all("Requires-Dist") or [] if "extra ==" not in line]
    names = {re.split(r"[^\w.-]", line)[0].lower() for line in needed}
    assert names == {"django", "unittest-xml-reporting", "tap.py"}


def test_a_wheel_an_editable_install_and_a_bare_checkout_all_find_the_reporters(
    built: Built, tmp_path: Path
) -> None:
    installed = _environment(tmp_path / "installed")
    _install(installed, str(built.wheel_of_sdist))
    assert "site-packages/django_probe" in _reports_of(installed, tmp_path / "one")

    editable = _environment(tmp_path / "editable")
    _install(editable, "--editable", str(built.copy))
    assert _reports_of(editable, tmp_path / "two") == str(built.copy / "django_probe")

    bare = _environment(tmp_path / "bare")
    here = _reports_of(bare, tmp_path / "three", path=str(ROOT))
    assert here == str(ROOT / "django_probe")


def test_one_ruff_is_named_by_all_who_use_it() -> None:
    pins = set()
    for name in ("tox.ini", ".pre-commit-config.yaml"):
        pins.update(re.findall(r"ruff==[\d.]+", (ROOT / name).read_text(encoding="utf-8")))
    assert len(pins) == 1
