"""Django projects of N probes, made on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

__all__ = ["MODULE", "Project", "make_project"]

MODULE = 10_000
"""Probes in one module at most; each module is an app of its own."""
CLASS = 100
"""Probes in one class."""

SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "a key of the benchmark that nobody knows"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_probe", *{apps}]
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
}}
ROOT_URLCONF = "urls"
USE_TZ = True
TEST_OUTPUT_FILE_NAME = "xmlrunner.xml"
"""

MANAGE = """\
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""

HEAD = """\
import os
import time
import unittest

STAMPS = os.open("stamps.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def stamp(name, what):
    os.write(STAMPS, f"{name} {what} {time.monotonic()}\\n".encode())


"""

MIXED = [
    *["pass"] * 10,
    *["self.assertEqual(1, 2)"] * 3,
    *["{}['key']"] * 2,
    *["self.skipTest('not here')"] * 2,
    "@expected self.fail('as expected')",
    "@expected pass",
    "for i in range(3):\n    with self.subTest(i=i):\n        self.assertNotEqual(i, 1)",
]
"""Of twenty probes ten pass, six fail or raise, two are skipped, two expect a failure."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project, and how many probes it has."""

    folder: Path
    size: int
    modules: tuple[str, ...]

    @property
    def stamps(self) -> Path:
        """Return the file where probes write when they begin and end."""
        return self.folder / "stamps.txt"

    @property
    def files(self) -> tuple[str, ...]:
        """Return the probe modules as paths."""
        return tuple(module.replace(".", "/") + ".py" for module in self.modules)


def make_project(folder: Path, bodies: list[str], *, of_class: int = CLASS) -> Project:
    """Write a project with one probe for each body."""
    folder.mkdir(parents=True)
    starts = range(0, len(bodies), MODULE)
    apps = [f"shop{number}" for number, _ in enumerate(starts)]
    for app, start in zip(apps, starts, strict=True):
        (folder / app).mkdir()
        (folder / app / "__init__.py").touch()
        classes = _classes(bodies[start : start + MODULE], of_class)
        (folder / app / "probes.py").write_text(HEAD + classes)
    (folder / "settings.py").write_text(SETTINGS.format(apps=apps))
    (folder / "manage.py").write_text(MANAGE)
    (folder / "urls.py").write_text("urlpatterns = []\n")
    return Project(folder, len(bodies), tuple(f"{app}.probes" for app in apps))


def trivial(size: int) -> list[str]:
    """Return the bodies of probes that do nothing."""
    return ["pass"] * size


def mixed(size: int) -> list[str]:
    """Return the bodies of probes of every outcome."""
    return [MIXED[number % len(MIXED)] for number in range(size)]


def waiting(size: int, seconds: float) -> list[str]:
    """Return the bodies of probes that wait, and write when they begin and end."""
    return [stamped(f"waiting_{number}", f"time.sleep({seconds})") for number in range(size)]


def stamped(name: str, body: str) -> str:
    """Return a body that writes when it begins and ends."""
    return f"stamp({name!r}, 'began')\n{body}\nstamp({name!r}, 'ended')"


def _classes(bodies: list[str], of_class: int) -> str:
    starts = range(0, len(bodies), of_class)
    return "\n\n".join(
        f"class Test{number:04}(unittest.TestCase):\n"
        + "\n".join(map(_method, range(of_class), bodies[start : start + of_class]))
        for number, start in enumerate(starts)
    )


def _method(number: int, body: str) -> str:
    expected = "    @unittest.expectedFailure\n" if body.startswith("@expected ") else ""
    body = dedent(body.removeprefix("@expected "))
    return f"{expected}    def test_{number:03}(self):\n{indent(body, ' ' * 8)}\n"
