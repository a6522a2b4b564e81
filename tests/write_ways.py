"""Ways to write to a database, and who refuses each: the table in ``docs/safety.md``.

``python tests/write_ways.py`` (``make tables``) tries them all and writes the table.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
for _path in (HERE, HERE.parent):  # As a script; pytest has them already.
    if str(_path) not in sys.path:
        sys.path.append(str(_path))

from databases import MariaDB, Postgres, pgbouncer  # noqa: E402
from zygote import Quick  # noqa: E402

DOCUMENT = HERE.parent / "docs" / "safety.md"
BEGIN, END = "<!-- ways to write: made by `make tables` -->\n", "<!-- end -->\n"

LOCKS = "locks, writes nothing"
UPKEEP = "upkeep, changes no row"

MODELS = """
    from django.db import models

    class Item(models.Model):
        name = models.CharField(max_length=50, unique=True)
        n = models.IntegerField(default=0)
"""
HEAD = """
import io, threading, unittest
from django.db import connection, connections, transaction
from shop.models import Item

def sql(query, params=None):
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall() if cursor.description else None

def raw():
    connection.ensure_connection()
    return connection.connection

def write():
    Item.objects.create(name="new")

INSERT = "INSERT INTO shop_item (name, n) VALUES ('new', 1)"

class Way(unittest.IsolatedAsyncioTestCase):
"""
POSTGRES = """
    CREATE TABLE shop_item
        (id serial PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, n integer NOT NULL);
    CREATE FUNCTION writes() RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO shop_item (name, n) VALUES ('by function', 1); RETURN 1; END $$;
"""
MARIA = (
    "CREATE TABLE shop_item (id integer AUTO_INCREMENT PRIMARY KEY,"
    " name varchar(50) NOT NULL UNIQUE, n integer NOT NULL)",
    "CREATE SEQUENCE numbers",
    "CREATE PROCEDURE writes() INSERT INTO shop_item (name, n) VALUES ('by procedure', 1)",
    "CREATE FUNCTION returns_one() RETURNS integer MODIFIES SQL DATA"
    " BEGIN INSERT INTO shop_item (name, n) VALUES ('by function', 1); RETURN 1; END",
)
LITE = """
    CREATE TABLE shop_item (id integer PRIMARY KEY AUTOINCREMENT,
        name varchar(50) NOT NULL UNIQUE, n integer NOT NULL)
"""
ROWS = "INSERT INTO shop_item (name, n) VALUES ('kept', 1), ('also', 2)"


@dataclass
class Way:
    """One way to write: its code, the same everywhere or by database; None where there is none."""

    name: str
    code: str | None = None
    postgresql: str | None = None
    mariadb: str | None = None
    sqlite: str | None = None
    harmless: dict[str, str] = field(default_factory=dict)
    """Where it is allowed, and why that is no harm."""
    is_async: bool = False

    def on(self, vendor):
        return self.code or getattr(self, vendor)


def query(text, *vendors):
    """Return the code of a query, for some databases or for all."""
    code = f"sql({text!r})"
    return dict.fromkeys(vendors, code) if vendors else {"code": code}


EVERYWHERE = ("postgresql", "mariadb", "sqlite")
COPY = """
with connection.cursor() as cursor:
    if hasattr(cursor.cursor, "copy_expert"):
        cursor.copy_expert("COPY shop_item (name, n) FROM STDIN", io.StringIO("new\\t1\\n"))
    else:
        with cursor.copy("COPY shop_item (name, n) FROM STDIN") as copy:
            copy.write("new\\t1\\n")
"""
THREAD = """
failed = []
def work():
    try:
        write()
    except Exception as exc:
        failed.append(exc)
thread = threading.Thread(target=work)
thread.start()
thread.join()
if failed:
    raise failed[0]
"""
SAVEPOINT = """
with transaction.atomic():
    Item.objects.count()
    with transaction.atomic():
        write()
"""
AFTER_ERROR = """
try:
    sql("SELECT nonsense")
except Exception:
    pass
write()
"""
NO_AUTOCOMMIT = """
transaction.set_autocommit(False)
try:
    write()
    transaction.commit()
