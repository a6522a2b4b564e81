"""Databases of the tests' own on the servers that answer here, and a pooler in front."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")

POOLER = """
[databases]
* = host=127.0.0.1 port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 4
max_client_conn = 300
logfile = {folder}/log
pidfile = {folder}/pid
{more}
"""


class Postgres:
    """A database of the test's own on the server."""

    def __init__(self) -> None:
        psycopg = pytest.importorskip("psycopg")
        self.name = f"probe_test_{uuid.uuid4().hex[:12]}"
        address = "host=127.0.0.1 user=postgres connect_timeout=3 dbname="
        try:
            self._server = psycopg.connect(address + "postgres", autocommit=True)
        except psycopg.OperationalError as exc:
            pytest.skip(f"no PostgreSQL: {exc}")
        self._server.execute(f"CREATE DATABASE {self.name}")
        self._connection = psycopg.connect(address + self.name, autocommit=True)

    def settings(self, port=5432, more="", options=""):
        return f"""
            DATABASES["default"] = {{
                "ENGINE": "django.db.backends.postgresql", "NAME": "{self.name}",
                "USER": "postgres", "HOST": "127.0.0.1", "PORT": {port}, {more}
                "OPTIONS": {{{options}}},
            }}
        """

    def execute(self, query):
        cursor = self._connection.execute(query)
        return cursor.fetchall() if cursor.description else []

    def close(self):
        self._connection.close()
        self._server.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        self._server.close()


class MariaDB:
    """The same on MariaDB."""

    def __init__(self) -> None:
        pymysql = pytest.importorskip("pymysql")
        self.name = f"probe_test_{uuid.uuid4().hex[:12]}"
        try:
            self._connection = pymysql.connect(host="127.0.0.1", user="root", autocommit=True)
        except pymysql.OperationalError as exc:
            pytest.skip(f"no MariaDB: {exc}")
        self.execute(f"CREATE DATABASE {self.name}")
        self.execute(f"USE {self.name}")

    def settings(self, more="", options=""):
        return f"""
            import pymysql
            pymysql.version_info = (2, 2, 8, "final", 0)  # Django asks for a recent mysqlclient.
            pymysql.install_as_MySQLdb()
            DATABASES["default"] = {{
                "ENGINE": "django.db.backends.mysql", "NAME": "{self.name}", "USER": "root",
                "HOST": "127.0.0.1", "PORT": 3306, {more}
                "OPTIONS": {{{options}}},
            }}
        """

    def execute(self, query):
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def close(self):
        self.execute(f"DROP DATABASE {self.name}")
        self._connection.close()


@contextlib.contextmanager
def pgbouncer(folder: Path, mode="transaction", more=""):
    """Run PgBouncer in front of the server; yield its port."""
    if PGBOUNCER is None:
        pytest.skip("no PgBouncer: apt-get install pgbouncer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = folder / "pgbouncer"
    own.mkdir()
    ini = own / "pgbouncer.ini"
    ini.write_text(POOLER.format(port=port, folder=own, mode=mode, more=more))
    user = {"user": "postgres", "group": "postgres"} if _is_root_with("postgres") else {}
    if user:  # It refuses to be root, and must get to its files.
        for path in (own, ini):
            shutil.chown(path, "postgres")
        for path in (folder, *folder.parents):
            if path.stat().st_uid == os.getuid() and path != Path("/"):
                path.chmod(path.stat().st_mode | 0o111)
    child = subprocess.Popen([PGBOUNCER, "-q", str(ini)], **user)
    try:
        _wait_for(port, child)
        yield port
    finally:
        child.terminate()
        child.wait()


def _is_root_with(name):
    if os.getuid():
        return False
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _wait_for(port, child):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.02)
    pytest.skip(f"PgBouncer does not start: it ended with {child.poll()}")
