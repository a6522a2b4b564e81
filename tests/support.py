"""What the tests share: Django projects made on the spot, and the command run in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = """
    from pathlib import Path
    BASE_DIR = Path(__file__).resolve().parent
    SECRET_KEY = "a-secret-key-of-the-tests-that-nobody-knows"
    INSTALLED_APPS = [
        "django.contrib.contenttypes", "django.contrib.auth", {apps} "django_probe",
    ]
    DATABASES = {{
        "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
    }}
    USE_TZ = True
"""

MANAGE = """
    import os, sys
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""


@dataclass
class Project:
    """A Django project in a folder of its own, with ``manage.py``.

    ``files`` maps paths to source; an app is each top folder that holds one.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path, files: Mapping[str, str], settings: str = "") -> Project:
        """Write a project: ``{"shop/probes.py": "..."}`` makes the app ``shop``."""
        apps = sorted({path.partition("/")[0] for path in files if "/" in path})
        listed = "".join(f'"{app}", ' for app in apps)
        project = cls(folder)
        project.write("settings.py", textwrap.dedent(SETTINGS).format(apps=listed))
        with (folder / "settings.py").open("a") as stream:
            stream.write(textwrap.dedent(settings))
        project.write("manage.py", MANAGE)
        for app in apps:
            project.write(f"{app}/__init__.py", "")
        for path, source in files.items():
            project.write(path, source)
        return project

    def write(self, path: str, source: str) -> Path:
        """Write one file of the project, dedented."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(source), encoding="utf-8")
        return target

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment in which ``manage.py`` finds this checkout, or the wheel."""
        env = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
        if "DJANGO_PROBE_TEST_INSTALLED" not in os.environ:
            env["PYTHONPATH"] = str(ROOT)
        return {**env, "PYTHONDONTWRITEBYTECODE": "1", **extra}

    def manage(
        self, *args: str, timeout: float = 60, env: Mapping[str, str] | None = None, **kwargs: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` with arguments, in a process of its own."""
        return subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
            **kwargs,
        )

    def probe(self, *args: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py probe`` with arguments."""
        return self.manage("probe", *args, **kwargs)

    def results(self, *args: str, **kwargs: Any) -> dict[str, dict[str, Any]]:
        """Run with ``--format json``; return the results by label."""
        done = self.probe("--format", "json", *args, **kwargs)
        return {result["label"]: result for result in json.loads(done.stdout)["results"]}

    def popen(self, *args: str, env: Mapping[str, str] | None = None, **kwargs: Any) -> Any:
        """Start ``manage.py`` with arguments; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *args],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            text=True,
            encoding="utf-8",
            **kwargs,
        )