finally:
    transaction.rollback()
    transaction.set_autocommit(True)
"""
RAW = """
cursor = raw().cursor()
cursor.execute(INSERT)
raw().commit()
"""
OTHER_CURSOR = {
    "postgresql": """
try:
    import psycopg
except ImportError:
    from psycopg2.extras import RealDictCursor
    cursor = raw().cursor(cursor_factory=RealDictCursor)
else:
    cursor = psycopg.ClientCursor(raw())
cursor.execute(INSERT)
raw().commit()
""",
    "mariadb": """
from pymysql.cursors import DictCursor
raw().cursor(DictCursor).execute(INSERT)
raw().commit()
""",
    "sqlite": """
import sqlite3
sqlite3.Cursor(raw()).execute(INSERT)
raw().commit()
""",
}
DRIVER_S_TRANSACTION = {
    "postgresql": """
try:
    import psycopg
except ImportError:
    raw().autocommit = False
    raw().tpc_begin(raw().xid(1, "way", "probe"))
    raw().cursor().execute(INSERT)
    raw().tpc_commit()
else:
    with raw().pipeline(), raw().transaction():
        raw().execute(INSERT)
""",
    "mariadb": """
sql("XA START 'way'"); sql(INSERT); sql("XA END 'way'"); sql("XA COMMIT 'way' ONE PHASE")
""",
    "sqlite": """
with raw():
    raw().execute("BEGIN IMMEDIATE"); raw().execute(INSERT)
""",
}
EXPLAINED_MANY = """
with connection.cursor() as cursor:
    cursor.executemany("EXPLAIN ANALYZE CREATE TABLE copied AS SELECT %s", [(1,), (2,)])
"""
OWN_HANDLER = """
from django.db.utils import ConnectionHandler
with ConnectionHandler()["default"].cursor() as cursor:
    cursor.execute(INSERT)
