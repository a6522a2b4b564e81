"""Count the Python functions that a run calls for each trivial probe; for a process of its own.

The count is the same each time, however busy the machine is. Arguments: formats.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import unittest
from collections import Counter
from pathlib import Path
from types import FrameType

FEW, MANY = 100, 300
UNITTEST = "unittest"


def write_project(folder: Path) -> None:
    """Write a project of two apps, with a class of a few probes and one of many."""
    for app, number in (("few", FEW), ("many", MANY)):
        (folder / app).mkdir()
        (folder / app / "__init__.py").touch()
        methods = "\n".join(f"    def test_{n:03}(self): pass" for n in range(number))
        source = f"import unittest\nclass Probe(unittest.TestCase):\n{methods}\n"
        (folder / app / "probes.py").write_text(source)


def calls_of(app: str, name: str) -> Counter[str]:
    """Return how often each function was called, in all threads, while an app's probes ran."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            calls[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        run(app, name)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return calls


def run(app: str, name: str) -> None:
    """Run probes by ``probe`` with a format, or by unittest's own runner."""
    from django.core.management import call_command

    if name != UNITTEST:
        call_command("probe", app, "--format", name, "--no-ci", stdout=io.StringIO())
        return
    suite = unittest.defaultTestLoader.loadTestsFromName(f"{app}.probes")
    unittest.TextTestRunner(io.StringIO()).run(suite)


def main(formats: list[str]) -> None:
    """Print, for each format and for unittest, the calls for one more probe, and where most are."""
    from django.conf import settings

    write_project(Path.cwd())
    sys.path.insert(0, os.getcwd())
    settings.configure(INSTALLED_APPS=["django_probe", "few", "many"], USE_TZ=True)
    import django

    django.setup()
    found = {}
    for name in (UNITTEST, *formats):
        run("few", name)  # What is only done once is done.
        run("many", name)
        more = calls_of("many", name)
        more.subtract(calls_of("few", name))
        each = {where: number / (MANY - FEW) for where, number in more.items()}
        found[name] = [sum(each.values()), sorted(each, key=lambda where: -each[where])]
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
