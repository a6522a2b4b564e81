"""A probe that writes to a database is refused, unless it says that it writes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import textwrap

import pytest
from databases import MariaDB, Postgres, pgbouncer

MODELS = """
    from django.db import models

    class Item(models.Model):
        name = models.CharField(max_length=50, unique=True)
        n = models.IntegerField(default=0)
"""
HEAD = """
import asyncio, contextlib, threading, unittest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection, connections, transaction
from django_probe import allow_writes, serial
from shop.models import Item

def write(name="written", using="default"):
    return Item.objects.using(using).create(name=name)

"""


TABLE = "CREATE TABLE shop_item (id {key}, name varchar(50) NOT NULL UNIQUE, n integer NOT NULL)"


@pytest.fixture
def make_shop(make_quick):
    """Return a function that makes a shop with its table, from the source of its probes."""

    def make(source, settings="", files=("db.sqlite3",), make=make_quick, **more):
        probes = HEAD + textwrap.dedent(source)
        project = make(
            {"shop/models.py": MODELS, "shop/probes.py": probes, **more}, settings=settings
        )
        for file in files:
            with opened(project, file) as database:
                database.execute(TABLE.format(key="integer PRIMARY KEY AUTOINCREMENT"))
        return project

    return make


@contextlib.contextmanager
def opened(project, file="db.sqlite3"):
    """Yield a connection to a database of a project; it is committed and closed."""
    with contextlib.closing(sqlite3.connect(project.folder / file)) as database, database:
        yield database


def names(project, file="db.sqlite3"):
    """Return the names of the items there are."""
    with opened(project, file) as database:
        return sorted(name for (name,) in database.execute("SELECT name FROM shop_item"))


def outcomes(results):
    return {label.rpartition(".")[2]: result["outcome"] for label, result in results.items()}


# Refused, and how it is told.

PLAIN = """
    class Probe(unittest.TestCase):
        def test_create(self):
            write()
        def test_reads(self):
            self.assertEqual(Item.objects.count(), 0)
