"""Database connections of the workers: few, cancelled, closed, and never poisoned."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid

import pytest

pytestmark = pytest.mark.ends

APPLICATION = "probes-under-test"

POSTGRES = """
    DATABASES["default"] = {{
        "ENGINE": "django.db.backends.postgresql", "NAME": "{name}", "USER": "postgres",
        "HOST": "127.0.0.1", "PORT": 5432, "CONN_MAX_AGE": {max_age},
        "OPTIONS": {{"application_name": "{application}", {options}}},
    }}
"""

MARIADB = """
    import pymysql
    pymysql.version_info = (2, 2, 8, "final", 0)  # Django asks for a recent mysqlclient.
    pymysql.install_as_MySQLdb()
    DATABASES["default"] = {{
        "ENGINE": "django.db.backends.mysql", "NAME": "{name}", "USER": "root",
        "HOST": "127.0.0.1", "PORT": 3306, "CONN_MAX_AGE": None,
    }}
"""


class Postgres:
    """A database of the test's own on the server, and a look at who uses it."""

    def __init__(self, name):
        import psycopg

        self.name = name
        self._connection = psycopg.connect(
            "host=127.0.0.1 user=postgres dbname=postgres", autocommit=True, connect_timeout=3
        )

    def settings(self, max_age="0", options=""):
        return POSTGRES.format(
            name=self.name, application=APPLICATION, max_age=max_age, options=options
        )

    def execute(self, query):
        return self._connection.execute(query)

    def sessions(self):
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            f" WHERE datname = '{self.name}' AND application_name = '{APPLICATION}'"
        )
        return self.execute(query).fetchone()[0]

    @contextlib.contextmanager
    def watched(self):
        """Yield a list that gets the greatest number of sessions seen at two looks in turn.

        A server takes a moment to forget a client that has gone, in which the next may come.
        """
        greatest, over = [0], threading.Event()

        def watch():
            before = 0
            while not over.wait(0.005):
                now = self.sessions()
                greatest[0] = max(greatest[0], min(before, now))
                before = now

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield greatest
        finally:
            over.set()
            thread.join()

    def close(self):
        self._connection.close()


@pytest.fixture
def postgres():
    psycopg = pytest.importorskip("psycopg")
    name = f"probe_test_{uuid.uuid4().hex[:12]}"
    try:
        server = Postgres(name)
    except psycopg.OperationalError as exc:
        pytest.skip(f"no PostgreSQL: {exc}")
    server.execute(f"CREATE DATABASE {name}")
    yield server
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


@pytest.fixture
def mariadb():
    pymysql = pytest.importorskip("pymysql")
    name = f"probe_test_{uuid.uuid4().hex[:12]}"
    try:
        connection = pymysql.connect(host="127.0.0.1", user="root", autocommit=True)
    except pymysql.OperationalError as exc:
        pytest.skip(f"no MariaDB: {exc}")
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE {name}")

    def running():
        cursor.execute(f"SELECT count(*) FROM information_schema.processlist WHERE db = '{name}'")
        return cursor.fetchone()[0]

    yield name, running
    cursor.execute(f"DROP DATABASE {name}")
    connection.close()


# A query that takes too long.

SLOW = """
    import unittest
    from django.db import connection, transaction
    from django_probe import timeout

    def ask(query):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()

    @timeout(0.3)
    class Slow(unittest.TestCase):
        def test_1(self):
            ask({slow!r})
        def test_2(self):
            with transaction.atomic():
                ask({slow!r})
        def test_3(self):
            self.assertEqual(ask("SELECT 1"), (1,))

    @timeout(0.3)
    class SlowAsync(unittest.IsolatedAsyncioTestCase):
        async def test_1(self):
            from asgiref.sync import sync_to_async
            await sync_to_async(ask)({slow!r})
        async def test_2(self):
            from asgiref.sync import sync_to_async
            self.assertEqual(await sync_to_async(ask)("SELECT 1"), (1,))
"""

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
    " SELECT count(*) FROM n"
)


def check_slow(project):
    """Check that slow queries are stopped, not left behind."""
    done = project.probe("--format", "json")
    results = {result["label"]: result for result in json.loads(done.stdout)["results"]}
    assert {label: result["outcome"] for label, result in results.items()} == {
        "shop.Slow.test_1": "timed_out",
        "shop.Slow.test_2": "timed_out",
        "shop.Slow.test_3": "passed",
        "shop.SlowAsync.test_1": "timed_out",
        "shop.SlowAsync.test_2": "passed",
    }
    for label in ("shop.Slow.test_1", "shop.Slow.test_2", "shop.SlowAsync.test_1"):
        assert 0.3 < results[label]["duration"] < 1.3
        assert "in ask" in results[label]["error"]["traceback"]
    assert done.stderr == ""
    assert done.returncode == 1


