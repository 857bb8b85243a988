"""Fixtures: the auditor's connection, and an intruder who owns the tables and puts back what was tampered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
import pytest
from django.db import connections

from ledger.faults import Fault
from ledger.verification import Verification


@pytest.fixture
def auditor(committed_db: None, auditor_url: str) -> Iterator[str]:
    """The alias of a connection as the auditor role."""
    parts = urlsplit(auditor_url)
    name = {"USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or "")}
    connections.settings["auditor"] = {**connections.settings["default"], **name}
    yield "auditor"
    connections["auditor"].close()
    del connections["auditor"]
    del connections.settings["auditor"]


@pytest.fixture
def find(auditor: str) -> Callable[..., list[Fault]]:
    """Verify (one stream, or everything) and return the faults."""

    def run(stream_id: Any = None, **options: Any) -> list[Fault]:
        return list(Verification(using=auditor, stream_id=stream_id, **options).faults())

    return run


class Intruder:
    """Somebody with the owner's rights: switches walls and triggers off, changes what they like, switches them on."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)

    @contextmanager
    def tampering(self, table: str, where: str, statement: str, *values: Any) -> Iterator[None]:
        """Run ``statement`` on ``table``; afterwards put the rows that ``where`` names back as they were."""
        self._unguarded(
            table,
            ("drop table if exists kept", ()),
            (f"create temp table kept as select * from {table} where {where}", ()),
            (statement, values),
        )
        try:
            yield
        finally:
            self._unguarded(
                table, (f"delete from {table} where {where}", ()), (f"insert into {table} select * from kept", ())
            )

    @contextmanager
    def also(self, table: str) -> Iterator[None]:
        """Leave another table unguarded meanwhile: one statement may reach into it."""
        self._run(f"alter table {table} no force row level security; alter table {table} disable trigger user")
        try:
            yield
        finally:
            self._run(f"alter table {table} force row level security; alter table {table} enable trigger user")

    def restore_head(self, stream_id: str, seq: int, of_event: str) -> None:
        self._unguarded(
            "ledger_stream",
            ("update ledger_stream set head_seq = %s, head_hash = %s where id = %s", (seq, of_event, stream_id)),
        )

    def forget(self, table: str, where: str) -> None:
        self._unguarded(table, (f"delete from {table} where {where}", ()))

    def _run(self, statement: str) -> None:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(statement)

    def _unguarded(self, table: str, *statements: tuple[str, Any]) -> None:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(f"alter table {table} no force row level security; alter table {table} disable trigger user")
            for statement, values in statements:
                cursor.execute(statement, values)
            cursor.execute("set constraints all immediate")
            cursor.execute(f"alter table {table} force row level security; alter table {table} enable trigger user")


@pytest.fixture
def intruder(committed_db: None, owner_url: str) -> Iterator[Intruder]:
    found = Intruder(owner_url)
    yield found
    found.connection.close()