"""
OPENED_ANEW = """
connection.connect()
sql("SELECT 1")
connections["default"].close()
connections.create_connection("default").cursor().execute(INSERT)
"""

WAYS = [
    Way("`create()`", "write()"),
    Way("`save()` of what there is", "item = Item.objects.get(name='kept'); item.n = 5; item.save()"),
    Way("`update()`", "Item.objects.update(n=9)"),
    Way("`delete()`", "Item.objects.all().delete()"),
    Way("`bulk_create()`", "Item.objects.bulk_create([Item(name='new'), Item(name='newer')])"),
    Way(
        "`bulk_update()`",
        "items = list(Item.objects.all()); items[0].n = 7; Item.objects.bulk_update(items, ['n'])",
    ),
    Way("`get_or_create()`", "Item.objects.get_or_create(name='new')"),
    Way("`update_or_create()`", "Item.objects.update_or_create(name='kept', defaults={'n': 8})"),
    Way("raw SQL", "sql(INSERT)"),
    Way(
        "`executemany()`",
        "with connection.cursor() as cursor:\n"
        "    cursor.executemany('INSERT INTO shop_item (name, n) VALUES (%s, %s)', [('x', 1), ('y', 2)])",
    ),
    Way(
        "a CTE that writes",
        **query("WITH w AS (INSERT INTO shop_item (name, n) VALUES ('new', 1) RETURNING id) SELECT * FROM w", "postgresql"),
        **query("INSERT INTO shop_item (name, n) WITH w AS (SELECT 'new' AS name) SELECT name, 1 FROM w", "mariadb"),
        **query("WITH w AS (SELECT 'new' AS name) INSERT INTO shop_item (name, n) SELECT name, 1 FROM w", "sqlite"),
    ),
    Way("`SELECT … INTO`", **query("SELECT * INTO copied FROM shop_item", "postgresql")),
    Way("`CREATE TABLE … AS`", **query("CREATE TABLE copied AS SELECT * FROM shop_item")),
    Way(
        "`EXPLAIN ANALYZE DELETE`",
        **query("EXPLAIN ANALYZE DELETE FROM shop_item", "postgresql"),
        **query("ANALYZE DELETE FROM shop_item", "mariadb"),
    ),
    Way(
        "`EXPLAIN ANALYZE CREATE TABLE … AS`",
        **query("EXPLAIN ANALYZE CREATE TABLE copied AS SELECT * FROM shop_item", "postgresql"),
    ),
    Way("the same by `executemany()`", postgresql=EXPLAINED_MANY),
    Way(
        "a function that writes",
        **query("SELECT writes()", "postgresql"),
        **query("SELECT returns_one()", "mariadb"),
    ),
    Way(
        "`nextval`",
        **query("SELECT nextval('shop_item_id_seq')", "postgresql"),
        **query("SELECT NEXTVAL(numbers)", "mariadb"),
    ),
    Way(
        "`setval`",
        **query("SELECT setval('shop_item_id_seq', 99)", "postgresql"),
        **query("SELECT SETVAL(numbers, 99)", "mariadb"),
    ),
    Way(
        "a block of code",
        **query("DO $$ BEGIN DELETE FROM shop_item; COMMIT; END $$", "postgresql"),
        **query("BEGIN NOT ATOMIC DELETE FROM shop_item; COMMIT; END", "mariadb"),
    ),
    Way(
        "a prepared statement",
        postgresql="sql('PREPARE way AS ' + INSERT); sql('EXECUTE way')",
        **query("EXECUTE IMMEDIATE 'DELETE FROM shop_item'", "mariadb"),
    ),
    Way(
        "`GRANT`",
        **query("GRANT ALL ON shop_item TO PUBLIC", "postgresql"),
        **query("GRANT SELECT ON *.* TO root@localhost", "mariadb"),
    ),
    Way("`CREATE TABLE`", **query("CREATE TABLE made (id integer)")),
    Way("`ALTER TABLE`", **query("ALTER TABLE shop_item ADD COLUMN more integer")),
    Way("`DROP TABLE`", **query("DROP TABLE shop_item")),
    Way("`CREATE INDEX`", **query("CREATE INDEX by_n ON shop_item (n)")),
    Way("a temporary table", **query("CREATE TEMPORARY TABLE made (id integer)")),
    Way(
        "`COPY … FROM`, `LOAD DATA`",
        postgresql=COPY,
        **query("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE shop_item (name)", "mariadb"),
    ),
    Way("`TRUNCATE`", **query("TRUNCATE TABLE shop_item", "postgresql", "mariadb")),
    Way(
        "several statements in one string",
        **query("SELECT 1; COMMIT; INSERT INTO shop_item (name, n) VALUES ('new', 1)"),
    ),
    Way(
        "the same by `executescript()`",
        sqlite="raw().executescript('SELECT 1; ' + INSERT)",
    ),
    Way(
        "`COMMIT` first",
        postgresql="sql('COMMIT'); write()",
        mariadb="sql('COMMIT'); write()",
        sqlite="with transaction.atomic():\n    sql('COMMIT'); sql(INSERT)",
    ),
    Way("in `atomic()`", "with transaction.atomic():\n    write()"),
    Way("in `atomic(durable=True)`", "with transaction.atomic(durable=True):\n    write()"),
    Way("in a savepoint", SAVEPOINT),
    Way("after an error of the database", AFTER_ERROR),
    Way("`set_autocommit(False)`", NO_AUTOCOMMIT),
    Way(
        "`callproc()`",
        postgresql="with connection.cursor() as cursor:\n    cursor.callproc('writes')",
        mariadb="with connection.cursor() as cursor:\n    cursor.callproc('writes')",
    ),
    Way("the driver's connection", RAW),
    Way("another kind of the driver's cursors", **OTHER_CURSOR),
    Way("a transaction of the driver's own", **DRIVER_S_TRANSACTION),
    Way("`on_commit()`", "with transaction.atomic():\n    transaction.on_commit(write)"),
    Way("a connection that is opened anew", OPENED_ANEW),
    Way("a `ConnectionHandler` of its own", OWN_HANDLER),
    Way("a thread of the probe", THREAD),
    Way("async ORM", "await Item.objects.acreate(name='new')", is_async=True),
    Way("a copy of the connection", "copy = connection.copy()\nwith copy.cursor() as cursor:\n    cursor.execute(INSERT)"),
    Way(
        "`select_for_update()`",
        "with transaction.atomic():\n    list(Item.objects.select_for_update())",
        harmless={"sqlite": "SQLite has no such locks"},
    ),
    Way(
        "an advisory lock",
        **query("SELECT pg_advisory_xact_lock(4711)", "postgresql"),
        **query("SELECT GET_LOCK('probe', 1)", "mariadb"),
        harmless={"postgresql": LOCKS, "mariadb": LOCKS},
    ),
    Way(
        "`LOCK TABLE`",
        postgresql="with transaction.atomic():\n    sql('LOCK TABLE shop_item')",
        **query("LOCK TABLES shop_item WRITE", "mariadb"),
        harmless={"postgresql": LOCKS},
    ),
    Way(
        "`NOTIFY`",
        **query("NOTIFY way", "postgresql"),
        harmless={"postgresql": "calls who listens, changes no row"},
    ),
    Way(
        "`ANALYZE`",
        **query("ANALYZE shop_item", "postgresql"),
        **query("ANALYZE TABLE shop_item", "mariadb"),
        **query("ANALYZE shop_item", "sqlite"),
        harmless={"postgresql": UPKEEP, "mariadb": UPKEEP},
    ),
    Way("`VACUUM`, `OPTIMIZE TABLE`",
        **query("VACUUM shop_item", "postgresql"),
        **query("OPTIMIZE TABLE shop_item", "mariadb"),
        **query("VACUUM", "sqlite"),
        harmless={"postgresql": UPKEEP},
    ),
    Way("a file made by the database", **query("ATTACH 'made.sqlite3' AS made", "sqlite")),
    Way("a setting of the database file", **query("PRAGMA user_version = 7", "sqlite")),
]  # fmt: skip


class Lite:
    """SQLite, as the servers are."""

    def __init__(self, folder):
        self._file = folder / "shop.sqlite3"
        self.execute(LITE)

    def settings(self, more="", options=""):
        return (
            'DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3",'
            f' "NAME": {str(self._file)!r}, {more}}}\n'
        )

    def execute(self, query):
        with contextlib.closing(sqlite3.connect(self._file)) as database, database:
            return database.execute(query).fetchall()

    def content(self):
        with contextlib.closing(sqlite3.connect(self._file)) as database:
            dump = list(database.iterdump())
        return dump, self.execute("PRAGMA user_version"), sorted(self._file.parent.glob("m*"))

    def close(self):
        pass


class Pg(Postgres):
    """PostgreSQL with what the ways need."""

    def __init__(self, *_):
        super().__init__()
        self.execute(POSTGRES)

    def content(self):
        columns = self.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        indexes = self.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
        rows = self.execute("SELECT * FROM shop_item ORDER BY id")
        return columns, indexes, rows, self.execute("SELECT last_value FROM shop_item_id_seq")


class Maria(MariaDB):
    """MariaDB with what the ways need."""

    def __init__(self, *_):
        super().__init__()
        for statement in MARIA:
            self.execute(statement)

    def content(self):
        columns = self.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            f" WHERE table_schema = '{self.name}' ORDER BY 1, 2"
        )
        indexes = self.execute(
            "SELECT table_name, index_name FROM information_schema.statistics"
            f" WHERE table_schema = '{self.name}' ORDER BY 1, 2"
        )
        rows = self.execute("SELECT * FROM shop_item ORDER BY id")
        return columns, indexes, rows, self.execute("SELECT * FROM numbers")


@dataclass
class Column:
    """One kind of connection to one database."""

    database: str
    kind: str
    vendor: str
    server: type
    more: str = ""
    options: str = ""
    before: str = ""
    pooler: bool = False
    needs: str = ""

    @property
    def name(self):
        return f"{self.database}, {self.kind}"


PSYCOPG2 = 'import sys\nsys.modules["psycopg"] = None\n'
KEPT = '"CONN_MAX_AGE": None,'
KEPT_FOR_EVER = "`CONN_MAX_AGE=None`"
COLUMNS = [
    Column("PostgreSQL", "plain", "postgresql", Pg),
    Column("PostgreSQL", KEPT_FOR_EVER, "postgresql", Pg, KEPT),
    Column("PostgreSQL", "pool", "postgresql", Pg, options='"pool": True', needs="psycopg_pool"),
    Column("PostgreSQL", "psycopg2", "postgresql", Pg, before=PSYCOPG2, needs="psycopg2"),
    Column("PostgreSQL", "PgBouncer", "postgresql", Pg, pooler=True),
    Column("PostgreSQL", "PgBouncer with psycopg2", "postgresql", Pg, before=PSYCOPG2, pooler=True, needs="psycopg2"),
    Column("MariaDB", "plain", "mariadb", Maria, options='"local_infile": True'),
    Column("MariaDB", KEPT_FOR_EVER, "mariadb", Maria, KEPT, '"local_infile": True'),
    Column("SQLite", "plain", "sqlite", Lite),
    Column("SQLite", KEPT_FOR_EVER, "sqlite", Lite, KEPT),
]  # fmt: skip


def tried(column, folder):
    """Return who refuses each way on one kind of connection; nothing has changed after it.

    Raises:
        AssertionError: a way is not refused, or something was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        server = column.server(folder)
        stack.callback(server.close)
        server.execute(ROWS)
        more, port = column.more, {}
        if column.pooler:
            port["port"] = stack.enter_context(pgbouncer(folder))
            more += '"DISABLE_SERVER_SIDE_CURSORS": True,'
        settings = textwrap.dedent(server.settings(**port, more=more, options=column.options))
        before = server.content()
        results = _run(column, folder, column.before + settings)
        assert server.content() == before, f"{column.name}: something was written"
    return [_cell(way, column, results) for way in WAYS]