def test_a_slow_query_of_sqlite_is_cancelled_at_the_timeout(make_project):
    check_slow(make_project({"shop/probes.py": SLOW.format(slow=ENDLESS)}))


@pytest.mark.service
def test_a_slow_query_of_postgresql_is_cancelled_at_the_timeout(make_project, postgres):
    source = SLOW.format(slow="SELECT pg_sleep(30)")
    check_slow(make_project({"shop/probes.py": source}, settings=postgres.settings("None")))
    assert postgres.sessions() == 0


@pytest.mark.service
def test_a_slow_query_of_mariadb_is_cancelled_at_the_timeout(make_project, mariadb):
    name, running = mariadb
    source = SLOW.format(slow="SELECT SLEEP(30)")
    check_slow(make_project({"shop/probes.py": source}, settings=MARIADB.format(name=name)))
    assert running() == 0


# How many there are.

CROWD = """
    import asyncio, time, unittest
    from django.contrib.auth.models import Permission
    from django.db import connection
    from asgiref.sync import sync_to_async, async_to_sync
    from django_probe import serial

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.02)")

    async def ask_async():
        await sync_to_async(ask)()
        await asyncio.gather(*(sync_to_async(ask)() for _ in range(3)))

    class Sync(unittest.TestCase):
        def ask(self):
            ask()
        test_1 = test_2 = test_3 = test_4 = test_5 = test_6 = ask
        def test_async_to_sync(self):
            ask()
            async_to_sync(ask_async)()

    class Async(unittest.IsolatedAsyncioTestCase):
        def setUp(self):
            ask()
        async def ask(self):
            await ask_async()
        test_1 = test_2 = test_3 = test_4 = test_5 = test_6 = ask

    class Shared(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            ask()
        def test_1(self):
            ask()

    @serial
    class Serial(unittest.IsolatedAsyncioTestCase):
        async def test_1(self):
            await ask_async()
"""


@pytest.mark.service
@pytest.mark.parametrize(
    ("workers", "max_age", "options"),
    [(1, "0", '"pool": True'), (3, "0", ""), (3, "None", ""), (3, "0", '"pool": {"min_size": 2}')],
    ids=["one-with-pool", "closing", "keeping", "pool"],
)
def test_workers_hold_one_connection_each_and_none_at_the_end(
    make_project, postgres, workers, max_age, options
):
    if options:
        pytest.importorskip("psycopg_pool")
    project = make_project({"shop/probes.py": CROWD}, settings=postgres.settings(max_age, options))
    with postgres.watched() as greatest:
        done = project.probe("--format", "json", "--parallel", str(workers))
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] == report["summary"]["total"] == 15
    assert greatest[0] <= workers
    assert greatest[0] > 0
    deadline = time.monotonic() + 2  # A server takes a moment to see that a client has gone.
    while postgres.sessions() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert postgres.sessions() == 0


@pytest.mark.service
@pytest.mark.parametrize("options", ["", '"pool": True'], ids=["plain", "pool"])
def test_connections_of_threads_of_a_probe_and_of_an_import_are_closed_too(
    make_project, postgres, options
):
    if options:
        pytest.importorskip("psycopg_pool")
    source = """
        import asyncio, threading, unittest
        from django.db import connection, connections
        from asgiref.sync import sync_to_async

        def ask():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")

        ask()  # While the module is imported.

        def sessions():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                )
                return cursor.fetchone()[0]

        class Probe(unittest.IsolatedAsyncioTestCase):
            async def test_1(self):
                await asyncio.to_thread(ask)
                await sync_to_async(ask, thread_sensitive=False)()

            async def test_2(self):
                print(await sync_to_async(sessions)())
    """
    project = make_project({"shop/probes.py": source}, settings=postgres.settings("0", options))
    done = project.probe("--format", "json")
    results = json.loads(done.stdout)["results"]
    assert [result["outcome"] for result in results] == ["passed", "passed"]
    if not options:  # The pool of the process is Django's, until the end.
        assert results[1]["stdout"] == "1\n"
    assert done.stderr == ""


# What a probe leaves for the next.

