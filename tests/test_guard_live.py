"""The guard under fire: web requests that write meanwhile, and statements that nobody thought of."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import textwrap
import threading
from pathlib import Path

import pytest
from databases import pgbouncer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import Project
from write_ways import MODELS, ROWS, Lite, Maria, Pg

pytestmark = pytest.mark.once

# The web goes on.

CLIENTS = 50

SERVER = """
    import os, socketserver, sys
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    from django.core.wsgi import get_wsgi_application

    class Server(socketserver.ThreadingMixIn, WSGIServer):
        daemon_threads = True
        request_queue_size = 128

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    print(server.server_port, flush=True)
    server.serve_forever()
"""
URLS = """
    import uuid
    from django.db import transaction
    from django.http import HttpResponse
    from django.urls import path
    from shop.models import Item

    def order(request):
        with transaction.atomic():
            item = Item.objects.create(name=f"order {uuid.uuid4()}")
        Item.objects.filter(pk=item.pk).update(n=1)
        return HttpResponse(str(item.pk))

    urlpatterns = [path("order", order)]
"""
WEB = """
    ROOT_URLCONF = "urls"
    ALLOWED_HOSTS = ["*"]
"""
PROBES = """
    import unittest
    from django.db import DatabaseError, transaction
    from shop.models import Item

    class Probe(unittest.TestCase):
        def reads(self):
            for _ in range(8):
                Item.objects.count()
                with transaction.atomic():
                    list(Item.objects.all()[:5])
        test_reads_1 = test_reads_2 = test_reads_3 = test_reads_4 = reads

        def writes(self):
            for number in range(8):
                try:
                    Item.objects.create(name=f"probe {self._testMethodName} {number}")
                except DatabaseError:
                    pass
                try:
                    with transaction.atomic():
                        Item.objects.update(n=99)
                except DatabaseError:
                    pass
        test_writes_1 = test_writes_2 = test_writes_3 = test_writes_4 = writes
"""


class Visitors:
    """Clients that order, each as fast as it is served, until they are told to stop."""

    def __init__(self, port):
        self.answers = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=[port]) for _ in range(CLIENTS)]
        self.all_served = threading.Event()

    def _visit(self, port):
        while not self._over.is_set():
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            client.request("POST", "/order")
            self.answers.append(client.getresponse().status)
            client.close()
            if len(self.answers) > 2 * CLIENTS:
                self.all_served.set()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def shop(project):
    """Serve a project; yield the port."""
    server = subprocess.Popen(
        [os.sys.executable, "serve.py"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.mark.service
@pytest.mark.parametrize(("way", "executor"), [("direct", "processes"), ("pgbouncer", "threads")])
def test_50_threads_of_requests_write_while_probes_only_read(tmp_path, way, executor):
    with contextlib.ExitStack() as stack:
        server = Pg()
        stack.callback(server.close)
        port = stack.enter_context(pgbouncer(tmp_path)) if way == "pgbouncer" else 5432
        more = '"DISABLE_SERVER_SIDE_CURSORS": True,'
        project = Project.make(
            tmp_path / "project",
            {
                "shop/models.py": MODELS,
                "shop/probes.py": PROBES,
                "serve.py": SERVER,
                "urls.py": URLS,
            },
            textwrap.dedent(server.settings(port, more)) + textwrap.dedent(WEB),
        )
        with Visitors(stack.enter_context(shop(project))) as visitors:
            assert visitors.all_served.wait(60)
            served = len(visitors.answers)
            done = project.probe("--format", "json", "--parallel", "4", "--executor", executor)
            assert len(visitors.answers) > served
        outcomes = {r["label"]: r["outcome"] for r in json.loads(done.stdout)["results"]}
        assert outcomes == {
            f"shop.Probe.test_{kind}_{number}": outcome
            for kind, outcome in (("reads", "passed"), ("writes", "errored"))
            for number in range(1, 5)
        }
        assert set(visitors.answers) == {200}
        rows = server.execute(
            "SELECT name LIKE 'order %', n, count(*) FROM shop_item GROUP BY 1, 2"
        )
        assert rows == [(True, 1, len(visitors.answers))]


# Statements that nobody thought of.

FUZZ = """
    import json, os, socket, unittest
    from django.db import connection, transaction

    def by_raw(sql):
        connection.ensure_connection()
        cursor = connection.connection.cursor()
        cursor.execute(sql)

    def plain(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)

    def atomic(sql):
        with transaction.atomic():
            plain("SELECT 1")
            plain(sql)

    def many(sql):
        with connection.cursor() as cursor:
            cursor.executemany(sql, [(), ()])

    def autocommit_off(sql):
        transaction.set_autocommit(False)
        try:
            plain(sql)
            transaction.commit()
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)

    def script(sql):
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            connection.connection.executescript(sql)
        else:
            by_raw(sql)

    class Fuzz(unittest.TestCase):
        def test_fuzz(self):
            with socket.create_connection(("127.0.0.1", int(os.environ["FUZZ_PORT"]))) as line:
                stream = line.makefile("rw", encoding="utf-8", newline="\\n")
                for text in stream:
                    for way, sql in json.loads(text):
                        try:
                            globals()[way](sql)
                        except Exception:
                            pass
                        try:
                            connection.rollback() if connection.in_atomic_block else None
                            if connection.connection is not None and not connection.is_usable():
                                connection.close()
                        except Exception:
                            connection.close()
                    connection.close()
                    stream.write("done\\n")
                    stream.flush()