"""


def test_a_write_is_refused_with_its_verb_its_alias_and_how_to_allow_it(make_shop):
    project = make_shop(PLAIN)
    done = project.probe("--format", "json")
    results = {result["label"]: result for result in json.loads(done.stdout)["results"]}
    error = results["shop.Probe.test_create"]["error"]
    assert error["exception_class_path"] == "django_probe.guards.WriteRefused"
    assert error["message"] == (
        "INSERT was refused on the database 'default': this probe may only read. To allow it:"
        " @allow_writes('default') above the probe or its class; or, for all probes,"
        " --allow-writes or PROBE_ALLOW_WRITES = True. The database says: attempt to write a"
        " readonly database"
    )
    assert "sqlite3.OperationalError: attempt to write" in error["traceback"]
    assert outcomes(results) == {"test_create": "errored", "test_reads": "passed"}
    assert done.returncode == 1
    assert names(project) == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "settings"), [(["--allow-writes"], ""), ([], "PROBE_ALLOW_WRITES = True\n")]
)
def test_an_option_or_a_setting_allows_all_probes_to_write(make_shop, options, settings):
    project = make_shop(PLAIN.replace("0)", "1)"), settings)
    assert project.probe(*options).returncode == 0
    assert names(project) == ["written"]


@pytest.mark.ends
def test_a_mark_opens_one_probe_and_no_other_and_the_class_mark_its_fixtures(make_shop):
    project = make_shop("""
        class Method(unittest.TestCase):
            def test_1(self):
                write("m1")
            @allow_writes
            def test_2(self):
                write("m2")
            def test_3(self):
                write("m3")
            @allow_writes()
            def test_4(self):
                self.addCleanup(Item.objects.filter(name="m4").delete)
                write("m4")

        @allow_writes("default")
        class Marked(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                write("c-set-up")
            @classmethod
            def tearDownClass(cls):
                write("c-torn-down")
            def test_1(self):
                write("c1")

        class Fixture(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                write("f-set-up")
            @allow_writes
            def test_1(self):
                write("f1")

        class TearDown(unittest.TestCase):
            @classmethod
            def tearDownClass(cls):
                write("t-torn-down")
            @allow_writes
            def test_1(self):
                write("t1")

        class Sub(Marked):
            def test_2(self):
                write("s2")
            def setUp(self):
                Item.objects.all().delete() if self._testMethodName == "never" else None
            setUpClass = tearDownClass = unittest.TestCase.setUpClass
            test_1 = None
    """)
    done = project.probe("--format", "json", "--parallel", "1")
    results = {result["label"]: result for result in json.loads(done.stdout)["results"]}
    assert {
        label.removeprefix("shop."): result["outcome"] for label, result in results.items()
    } == {
        "Fixture.test_1": "errored",
        "Marked.test_1": "passed",
        "Method.test_1": "errored",
        "Method.test_2": "passed",
        "Method.test_3": "errored",
        "Method.test_4": "passed",
        "Sub.test_2": "passed",
        "TearDown.test_1": "passed",
    }
    assert names(project) == ["c-set-up", "c-torn-down", "c1", "m2", "s2", "t1"]
    assert json.loads(done.stdout)["fixture_errors"][0]["fixture"].endswith(
        "TearDown.tearDownClass"
    )


@pytest.mark.once
def test_a_mark_may_name_the_databases(make_shop):
    settings = """
        DATABASES["orders"] = {**DATABASES["default"], "NAME": BASE_DIR / "orders.sqlite3"}
    """
    project = make_shop(
        """
        class Probe(unittest.TestCase):
            @allow_writes("orders")
            def test_orders(self):
                write("o", using="orders")
            @allow_writes("orders")
            def test_default(self):
                write("d")
        @allow_writes("default")
        class Both(unittest.TestCase):
            @allow_writes("orders")
            def test_both(self):
                write("both")
                write("both", using="orders")
        """,
        settings,
        files=("db.sqlite3", "orders.sqlite3"),
    )
    results = project.results()
    assert outcomes(results) == {
        "test_both": "passed", "test_default": "errored", "test_orders": "passed"
    }  # fmt: skip
    assert "database 'default'" in results["shop.Probe.test_default"]["error"]["message"]
    assert (names(project), names(project, "orders.sqlite3")) == (["both"], ["both", "o"])


@pytest.mark.once
def test_a_mark_with_an_alias_that_there_is_not_ends_the_run_before_it_begins(make_shop):
    project = make_shop("""
        class Probe(unittest.TestCase):
            @allow_writes("ordres")
            def test_1(self):
                pass
    """)
    done = project.probe()
    assert (done.stdout, done.returncode) == ("", 2)
    assert (
        "@allow_writes got 'ordres', expected an alias of DATABASES: there is 'default'.\n"
        in done.stderr
    )
    assert "shop/probes.py:1" in done.stderr
    assert "probe.E030" in project.manage("check").stderr


@pytest.mark.once
@pytest.mark.parametrize("mark", ["allow_writes(5)", "allow_writes('default', None)"])
def test_a_mark_with_what_is_no_alias_is_told_with_its_place(make_shop, mark):
    project = make_shop(f"""
        class Probe(unittest.TestCase):
            @{mark}
            def test_1(self):
                pass
    """)
    done = project.probe()
    assert done.returncode == 2
    assert "shop/probes.py:13: @allow_writes got " in done.stderr


@pytest.mark.once
@pytest.mark.parametrize("value", ["1", "'yes'", "None"])
def test_a_setting_that_is_neither_true_nor_false_is_refused(make_shop, value):
    project = make_shop(PLAIN, f"PROBE_ALLOW_WRITES = {value}\n")
    done = project.probe()
    assert done.returncode == 2
    assert f"PROBE_ALLOW_WRITES is {value}, expected True or False" in done.stderr


# Where a write may come from.


@pytest.mark.once
def test_a_refusal_that_the_probe_swallows_is_its_error_all_the_same(make_shop):
    project = make_shop("""
        class Probe(unittest.TestCase):
            def test_swallowed(self):
                try:
                    write()
                except DatabaseError:
                    pass
            def test_expected(self):
                with self.assertRaises(DatabaseError):
                    write()
            def test_told_once(self):
                write()
            def test_past_django(self):
                connection.ensure_connection()
                connection.connection.execute("DELETE FROM shop_item")
            def test_in_a_thread(self):
                thread = threading.Thread(target=self.test_swallowed)
                thread.start()
                thread.join()
            def test_skipped_for_it(self):
                try:
                    write()
                except DatabaseError:
                    self.skipTest("no database")

        class Fixture(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                Probe().test_swallowed()
            def test_1(self):
                pass
            runTest = None
        Probe.runTest = lambda self: None
    """)
    results = project.results()
    assert set(outcomes(results).values()) == {"errored"}
    told = results["shop.Probe.test_told_once"]["error"]["traceback"]
    assert told.count("django_probe.guards.WriteRefused: INSERT") == 1
    error = results["shop.Probe.test_swallowed"]["error"]
    assert error["message"].endswith(
        "readonly database. It was caught, and is an error all the same: what is deployed would"
        " have written."
    )
    error = results["shop.Probe.test_past_django"]["error"]
    assert error["message"] == (
        "attempt to write a readonly database - the write guard refused it: this probe may only"
        " read from 'default'. To allow it: @allow_writes above the probe or its class; or, for all"
        " probes, --allow-writes or PROBE_ALLOW_WRITES = True"
    )
    assert error["traceback"].endswith(f"{error['message']}\n")
    assert names(project) == []


@pytest.mark.once
def test_what_is_imported_or_loaded_may_not_write_unless_all_may(make_shop):
    project = make_shop(
        PLAIN,
        **{
            "shop/probes.py": HEAD + "write('at import')\n",
            "other/probes.py": HEAD
            + textwrap.dedent("""
                def load_tests(loader, tests, pattern):
                    write("by load_tests")
                    return tests
            """),
            "threads/probes.py": HEAD
            + textwrap.dedent("""
                go_on, told = threading.Event(), []
                def work():
                    go_on.wait()
                    try:
                        write("by a thread")
                    except DatabaseError as exc:
                        told.append(exc)
                thread = threading.Thread(target=work)
                thread.start()
                class Probe(unittest.TestCase):
                    def test_thread(self):
                        go_on.set()
                        thread.join()
                        if told:
                            raise told[0]
            """),
        },
    )
    results = project.results()
    assert {r["error"]["exception_class_path"] for r in results.values()} == {
        "django_probe.guards.WriteRefused"
    }
    assert (names(project), len(results)) == ([], 3)
    project.probe("--allow-writes")
    assert names(project) == ["at import", "by a thread", "by load_tests"]


@pytest.mark.once
def test_what_probes_have_the_process_do_at_its_end_may_not_write(make_shop, make_project):
    project = make_shop(PLAIN.replace("write()", "atexit.register(write)"), make=make_project)
    project.write("shop/apps.py", """
        import atexit
        from django.apps import AppConfig
        class Shop(AppConfig):
            name = "shop"
            def ready(self):
                atexit.register(self.write)
            def write(self):
                self.get_model("Item").objects.create(name="the app's own")
    """)  # fmt: skip
    source = (project.folder / "shop/probes.py").read_text()
    project.write("shop/probes.py", "import atexit\n" + source)
    done = project.probe()
    assert (done.returncode, names(project)) == (0, ["the app's own"])
    assert "INSERT was refused on the database 'default'" in done.stderr
    with opened(project) as database:
        database.execute("DELETE FROM shop_item")
    assert project.probe("--allow-writes").stderr == ""
    assert names(project) == ["the app's own", "written"]


@pytest.mark.once
def test_module_fixtures_may_write_where_they_are_marked(make_shop):
    source = """
        {mark}
        def setUpModule():
            write("module")
        def tearDownModule():
            write("module, last")
        class Probe(unittest.TestCase):
            def test_1(self):
                Item.objects.count()
    """
    project = make_shop(source.format(mark=""))
    assert set(outcomes(project.results()).values()) == {"errored"}
    project.write("shop/probes.py", HEAD + textwrap.dedent(source.format(mark="@allow_writes")))
    assert project.probe().returncode == 0
    assert names(project) == ["module", "module, last"]


def test_what_one_probe_may_do_is_not_left_to_the_next(make_shop):
    project = make_shop("""
        class Probe(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                Item.objects.count()
            @allow_writes
            def test_1_leaves_a_transaction(self):
                transaction.atomic().__enter__()
                write("left open")
            def test_2(self):
                write("by way of it")
            def test_3_leaves_one_that_reads(self):
                transaction.atomic().__enter__()
                Item.objects.count()
            @allow_writes
            def test_4(self):
                Item.objects.count()

        class WithoutFixture(unittest.TestCase):
            threads = []
            go_on = threading.Event()
            @allow_writes
            def test_1_leaves_a_thread(self):
                def work():
                    with transaction.atomic():
                        write("in time")
                    written.set()
                    self.go_on.wait()
                    with contextlib.suppress(DatabaseError):
                        write("too late")
                written = threading.Event()
                self.threads.append(threading.Thread(target=work))
                self.threads[0].start()
                written.wait()
            def test_2_is_not_what_it_stayed_for(self):
                self.go_on.set()
                self.threads[0].join()
            def test_5_leaves_autocommit_off(self):
                transaction.set_autocommit(False)
                Item.objects.count()
            @allow_writes
            def test_6(self):
                self.assertTrue(transaction.get_autocommit())
                write("six")
    """)
    results = project.results()
    assert outcomes(results) == {
        "test_1_leaves_a_transaction": "passed",
        "test_2": "errored",
        "test_3_leaves_one_that_reads": "passed",
        "test_4": "passed",
        "test_5_leaves_autocommit_off": "passed",
        "test_6": "passed",
        "test_1_leaves_a_thread": "passed",
        "test_2_is_not_what_it_stayed_for": "errored",
    }, results
    assert names(project) == ["in time", "six"]


@pytest.mark.ends
def test_several_workers_each_write_what_their_own_probe_may(make_shop):
    project = make_shop("""
        both = threading.Barrier(2, timeout=20)
        class Marked(unittest.TestCase):
            @allow_writes
            def test_marked(self):
                both.wait()
                write("marked")
                both.wait()
        class Plain(unittest.IsolatedAsyncioTestCase):
            async def test_plain(self):
                both.wait()
                thread = threading.Thread(target=self.quietly, args=["in a thread"])
                thread.start()
                thread.join()
                try:
                    await Item.objects.acreate(name="plain")
                finally:
                    both.wait()
            def quietly(self, name):
                try:
                    write(name)
                except DatabaseError:
                    pass
    """)
    assert outcomes(project.results("--parallel", "2", "--executor", "threads")) == {
        "test_marked": "passed", "test_plain": "errored"
    }  # fmt: skip
    assert names(project) == ["marked"]


@pytest.mark.ends
def test_worker_processes_are_guarded_as_threads_are(make_shop):
    project = make_shop("""
        class Probe(unittest.TestCase):
            def in_a_thread(self, name):
                failed = []
                def work():
                    try:
                        write(name)
                    except DatabaseError as exc:
                        failed.append(exc)
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
                if failed:
                    raise failed[0]
            def test_plain(self):
                write("plain")
            def test_thread(self):
                self.in_a_thread("thread")
            @allow_writes
            def test_marked(self):
                write("marked")
            @allow_writes
            def test_marked_thread(self):
                self.in_a_thread("marked thread")
    """)
    assert outcomes(project.results("--parallel", "2", "--executor", "processes")) == {
        "test_marked": "passed",
        "test_marked_thread": "passed",
        "test_plain": "errored",
        "test_thread": "errored",
    }
    assert names(project) == ["marked", "marked thread"]
    assert project.probe("--executor", "processes", "--allow-writes").returncode == 1  # twice
    assert names(project) == ["marked", "marked thread", "plain", "thread"]


@pytest.mark.once
@pytest.mark.parametrize("name", ["probe_in_atomic", "probe_plain"])
def test_a_caller_in_python_has_its_own_connections_again(make_shop, name):
    project = make_shop(PLAIN)
    calls = """
        import io, threading
        from contextlib import nullcontext
        from django.core.management import call_command
        from django.db import connection, transaction
        from shop.models import Item
        before, raw = connection._connections[connection._alias], connection.cursor().cursor
        work = threading.Event(), threading.Event()
        def other():
            work[0].wait()
            Item.objects.create(name="another thread")
        thread = threading.Thread(target=other)
        thread.start()
        with {block}:
            {first}
            try:
                call_command("probe", stdout=io.StringIO())
            except SystemExit as exc:
                print(exc.code)
            assert connection._connections[connection._alias] is before
            Item.objects.create(name="after")
        work[0].set()
        thread.join()
    """
    block, first = "nullcontext()", "pass"
    if name == "probe_in_atomic":
        block, first = "transaction.atomic()", "Item.objects.count()"
    project.write("calls.py", calls.format(block=block, first=first))
    done = project.manage("shell", "-c", "exec(open('calls.py').read(), {})")
    assert done.returncode == 0, done.stderr
    assert "1" in done.stdout
    assert names(project) == ["after", "another thread"]


@pytest.mark.once
def test_a_database_that_nobody_knows_how_to_guard_is_not_opened(make_shop):
    settings = """
        DATABASES["strange"] = {
            "ENGINE": "strange_backend", "NAME": BASE_DIR / "strange.sqlite3",
        }
    """
    project = make_shop(
        """
        def ask():
            with connections["strange"].cursor() as cursor:
                cursor.execute("SELECT 1")
        class Probe(unittest.TestCase):
            def test_plain(self):
                ask()
            @allow_writes("strange")
            def test_marked(self):
                ask()
        """,
        settings,
        **{
            "strange_backend/base.py": """
                from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
                class DatabaseWrapper(SQLite):
                    vendor = "strange"
            """
        },
    )
    results = project.results()
    assert outcomes(results) == {"test_marked": "passed", "test_plain": "errored"}
    assert results["shop.Probe.test_plain"]["error"]["message"] == (
        "The database 'strange' cannot be guarded against writes: its vendor is 'strange', and the"
        " guard knows PostgreSQL, MySQL, MariaDB and SQLite. To allow it: @allow_writes('strange')"
        " above the probe or its class; or, for all probes, --allow-writes or PROBE_ALLOW_WRITES ="
        " True."
    )


# Reads of every kind go on as before.

READS = """
    class Reads(unittest.TestCase):
        def count(self):
            self.assertEqual(Item.objects.count(), 3)
        def test_autocommit(self):
            self.count()
        def test_nested_atomic(self):
            with transaction.atomic():
                self.count()
                with transaction.atomic():
                    self.count()
                    transaction.set_rollback(True)
                self.count()
        def test_durable(self):
            self.count()
            with transaction.atomic(durable=True):
                self.count()
        def test_iterator_in_and_out_of_a_transaction(self):
            self.assertEqual(len(list(Item.objects.iterator(chunk_size=2))), 3)
            with transaction.atomic():
                self.assertEqual(len(list(Item.objects.iterator(chunk_size=2))), 3)
                half = Item.objects.iterator(chunk_size=1)
                next(half)
                self.count()
                self.assertEqual(len(list(half)), 2)
        def test_after_an_error(self):
            with connection.cursor() as cursor, self.assertRaises(DatabaseError):
                cursor.execute("SELECT nonsense FROM nowhere")
            self.count()
            with transaction.atomic():
                with self.assertRaises(DatabaseError), transaction.atomic():
                    Item.objects.raw("SELECT nonsense FROM nowhere")[0]
                self.count()
        def test_without_autocommit(self):
            transaction.set_autocommit(False)
            try:
                self.count()
                transaction.rollback()
                self.count()
                transaction.commit()
            finally:
                transaction.set_autocommit(True)
            self.count()
        def test_raw_and_parameters(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'a;b', '%%', name FROM shop_item WHERE name = %s -- c; d", ["two;"])
                self.assertEqual(list(cursor.fetchall()), [("a;b", "%", "two;")])
                cursor.execute("SELECT 1;")
                self.assertEqual(cursor.fetchone(), (1,))
                cursor.execute("SELECT name FROM shop_item ORDER BY name")
                self.assertEqual(cursor.rowcount in (3, -1), True)
                self.assertEqual([column[0] for column in cursor.description], ["name"])
                self.assertEqual(len(cursor.fetchmany(2)), 2)
                self.assertEqual(len(cursor.fetchall()), 1)
        def test_introspection(self):
            with connection.cursor() as cursor:
                tables = connection.introspection.table_names(cursor)
                self.assertIn("shop_item", tables)
                connection.introspection.get_constraints(cursor, "shop_item")
                connection.introspection.get_table_description(cursor, "shop_item")
                connection.introspection.get_sequences(cursor, "shop_item")
                connection.check_constraints(["shop_item"])
        def test_migrations(self):
            from django.db.migrations.executor import MigrationExecutor
            executor = MigrationExecutor(connection)
            self.assertTrue(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        def test_explain_and_reconnect(self):
            self.assertTrue(Item.objects.all().explain())
            connection.close()
            self.count()
            with connection.copy().cursor() as cursor:
                cursor.execute("SELECT count(*) FROM shop_item")
                self.assertEqual(cursor.fetchone(), (3,))
                cursor.db.close()
        def test_threads(self):
            found = []
            thread = threading.Thread(target=lambda: found.append(Item.objects.count()))
            thread.start()
            thread.join()
            self.assertEqual(found, [3])

    class ReadsAsync(unittest.IsolatedAsyncioTestCase):
        async def test_async(self):
            self.assertEqual(await Item.objects.acount(), 3)
            self.assertEqual([item.n async for item in Item.objects.all()], [0, 0, 0])
            counts = await asyncio.gather(*(Item.objects.acount() for _ in range(3)))
            self.assertEqual(counts, [3, 3, 3])
"""
ROWS = "INSERT INTO shop_item (name, n) VALUES ('one', 0), ('two;', 0), ('three', 0)"


def check_reads(project):
    done = project.probe("--format", "json")
    results = json.loads(done.stdout)["results"]
    assert {r["label"]: r["error"] for r in results if r["outcome"] != "passed"} == {}
    assert len(results) >= 12
    assert done.stderr == ""


@pytest.mark.parametrize(
    "options", [pytest.param("", marks=pytest.mark.once), '"transaction_mode": "IMMEDIATE"']
)
def test_reads_of_every_kind_work_on_sqlite(make_shop, options):
    settings = f"""
        DATABASES["default"]["OPTIONS"] = {{{options}}}
        from django.db.backends.signals import connection_created
        def tune(connection, **kwargs):
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        connection_created.connect(tune, weak=False)
    """
    project = make_shop(READS, settings)
    with opened(project) as database:
        database.execute(ROWS)
    check_reads(project)


@pytest.mark.ends
def test_virtual_tables_of_sqlite_can_be_read(make_shop):
    project = make_shop("""
        class Probe(unittest.TestCase):
            def ask(self, query):
                with connection.cursor() as cursor:
                    cursor.execute(query)
                    return cursor.fetchall()
            def test_read(self):
                self.assertEqual(self.ask("SELECT value FROM json_each('[7]')"), [(7,)])
                self.assertEqual(self.ask("SELECT x FROM words WHERE words MATCH 'hello'"), [("hello",)])
                self.assertEqual(self.ask("SELECT id FROM boxes WHERE a < 5"), [(1,)])
                self.assertEqual(len(self.ask("SELECT * FROM pragma_table_info('shop_item')")), 3)
            def test_write(self):
                self.ask("INSERT INTO words VALUES ('bye')")
            def test_attach(self):
                self.ask("ATTACH 'made.sqlite3' AS made")
            def test_vacuum_into(self):
                self.ask("VACUUM INTO 'made.sqlite3'")
            def test_pragma(self):
                self.ask("PRAGMA query_only = OFF")
            def test_blob(self):
                connection.ensure_connection()
                with connection.connection.blobopen("pictures", "data", 1) as blob:
                    blob.write(b"!")
            def test_script(self):
                connection.ensure_connection()
                connection.connection.executescript("COMMIT; DELETE FROM words")
    """)
    with opened(project) as database:
        database.executescript("""
            CREATE VIRTUAL TABLE words USING fts5(x);
            INSERT INTO words VALUES ('hello');
            CREATE VIRTUAL TABLE boxes USING rtree(id, a, b);
            INSERT INTO boxes VALUES (1, 2, 3);
            CREATE TABLE pictures (data BLOB);
            INSERT INTO pictures VALUES (x'00');
        """)
    before = (project.folder / "db.sqlite3").read_bytes()
    found = outcomes(project.results())
    assert found.pop("test_read") == "passed"
    assert set(found.values()) == {"errored"}
    assert (project.folder / "db.sqlite3").read_bytes() == before
    assert not (project.folder / "made.sqlite3").exists()


@pytest.fixture
def postgres():
    server = Postgres()
    server.execute(TABLE.format(key="serial PRIMARY KEY"))
    yield server
    server.close()


@pytest.fixture
def mariadb():
    server = MariaDB()
    server.execute(TABLE.format(key="integer AUTO_INCREMENT PRIMARY KEY"))
    yield server
    server.close()


@pytest.mark.service
def test_reads_of_every_kind_work_on_postgresql(make_shop, postgres):
    project = make_shop(READS, postgres.settings(options='"options": "-c search_path=public"'))
    postgres.execute(ROWS)
    check_reads(project)


@pytest.mark.once
@pytest.mark.service
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_options_of_a_service_are_kept(make_shop, postgres, tmp_path, driver):
    before = 'import sys\nsys.modules["psycopg"] = None\n' if driver == "psycopg2" else ""
    pytest.importorskip(driver)
    services = tmp_path / "services.conf"
    services.write_text("[shop]\nhost=127.0.0.1\nuser=postgres\noptions=-c statement_timeout=7s\n")
    project = make_shop(
        PLAIN
        + """
        def test_options(self):
            with connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                self.assertEqual(cursor.fetchone(), ("7s",))
        """,
        before
        + f"""
DATABASES["default"] = {{
    "ENGINE": "django.db.backends.postgresql", "NAME": "{postgres.name}",
    "OPTIONS": {{"service": "shop"}},
}}
""",
    )
    assert outcomes(project.results(env={"PGSERVICEFILE": str(services)})) == {
        "test_create": "errored", "test_reads": "passed", "test_options": "passed"
    }  # fmt: skip


@pytest.mark.ends
@pytest.mark.service
def test_reads_of_every_kind_work_on_mariadb(make_shop, mariadb):
    options = """ "init_command": "SET sql_mode='STRICT_TRANS_TABLES'" """
    project = make_shop(READS, mariadb.settings(options=options))
    mariadb.execute(ROWS)
    check_reads(project)


@pytest.mark.once
@pytest.mark.service
def test_the_second_statement_of_a_string_is_told_on_mariadb(make_shop, mariadb):
    several = str(1 << 16)  # CLIENT.MULTI_STATEMENTS, the default of mysqlclient
    project = make_shop(
        """
        class Probe(unittest.TestCase):
            def ask(self, query):
                with connection.cursor() as cursor:
                    cursor.execute(query)
                    return cursor.fetchall()
            def test_reads(self):
                self.assertEqual(self.ask("SELECT 1; SELECT 2"), ((1,),))
            def test_writes(self):
                self.ask("SELECT 1; DELETE FROM shop_item")
        """,
        mariadb.settings(options=f'"client_flag": {several}'),
    )
    mariadb.execute(ROWS)
    results = project.results()
    assert outcomes(results) == {"test_reads": "passed", "test_writes": "errored"}
    error = results["shop.Probe.test_writes"]["error"]
    assert error["message"].startswith("A write was refused on the database 'default': this probe")
    assert mariadb.execute("SELECT count(*) FROM shop_item") == [(3,)]


DRIVERS = {"psycopg": "", "server-side-binding": '"server_side_binding": True', "psycopg2": ""}


@pytest.mark.once
@pytest.mark.service
@pytest.mark.parametrize("driver", DRIVERS)
def test_reads_of_every_kind_work_behind_pgbouncer(make_shop, postgres, tmp_path, driver):
    with pgbouncer(tmp_path) as port:
        settings = postgres.settings(
            port, more='"DISABLE_SERVER_SIDE_CURSORS": True,', options=DRIVERS[driver]
        )
        if driver == "psycopg2":
            pytest.importorskip("psycopg2")
            settings = f'import sys\nsys.modules["psycopg"] = None\n{textwrap.dedent(settings)}'
        # Its own protocol cannot ask the server whether this is one statement.
        source = READS.replace("-- c; d", "") if driver == "psycopg2" else READS
        project = make_shop(source, settings)
        postgres.execute(ROWS)
        check_reads(project)


@pytest.mark.once
@pytest.mark.service
def test_a_pooler_that_drops_the_option_is_noticed(make_shop, postgres, tmp_path):
    with pgbouncer(tmp_path, more="ignore_startup_parameters = options") as port:
        project = make_shop(PLAIN, postgres.settings(port))
        assert outcomes(project.results()) == {"test_create": "errored", "test_reads": "passed"}
    assert postgres.execute("SELECT count(*) FROM shop_item") == [(0,)]


@pytest.mark.once
@pytest.mark.service
def test_server_side_cursors_work_where_the_pooler_keeps_sessions(make_shop, postgres, tmp_path):
    stays = """
        class Session(unittest.TestCase):
            def test_what_is_set_stays(self):
                with connection.cursor() as cursor:
                    cursor.execute("SET statement_timeout = '7s'")
                    cursor.execute("SHOW statement_timeout")
                    self.assertEqual(cursor.fetchone(), ("7s",))
    """
    with pgbouncer(tmp_path, mode="session") as port:
        project = make_shop(
            textwrap.dedent(READS) + textwrap.dedent(stays), postgres.settings(port)
        )
        postgres.execute(ROWS)
        check_reads(project)
