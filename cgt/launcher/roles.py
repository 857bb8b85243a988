"""Database roles and databases: who owns, who works at run time, who relays, who audits.

`cgt_owner` owns the database and migrates; `cgt_app` and `cgt_relay` own nothing and pass no row wall; `cgt_auditor`
reads everything and writes nothing. None is a superuser. The same statements serve the embedded server and a given one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg2
from psycopg2 import sql

from cgt.launcher.messages import LauncherError

DEMO_MARK = "cgt-demo"
BENCHMARK_MARK = "cgt-benchmark"
DEMO_DATABASE = "cgt_demo"
EXTENSIONS = ("btree_gist", "pg_trgm", "citext")
ATTRIBUTES = {
    "owner": "LOGIN CREATEDB NOCREATEROLE",
    "app": "LOGIN NOCREATEDB NOCREATEROLE",
    "relay": "LOGIN NOCREATEDB NOCREATEROLE",
    "auditor": "LOGIN NOCREATEDB NOCREATEROLE BYPASSRLS",
}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server and the passwords of our roles on it. `options` are libpq parameters such as sslmode."""

    host: str
    port: int
    passwords: Mapping[str, str]
    options: Mapping[str, str]

    def url(self, role: str, database: str = DEMO_DATABASE) -> str:
        """`postgresql://…` of one of our roles (owner, app, relay, auditor)."""
        query = "&".join(f"{name}={quote(value)}" for name, value in self.options.items())
        password = quote(self.passwords[role], safe="")
        return f"postgresql://cgt_{role}:{password}@{self.host}:{self.port}/{database}" + (f"?{query}" if query else "")


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A cursor on an autocommitting connection."""
    connection = psycopg2.connect(url, connect_timeout=10)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def parse(url: str) -> tuple[str, int, dict[str, str]]:
    """(host, port, libpq options) of a database address."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as error:
        raise LauncherError(f"DATABASE_URL cannot be read: {error}.", code=2) from error
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname:
        raise LauncherError("DATABASE_URL must look like postgresql://user:password@host:5432/postgres", code=2)
    return unquote(parts.hostname), port, {name: values[-1] for name, values in parse_qs(parts.query).items()}


def make_roles(admin_url: str, server: Server, *, may_change: bool) -> None:
    """Create the four roles; `may_change` also resets those that exist (true only for our own embedded server)."""
    with connected(admin_url) as cursor:
        cursor.execute("select rolname from pg_roles where rolname like 'cgt\\_%'")
        known = {row[0] for row in cursor.fetchall()}
        for role, attributes in ATTRIBUTES.items():
            if f"cgt_{role}" in known and not may_change:
                continue
            verb = "ALTER" if f"cgt_{role}" in known else "CREATE"
            cursor.execute(
                sql.SQL(f"{verb} ROLE {{}} {attributes} PASSWORD {{}}").format(
                    sql.Identifier(f"cgt_{role}"), sql.Literal(server.passwords[role])
                )
            )


def make_database(server: Server, name: str, mark: str, template: str | None = None) -> None:
    """Create a database owned by `cgt_owner`, with extensions, rights and its mark; connects as that owner only."""
    with connected(server.url("owner", "postgres")) as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", [name])
        if cursor.fetchone():
            return
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        cursor.execute(statement)
    with connected(server.url("owner", name)) as cursor:
        if not template:
            grant_rights(cursor)
        database = sql.Identifier(name)
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO cgt_app, cgt_relay, cgt_auditor").format(database))
        cursor.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(mark)))


def grant_rights(cursor: Any) -> None:
    """Extensions, schema rights and default rights on what the owner will make; append-only tables revoke later."""
    for extension in EXTENSIONS:
        cursor.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    cursor.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    cursor.execute("GRANT USAGE ON SCHEMA public TO cgt_app, cgt_relay, cgt_auditor")
    default = "ALTER DEFAULT PRIVILEGES FOR ROLE cgt_owner IN SCHEMA public "
    cursor.execute(default + "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cgt_app, cgt_relay")
    cursor.execute(default + "GRANT SELECT ON TABLES TO cgt_auditor")
    cursor.execute(default + "GRANT USAGE, SELECT ON SEQUENCES TO cgt_app, cgt_relay")


@contextmanager
def unhurried(server: Server, database: str) -> Iterator[None]:
    """Let commits not wait for the disk while a database is filled: what a crash took would be filled in again."""
    with connected(server.url("owner", "postgres")) as cursor:
        alter = sql.SQL("ALTER DATABASE {} ").format(sql.Identifier(database))
        cursor.execute(alter + sql.SQL("SET synchronous_commit = off"))
        try:
            yield
        finally:
            cursor.execute(alter + sql.SQL("RESET synchronous_commit"))


def drop_database(server: Server, name: str) -> None:
    """Drop one of our databases; one that is still in use stays."""
    with connected(server.url("owner", "postgres")) as cursor:
        try:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        except psycopg2.errors.ObjectInUse:
            return


def mark_of(server: Server, name: str) -> str | None:
    """The mark of a database, None when there is none."""
    with connected(server.url("owner", "postgres")) as cursor:
        cursor.execute("select shobj_description(oid, 'pg_database') from pg_database where datname = %s", [name])
        row = cursor.fetchone()
    return row[0] if row else None
