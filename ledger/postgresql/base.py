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
from ledger.postgresql.waiting import Waiting, in_act

_id = lru_cache(maxsize=8192)(UUID)  # the same few organizations, sites and steps stand in nearly every row
_ID = extensions.new_type((2950,), "UUID", lambda text, cursor: None if text is None else _id(text))
_IDS = extensions.new_array_type((2951,), "UUID[]", _ID)


def _quoted(value: UUID) -> extensions.AsIs:
    return extensions.AsIs(f"'{value.int:032x}'::uuid")


extensions.register_adapter(UUID, _quoted)  # as psycopg2's own, at a third of its cost; ids are half of what is sent


class DatabaseWrapper(Waiting, base.DatabaseWrapper):
    prepared: statements.Statements
    writes: statements.Writes

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
            self.catch_up()
            return super().create_cursor(name)
        cursor = super().create_cursor()
        cursor.writes, cursor.unsent = self.writes, self.unsent
        if not self.queries_logged and statements.wanted():  # who looks at statements sees them whole
            cursor.statements, cursor.in_act = self.prepared, in_act()
        return cursor

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> Any:
        result = super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        if not autocommit:
            context.announce(self)
        return result
