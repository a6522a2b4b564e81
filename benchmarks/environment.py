"""Where children run: an interpreter with the peers, and an environment that is always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "environment", "interpreter", "missing", "versions"]

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PEERS = ("Django", "unittest-xml-reporting", "tap.py", "pytest", "pytest-tap", "pytest-xdist")

_MISSING = (
    "import sys; from importlib.util import find_spec as f;"
    " print(*[n for n in sys.argv[1:] if not f(n)])"
)
_VERSIONS = """
import sys
from importlib.metadata import PackageNotFoundError, version
print("Python", sys.version.split()[0])
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        pass
"""


def interpreter(folder: Path) -> str:
    """Return the Python of a virtual environment with the peers; made where it is missing.

    Raises:
        subprocess.CalledProcessError: pip could not install them.
    """
    python = folder / "bin" / "python"
    stamp = folder / "made-of.txt"
    wanted = f"{sys.version}\n{REQUIREMENTS.read_text()}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return str(python)
    print(f"Making {folder} with the peers …", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    (folder / ".gitignore").write_text("*\n")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted)
    return str(python)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of every child: this checkout, no pyc file elsewhere than in a folder.

    Nothing that changes how Python, Django or pytest run is taken over. Plugins
    of pytest are loaded by name only, so that each command pays for its own.
    """
    known = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
    return {
        **{name: os.environ[name] for name in known if name in os.environ},
        "NO_COLOR": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "pyc"),
    }


def missing(python: str, modules: set[str]) -> set[str]:
    """Return which top-level modules an interpreter has not."""
    return set(_ask(python, _MISSING, *sorted(modules)).split())


def versions(python: str) -> str:
    """Return the versions of Python, Django and the peers, in one line."""
    return ", ".join(_ask(python, _VERSIONS, *PEERS).splitlines())


def _ask(python: str, code: str, *args: str) -> str:
    done = subprocess.run([python, "-c", code, *args], check=True, capture_output=True, text=True)
    return done.stdout
