"""The roles that can only read: the SQL of ``docs/safety.md``, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from databases import MariaDB, Postgres

pytestmark = [pytest.mark.once, pytest.mark.service]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "safety.md"


def documented(title: str, **names: str) -> list[str]:
    """Return the statements below a line of the document, with names of the test's own."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"\n{title}:\n\n```sql\n")[2]
    block = text.partition("```")[0]
    for name, own in {**names, "…": "made-for-a-test"}.items():
        block = re.sub(rf"(?<!\w){name}(?!\w)", own, block)
    return [line for line in block.split(";\n") if line.strip()]


def test_the_role_on_postgresql_can_read_what_there_is_and_will_be_and_write_nothing():
    psycopg = pytest.importorskip("psycopg")
    server = Postgres()
    owner, role = f"{server.name}_owner", f"{server.name}_probe"
    where = f"host=127.0.0.1 dbname={server.name} user="
    try:
        server.execute(f"CREATE ROLE {owner} LOGIN")
        server.execute(f"GRANT CREATE ON SCHEMA public TO {owner}")
        server.execute(f"SET ROLE {owner}")
        server.execute("CREATE TABLE orders (id serial PRIMARY KEY)")
        server.execute("RESET ROLE")
        for statement in documented("PostgreSQL", probe=role):
            # The document calls both the database and the role that owns its tables "shop".
            by_place = re.sub(r"\bDATABASE shop\b", f"DATABASE {server.name}", statement)
            server.execute(re.sub(r"\bshop\b", owner, by_place))
        with psycopg.connect(where + owner, autocommit=True) as own:
            own.execute("CREATE TABLE parcels (id serial PRIMARY KEY)")
        with psycopg.connect(where + role, autocommit=True) as probe:
            for table in ("orders", "parcels"):
                assert probe.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
            probe.execute("SET default_transaction_read_only = off")
            for refused in (
                "INSERT INTO orders DEFAULT VALUES",
                "DELETE FROM parcels",
                "TRUNCATE orders",
                "SELECT nextval('orders_id_seq')",
                "CREATE TABLE made (id integer)",
                "CREATE TEMPORARY TABLE made (id integer)",
                "SELECT * FROM orders FOR UPDATE",
                "DO $$ BEGIN LOCK TABLE orders; END $$",
                "COPY orders TO '/dev/null'",
                "ALTER SYSTEM SET work_mem = '4MB'",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    probe.execute(refused)
    finally:
        name = server.name
        server.execute(f"DROP OWNED BY {owner} CASCADE")
        server.close()
        _drop_roles(psycopg, owner, role, name)


def _drop_roles(psycopg, *names):
    with psycopg.connect("host=127.0.0.1 user=postgres dbname=postgres", autocommit=True) as server:
        for name in names:
            server.execute(f"DROP ROLE IF EXISTS {name}")


def test_the_role_on_mariadb_can_read_and_write_nothing():
    pymysql = pytest.importorskip("pymysql")
    server = MariaDB()
    role = server.name.replace("test", "role")
    try:
        server.execute("CREATE TABLE orders (id integer)")
        for statement in documented("MariaDB and MySQL", probe=role, shop=server.name):
            server.execute(statement)
        probe = pymysql.connect(
            host="127.0.0.1", user=role, password="made-for-a-test", database=server.name,
            autocommit=True,
        )  # fmt: skip
        with probe, probe.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM orders")
            assert cursor.fetchall() == ((0,),)
            for refused in (
                "INSERT INTO orders VALUES (1)",
                "DELETE FROM orders",
                "CREATE TABLE made (id integer)",
                "SELECT * FROM orders INTO OUTFILE '/tmp/made-by-a-probe'",
                "SET GLOBAL max_connections = 100",
                "LOCK TABLES orders WRITE",
            ):
                with pytest.raises(pymysql.err.MySQLError, match="denied"):
                    cursor.execute(refused)
    finally:
        server.execute(f"DROP USER IF EXISTS '{role}'@'%'")
        server.close()
