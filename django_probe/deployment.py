"""Where a run is: nobody probes a test database, or the wrong place, unknowingly."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import connections

from django_probe.conf import settings
from django_probe.exceptions import ConfigurationError

__all__ = ["described", "enter", "refuse_test_environment"]

PREFIX = "test_"
"""``TEST_DATABASE_PREFIX`` of ``django.db.backends.base.creation``."""

_DUMMY = "django.db.backends.dummy"


def enter(verbosity: int, tell: Callable[[str], None]) -> None:
    """Refuse a place that is not live; from verbosity 2 on tell which one this is.

    Raises:
        ConfigurationError: it was made for tests.
    """
    refuse_test_environment()
    if verbosity >= 2:
        for line in described():
            tell(line)


def refuse_test_environment() -> None:
    """Refuse to ask a place that was made for tests, unless the project wants it so.

    Raises:
        ConfigurationError: Django's test environment is set up, or a database is
            a test database by its name, and ``PROBE_ALLOW_TEST_ENVIRONMENT`` is not set.
    """
    if settings.allow_test_environment:
        return
    found = _test_environment() or next(_test_databases(), "")
    if found:
        raise ConfigurationError(
            f"{found}, expected a live deployment: run the probes with its settings, or set"
            " PROBE_ALLOW_TEST_ENVIRONMENT = True where this is meant."
        )


def described() -> Iterator[str]:
    """Yield a line on this deployment, and one for each database; nothing is asked of them."""
    parts = (
        f"release {settings.release}" if settings.release else "release not known",
        f"on {socket.gethostname()}",
        f"settings {os.environ.get('DJANGO_SETTINGS_MODULE') or 'not of a module'}",
    )
    yield f"Probing {', '.join(parts)}"
    for alias, values in _databases():
        yield f"Database {alias}: {_address(values)}"


def _test_environment() -> str:
    """Return what tells of ``setup_test_environment()``; its module is not imported to find out."""
    utils = sys.modules.get("django.test.utils")
    if utils is None or not hasattr(getattr(utils, "_TestState", None), "saved_data"):
        return ""
    return "This process is in Django's test environment (setup_test_environment)"


def _test_databases() -> Iterator[str]:
    for alias, values in _databases():
        name = str(values.get("NAME") or "")
        if _is_of_tests(name, values):
            yield f"The database {alias!r} is {name!r}, which is the name of a test database"


def _is_of_tests(name: str, values: Mapping[str, Any]) -> bool:
    test_name = str(values.get("TEST", {}).get("NAME") or "")
    # Test runs in parallel have a copy for each process, with a number behind the name.
    if test_name and re.fullmatch(rf"{re.escape(test_name)}(_\d+)?", name):
        return True
    if "sqlite" in str(values["ENGINE"]):
        return name.startswith("file:memorydb_") and "mode=memory" in name
    return name.startswith(PREFIX)


def _databases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for alias, values in connections.settings.items():
        if values["ENGINE"] != _DUMMY:
            yield alias, values


def _address(values: Mapping[str, Any]) -> str:
    options = values.get("OPTIONS") or {}
    host = values.get("HOST") or options.get("host") or ""
    port = values.get("PORT") or options.get("port") or ""
    parts = [str(values["ENGINE"]).rpartition(".")[2], str(values.get("NAME") or "")]
    if host:
        parts.append(f"at {host}:{port}" if port else f"at {host}")
    elif options.get("service"):
        parts.append(f"by service {options['service']}")
    elif parts[0] != "sqlite3":
        parts.append("at its default host")
    if values.get("USER"):
        parts.append(f"as {values['USER']}")
    return " ".join(filter(None, parts))
