"""What an example needs of the project: a part that is not there skips it, and says so."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from django_probe.options import add_options


def need(parts: Iterable[str]) -> None:
    """Skip a test if a part is missing."""
    for part in parts:
        if not _is_there(part):
            pytest.skip(f"{part} is not there")


def _is_there(part: str) -> bool:
    if part.startswith("--"):
        parser = argparse.ArgumentParser()
        add_options(parser)
        return any(part in action.option_strings for action in parser._actions)
    if part == "/probe/":
        return importlib.util.find_spec("django_probe.urls") is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return shutil.which("django-probe-remote", path=path) is not None