POISON = """
    import unittest
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection, transaction

    def ask(query="SELECT 1"):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()

    class Probe(unittest.TestCase):
        def check(self):
            self.assertFalse(connection.in_atomic_block)
            self.assertTrue(connection.get_autocommit())
            self.assertFalse(connection.needs_rollback)
            self.assertEqual(connection.savepoint_ids, [])
            self.assertEqual(ask(), (1,))
            with transaction.atomic():
                self.assertEqual(ask(), (1,))

        def test_01_opens_a_transaction(self):
            transaction.atomic().__enter__()
            ask()
        test_02 = check

        def test_03_opens_two(self):
            transaction.atomic().__enter__()
            transaction.atomic().__enter__()
            ask()
        test_04 = check

        def test_05_turns_autocommit_off(self):
            ask()
            transaction.set_autocommit(False)
        test_06 = check

        def test_07_breaks_a_transaction(self):
            transaction.atomic().__enter__()
            try:
                ask("SELECT nonsense")
            except Exception:
                transaction.set_rollback(True)
        test_08 = check

        def test_09_closes_the_connection_below(self):
            ask()
            connection.connection.close()
        test_10 = check

        def test_11_closes_it_within_a_transaction(self):
            transaction.atomic().__enter__()
            ask()
            connection.close()
        test_12 = check

        def test_13_leaves_a_handler(self):
            ask()
            connection.execute_wrappers.append(None)
            connection.execute_wrappers.clear()
            connection.run_on_commit.append((set(), print, False))
        test_14 = check

    class Async(unittest.IsolatedAsyncioTestCase):
        async def test_1_opens_a_transaction(self):
            from asgiref.sync import sync_to_async
            await sync_to_async(transaction.atomic().__enter__)()
        def test_2(self):
            Probe.check(self)

    class Fixture(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.atomic = transaction.atomic()
            cls.atomic.__enter__()
            ask()
        @classmethod
        def tearDownClass(cls):
            cls.atomic.__exit__(None, None, None)
        def test_1(self):
            self.assertTrue(connection.in_atomic_block)
        def test_2(self):
            self.assertTrue(connection.in_atomic_block)
            self.assertEqual(ask(), (1,))

    class FixtureThatForgets(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            transaction.atomic().__enter__()
            ask()
        def test_1(self):
            self.assertTrue(connection.in_atomic_block)

    class Last(unittest.TestCase):
        def test_1(self):
            Probe.check(self)
"""


def check_poison(project):
    done = project.probe("--format", "json")
    results = json.loads(done.stdout)["results"]
    assert len(results) == 20
    assert {r["label"]: r["error"] for r in results if r["outcome"] != "passed"} == {}
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("max_age", ["0", "None"])
def test_what_a_probe_leaves_open_does_not_poison_the_next_on_sqlite(make_project, max_age):
    settings = f'DATABASES["default"]["CONN_MAX_AGE"] = {max_age}\n'
    check_poison(make_project({"shop/probes.py": POISON}, settings=settings))


@pytest.mark.service
@pytest.mark.parametrize("max_age", ["0", "None"])
def test_what_a_probe_leaves_open_does_not_poison_the_next_on_postgresql(
    make_project, postgres, max_age
):
    check_poison(make_project({"shop/probes.py": POISON}, settings=postgres.settings(max_age)))


@pytest.mark.service
def test_what_a_probe_leaves_open_does_not_poison_the_next_on_mariadb(make_project, mariadb):
    name, running = mariadb
    check_poison(make_project({"shop/probes.py": POISON}, settings=MARIADB.format(name=name)))
    assert running() == 0


@pytest.mark.service
def test_a_connection_that_the_server_has_ended_does_not_poison_the_next_probe(
    make_project, postgres
):
    source = """
        import unittest
        from django.db import connection, OperationalError, InterfaceError

        def ask(query="SELECT 1"):
            with connection.cursor() as cursor:
                cursor.execute(query)

        class Probe(unittest.TestCase):
            def test_1(self):
                with self.assertRaises((OperationalError, InterfaceError)):
                    ask("SELECT pg_terminate_backend(pg_backend_pid())")
            def test_2(self):
                ask()
    """
    project = make_project({"shop/probes.py": source}, settings=postgres.settings("None"))
    outcomes = [result["outcome"] for result in project.results().values()]
    assert outcomes == ["passed", "passed"]


def test_a_thread_of_async_code_that_does_not_come_back_is_left_with_its_connections(make_project):
    source = """
        import threading, unittest
        from asgiref.sync import sync_to_async
        from django.db import connection
        from django_probe import timeout

        def ask():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return connection.connection

        left = []

        def hang():
            left.append(ask())
            threading.Event().wait()

        class Probe(unittest.IsolatedAsyncioTestCase):
            @timeout(0.3)
            async def test_1(self):
                await sync_to_async(hang)()
            async def test_2(self):
                self.assertIsNot(await sync_to_async(ask)(), left[0])
            def test_3(self):
                self.assertIsNot(ask(), left[0])
    """
    project = make_project({"shop/probes.py": source})
    began = time.monotonic()
    done = project.probe("--format", "json")
    assert time.monotonic() - began < 4
    outcomes = [result["outcome"] for result in json.loads(done.stdout)["results"]]
    assert outcomes == ["timed_out", "passed", "passed"]