"""

NUMBERS = st.integers(-3, 99).map(str)
NAMES = st.sampled_from(["shop_item", '"shop_item"', "shop_item AS s", "made", "sqlite_master"])
VALUES = st.one_of(
    NUMBERS, st.sampled_from(["'x'", "'a;b'", "'\\'", "NULL", "'it''s'", "random()"])
)
COMMENTS = st.sampled_from(["", " ", "\n", "/* ; */", "-- it's; \n", "/* ' */", "--;\n", "\t"])
VERBS = st.sampled_from(
    [
        "INSERT INTO shop_item (name, n) VALUES ({v}, {n})",
        "INSERT INTO {t} DEFAULT VALUES",
        "INSERT INTO shop_item (name, n) SELECT name || {v}, {n} FROM shop_item",
        "INSERT INTO shop_item (id, name, n) VALUES (1, {v}, {n}) ON CONFLICT (id) DO UPDATE SET n = {n}",
        "REPLACE INTO shop_item (id, name, n) VALUES (1, {v}, {n})",
        "UPDATE shop_item SET n = {n}",
        "UPDATE {t} SET name = {v} WHERE n < {n} RETURNING *",
        "DELETE FROM {t}",
        "DELETE FROM shop_item WHERE n <> {n}",
        "WITH w AS (DELETE FROM shop_item RETURNING *) SELECT * FROM w",
        "WITH w AS (SELECT {n} AS n) INSERT INTO shop_item (name, n) SELECT {v}, n FROM w",
        "MERGE INTO shop_item USING (SELECT {n} AS k) AS x ON id = k WHEN MATCHED THEN DELETE",
        "TRUNCATE shop_item RESTART IDENTITY",
        "TRUNCATE TABLE {t} CASCADE",
        "CREATE TABLE made{n} (id integer)",
        "CREATE TEMP TABLE made (id integer)",
        "CREATE TABLE made AS SELECT * FROM shop_item",
        "SELECT * INTO made FROM shop_item",
        "CREATE INDEX by{n} ON shop_item (n)",
        "CREATE VIEW seen AS SELECT * FROM shop_item",
        "CREATE VIRTUAL TABLE found USING fts5(x)",
        "CREATE TRIGGER t AFTER INSERT ON shop_item BEGIN DELETE FROM shop_item; END",
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT {n}; DELETE FROM shop_item; SELECT 1'",
        "DO $$ BEGIN DELETE FROM shop_item; COMMIT; END $$",
        "DO $x$ BEGIN EXECUTE 'UPDATE shop_item SET n = {n}'; END $x$",
        "SELECT writes()",
        "SELECT writes(), {v} FROM shop_item",
        "CALL writes()",
        "SELECT nextval('shop_item_id_seq')",
        "SELECT setval('shop_item_id_seq', {n}, false)",
        "ALTER TABLE shop_item ADD COLUMN c{n} integer",
        "ALTER TABLE shop_item RENAME TO sold",
        "DROP TABLE {t}",
        "DROP INDEX IF EXISTS by{n}",
        "COMMENT ON TABLE shop_item IS {v}",
        "GRANT ALL ON shop_item TO PUBLIC",
        "COPY shop_item (name) FROM PROGRAM 'echo x'",
        "LOCK TABLE shop_item IN EXCLUSIVE MODE",
        "SELECT * FROM shop_item FOR UPDATE",
        "PREPARE p AS DELETE FROM shop_item",
        "EXECUTE p",
        "DECLARE c CURSOR WITH HOLD FOR SELECT writes()",
        "ATTACH 'made.sqlite3' AS made",
        "VACUUM INTO 'made.sqlite3'",
        "VACUUM",
        "REINDEX",
        "PRAGMA query_only = OFF",
        "PRAGMA query_only(0)",
        "PRAGMA main.journal_mode = WAL",
        "PRAGMA user_version = {n}",
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA incremental_vacuum",
        "SELECT load_extension('x')",
        "SELECT writefile('made', 'x')",
        "RENAME TABLE shop_item TO sold",
        "EXECUTE IMMEDIATE 'DELETE FROM shop_item'",
        "BEGIN NOT ATOMIC DELETE FROM shop_item; COMMIT; END",
        "SET STATEMENT max_statement_time = 5 FOR DELETE FROM shop_item",
        "SELECT returns_one()",
        "SELECT NEXTVAL(numbers)",
        "HANDLER shop_item OPEN",
        "DELETE s FROM shop_item AS s JOIN shop_item AS t ON s.id = t.id",
    ]
)
HARMLESS = st.sampled_from(
    [
        "SELECT {n}", "SELECT {v} FROM {t}", "COMMIT", "ROLLBACK", "BEGIN", "END", "ABORT", "SAVEPOINT a",
        "RELEASE a", "ROLLBACK TO a", "COMMIT AND CHAIN", "BEGIN IMMEDIATE", "START TRANSACTION",
        "DISCARD ALL", "RESET ALL", "SET search_path = public", "SET LOCAL work_mem = '1MB'",
        "DEALLOCATE ALL", "CLOSE ALL", "SHOW ALL", "VALUES ({n})", "TABLE shop_item", "", "EXPLAIN SELECT 1",
    ]
)  # fmt: skip


def filled(template, table, value, number):
    return template.format(t=table, v=value, n=number)


WRITES = st.builds(filled, VERBS, NAMES, VALUES, NUMBERS)
PARTS = st.one_of(WRITES, st.builds(filled, HARMLESS, NAMES, VALUES, NUMBERS))


@st.composite
def statements(draw):
    """Return (how it is run, the text): a write, dressed up, with others around it, or garbled."""
    text = draw(WRITES)
    prefix = draw(
        st.sampled_from(["", "", "", "EXPLAIN ", "EXPLAIN ANALYZE ", "EXPLAIN (ANALYZE, BUFFERS) "])
    )
    text = f"{draw(COMMENTS)}{prefix}{draw(COMMENTS)}{text}{draw(COMMENTS)}"
    if draw(st.booleans()):
        parts = [*draw(st.lists(PARTS, max_size=3)), text, *draw(st.lists(PARTS, max_size=2))]
        text = draw(st.sampled_from([";", "; ", " ;\n", ";;"])).join(parts)
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.text(max_size=3)) + text[place:]
    ways = ["plain", "atomic", "by_raw", "many", "autocommit_off", "script"]
    return draw(st.sampled_from(ways)), draw(st.sampled_from([str, str.lower]))(text)


STATEMENTS = 1000


def fuzz(project, content, together=25):
    """Let a probe run 1,000 statements that hypothesis makes up; nothing changes.

    Args:
        together: statements after which the content is looked at.
    """
    before = content()
    ran = 0
    with socket.create_server(("127.0.0.1", 0)) as door, contextlib.ExitStack() as stack:
        door.settimeout(60)
        port = str(door.getsockname()[1])
        child = project.popen(
            "probe", "--timeout", "600", env={"FUZZ_PORT": port},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        stack.callback(child.communicate)
        stack.callback(child.kill)
        line = stack.enter_context(door.accept()[0])
        line.settimeout(60)
        stream = stack.enter_context(line.makefile("rw", encoding="utf-8", newline="\n"))

        @settings(
            max_examples=STATEMENTS // together, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.lists(statements(), min_size=together, max_size=together))
        @example([("plain", "SELECT '\\'; COMMIT; DELETE FROM shop_item; --'")])
        @example([("by_raw", "SELECT 1 -- it's\n; COMMIT; DELETE FROM shop_item; SELECT 'x'")])
        def run(made):
            nonlocal ran
            stream.write(json.dumps(made) + "\n")
            stream.flush()
            assert stream.readline() == "done\n"
            ran += len(made)
            assert content() == before, made

        run()
    assert ran >= STATEMENTS


def make_fuzz(folder, settings):
    files = {"shop/models.py": MODELS, "shop/probes.py": FUZZ}
    return Project.make(folder / "project", files, textwrap.dedent(settings))


def test_1000_statements_change_nothing_on_sqlite(tmp_path):
    server = Lite(tmp_path)
    server.execute(ROWS)
    file = Path(server._file)
    project = make_fuzz(tmp_path, server.settings())

    def content():
        made = [*tmp_path.glob("*"), *project.folder.glob("*")]
        return file.read_bytes(), sorted(str(p) for p in made if not p.name.endswith("-journal"))

    fuzz(project, content)


@pytest.mark.service
@pytest.mark.parametrize("way", ["direct", "pgbouncer"])
def test_1000_statements_change_nothing_on_postgresql(tmp_path, way):
    with contextlib.ExitStack() as stack:
        server = Pg()
        stack.callback(server.close)
        server.execute(ROWS)
        port = stack.enter_context(pgbouncer(tmp_path)) if way == "pgbouncer" else 5432
        fuzz(make_fuzz(tmp_path, server.settings(port)), server.content)


@pytest.mark.service
def test_1000_statements_change_nothing_on_mariadb(tmp_path):
    with contextlib.ExitStack() as stack:
        server = Maria()
        stack.callback(server.close)
        server.execute(ROWS)
        several = '"client_flag": 65536'  # CLIENT.MULTI_STATEMENTS
        fuzz(make_fuzz(tmp_path, server.settings(options=several)), server.content, together=100)
