"""PostgreSQL backend that tells the database who is acting whenever a transaction opens.

The row policies read transaction-local settings; with none set nothing is visible, so code that forgets to say
who reads sees nothing. No session-level value is ever set: behind transaction pooling only the preparing of
statements must be switched off (``ledger.postgresql.statements``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.backends.postgresql import base
from psycopg2 import extensions

from ledger import context
from ledger.postgresql import statements

_id = lru_cache(maxsize=8192)(UUID)  # the same few organizations, sites and steps stand in nearly every row
_ID = extensions.new_type((2950,), "UUID", lambda text, cursor: None if text is None else _id(text))
_IDS = extensions.new_array_type((2951,), "UUID[]", _ID)


def _quoted(value: UUID) -> extensions.AsIs:
    return extensions.AsIs(f"'{value.int:032x}'::uuid")


extensions.register_adapter(UUID, _quoted)  # as psycopg2's own, at a third of its cost; ids are half of what is sent


class DatabaseWrapper(base.DatabaseWrapper):
    prepared: statements.Statements
    writes: statements.Writes
    unsent: statements.Unsent

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.unsent = statements.Unsent()

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.cursor_factory, self.prepared = statements.Cursor, statements.Statements()
        self.writes = statements.Writes()
        self.unsent.clear()
        for kind in (_ID, _IDS):
            extensions.register_type(kind, connection)
        return connection

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if statements.wanted():
            # What is prepared finds rows by keys: no values of theirs make another plan. Small tables grow, the plans
            # stay, and pages lie in memory or on flash: an index is not four times as dear as reading everything.
            with self.cursor() as cursor:
                cursor.execute("set plan_cache_mode = force_generic_plan; set random_page_cost = 1.1; set jit = off")

    def create_cursor(self, name: str | None = None) -> Any:
        if name is not None:
            self._catch_up()
            return super().create_cursor(name)
        cursor = super().create_cursor()
        cursor.writes, cursor.unsent = self.writes, self.unsent
        if not self.queries_logged and statements.wanted():  # who looks at statements sees them whole
            cursor.statements, cursor.in_act = self.prepared, _in_act()
        return cursor

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> Any:
        result = super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        if not autocommit:
            context.announce(self)
        return result

    def ask(self, sql: str, values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a read, without the way of a cursor that somebody may look at."""
        if not self._unwatched():
            with self.cursor() as cursor:
                cursor.execute(sql, values)
                return list(cursor.fetchall())
        with self.wrap_database_errors, self._own_cursor() as own:
            own.execute(sql, values)
            return list(own.fetchall())

    def change(self, sql: str, values: Any) -> int:
        """Run a write at once; return how many rows it changed."""
        if not self._unwatched():
            with self.cursor() as cursor:
                cursor.execute(sql, values)
                return int(cursor.rowcount)
        with self.wrap_database_errors, self._own_cursor() as own:
            own.execute(sql, values)
            return int(own.rowcount)

    def _unwatched(self) -> bool:
        return self.connection is not None and not self.queries_logged and not self.execute_wrappers

    def _own_cursor(self) -> statements.Cursor:
        self.validate_thread_sharing()
        self.validate_no_broken_transaction()
        own: statements.Cursor = self.create_cursor()
        return own

    def send_later(self, sql: str, values: Any) -> None:
        """Run a statement whose answer nobody reads: within an act in front of the next one, or of the commit.

        What refuses it (a constraint, a policy) is raised there, within the same savepoint. Whoever looks at statements
        one by one sees it run at once.
        """
        if self._may_wait():
            with self.wrap_database_errors, self._own_cursor() as own:
                if own.later(sql, values):
                    return
        self.change(sql, values)

    def _may_wait(self) -> bool:
        return self.in_atomic_block and self._unwatched() and _in_act()

    def _catch_up(self) -> None:
        if self.connection is not None and self.unsent:
            with self.wrap_database_errors, self.create_cursor() as cursor:
                cursor.catch_up()

    def _savepoint(self, sid: str) -> None:
        if self._may_wait():
            self.unsent.append(self._opening(sid))
        else:
            super()._savepoint(sid)  # type: ignore[misc]

    def _savepoint_commit(self, sid: str) -> None:
        if self.unsent and self.unsent[-1] == self._opening(sid):  # nothing has happened since
            self.unsent.pop()
        else:
            super()._savepoint_commit(sid)  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        if self._opening(sid) in self.unsent:  # the server has heard of nothing since
            del self.unsent[self.unsent.index(self._opening(sid)) + 1 :]
        else:
            self.unsent.clear()
            super()._savepoint_rollback(sid)  # type: ignore[misc]

    def _opening(self, sid: str) -> bytes:
        return self.ops.savepoint_create_sql(sid).encode()

    def _commit(self) -> Any:
        self._catch_up()
        return super()._commit()  # type: ignore[misc]

    def _rollback(self) -> Any:
        self.unsent.clear()
        return super()._rollback()  # type: ignore[misc]


def _in_act() -> bool:
    acting = context.current()
    return acting is not None and acting.event_id is not None
