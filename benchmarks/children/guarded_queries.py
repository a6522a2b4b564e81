"""Time one small query, bare and guarded in turn. Arguments: database, way, rounds, of how many.

Databases: postgresql mariadb sqlite. Ways: session; blocks (as behind a pooler
that takes no startup options); three, pipeline (what was tried in place of it).
Prints seconds, bare and guarded, the lowest of all rounds; or why it cannot.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

DATABASE, WAY, ROUNDS, QUERIES = *sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4])
SERVER = {"USER": "postgres", "HOST": "127.0.0.1", "PORT": 5432, "NAME": "postgres"}
DATABASES: dict[str, dict[str, Any]] = {
    "postgresql": {"ENGINE": "django.db.backends.postgresql", **SERVER},
    "mariadb": {
        "ENGINE": "django.db.backends.mysql", "USER": "root", "HOST": "127.0.0.1", "PORT": 3306,
        "NAME": "mysql",
    },
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": "queries.sqlite3"},
}  # fmt: skip


def connect() -> tuple[Any, Any, Any]:
    """Return the bare wrapper and the guarded one, and what keeps the guard on."""
    from django.db import connections

    from django_probe.executors.connections import WorkerConnections, watch_connections

    bare = connections["default"]
    bare.ensure_connection()
    watch_connections()
    worker = WorkerConnections()
    worker.enter()
    guarded = connections["default"]
    guarded.ensure_connection()
    return bare, guarded, worker


def as_behind_a_pooler() -> None:
    """Let no startup option be taken."""
    from django_probe.guarding.postgresql import GuardedPostgreSQL

    GuardedPostgreSQL._open_with_option = lambda self, params: None  # type: ignore[method-assign]


def ask(wrapper: Any) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT %s + 1", [41])
        assert cursor.fetchone() == (42,)


def ask_in_three(wrapper: Any) -> None:
    """Ask with a statement before and one after it."""
    with wrapper.cursor() as cursor:
        cursor.execute("BEGIN READ ONLY")
        cursor.execute("SELECT %s + 1", [41])
        assert cursor.fetchone() == (42,)
        cursor.execute("ROLLBACK")


def ask_in_a_pipeline(wrapper: Any) -> None:
    """Ask in a pipeline: the three go out at once, with a message each."""
    import psycopg

    raw = wrapper.connection
    with wrapper.cursor() as cursor:
        with raw.pipeline():
            psycopg.Cursor(raw).execute("BEGIN READ ONLY")
            cursor.execute("SELECT %s + 1", [41])
            psycopg.Cursor(raw).execute("ROLLBACK")
        assert cursor.fetchone() == (42,)


def seconds(function: Callable[[Any], None], wrapper: Any) -> float:
    began = time.perf_counter()
    for _ in range(QUERIES):
        function(wrapper)
    return (time.perf_counter() - began) / QUERIES


def main() -> None:
    if DATABASE == "mariadb":
        import pymysql

        pymysql.version_info = (2, 2, 8, "final", 0)
        pymysql.install_as_MySQLdb()
    settings.configure(DATABASES={"default": DATABASES[DATABASE]}, USE_TZ=True)
    django.setup()
    if WAY == "blocks":
        as_behind_a_pooler()
    bare, guarded, _worker = connect()
    other: dict[str, tuple[Callable[[Any], None], Any]] = {
        "three": (ask_in_three, bare),
        "pipeline": (ask_in_a_pipeline, bare),
    }
    function, wrapper = other.get(WAY, (ask, guarded))
    rounds = [(seconds(ask, bare), seconds(function, wrapper)) for _ in range(ROUNDS + 1)][1:]
    print("measured", min(own for own, _ in rounds), min(other for _, other in rounds))


try:
    main()
except Exception as exc:
    print("absent", " ".join(str(exc).split())[:200])