def _run(column, folder, settings):
    probes = HEAD
    for number, way in enumerate(WAYS):
        code = way.on(column.vendor)
        if code is not None:
            kind = "async def" if way.is_async else "def"
            probes += f"    {kind} test_{number:02}(self):\n{textwrap.indent(code, ' ' * 8)}\n"
    files = {"shop/models.py": MODELS, "shop/probes.py": probes}
    project = Quick.make(folder / "project", files, settings)
    done = project.probe("--format", "json", timeout=110)
    assert done.stdout, done.stderr
    results = json.loads(done.stdout)["results"]
    return {int(result["label"].rpartition("_")[2]): result for result in results}


def _cell(way, column, results):
    number = WAYS.index(way)
    if number not in results:
        return "–"
    result = results[number]
    where = f"{way.name} on {column.name}"
    if result["outcome"] == "passed":
        assert column.vendor in way.harmless, f"{where} was not refused"
        return f"allowed: {way.harmless[column.vendor]}"
    assert result["outcome"] == "errored", (where, result)
    message = result["error"]["message"]
    if "the write guard refuses it" in message:
        return "guard"
    if "may only read" in message:
        return "database"
    told = ("execute one statement at a time", "error in your SQL syntax")
    assert any(text in message for text in told), (where, message)
    return "driver"


def table(found):
    """Return the table, from (column, cells) pairs; connections that are alike share a column."""
    alike = {}
    for column, cells in found:
        alike.setdefault((column.database, *cells), []).append(column.kind)
    names = [f"{database}:<br>{', '.join(kinds)}" for (database, *_), kinds in alike.items()]
    lines = [f"| way to write | {' | '.join(names)} |", "|---" * (len(alike) + 1) + "|"]
    for way, *cells in zip([way.name for way in WAYS], *[key[1:] for key in alike], strict=True):
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def documented():
    """Return {name of a column: {way: cell}}, as the document has them."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    found = {}
    for number, head in enumerate(rows[0][1:], start=1):
        database, _, kinds = head.partition(":<br>")
        cells = {row[0]: row[number] for row in rows[2:]}
        found.update({f"{database}, {kind}": cells for kind in kinds.split(", ")})
    return found


def main():
    """Try all ways on all connections, and write the table into the document."""
    with tempfile.TemporaryDirectory() as temporary:
        found = []
        for number, column in enumerate(COLUMNS):
            print(column.name, file=sys.stderr)
            found.append((column, tried(column, Path(temporary) / str(number))))
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n{table(found)}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
