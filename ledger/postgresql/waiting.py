"""What an act need not wait for goes with its next statement, or with the commit (ADR 40)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import context
from ledger.postgresql import statements

Base: Any = object
if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper as Base


class Waiting(Base):
    """A connection whose statements may wait. All go in the order in which they were given."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.unsent = statements.Unsent()

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
        return self.in_atomic_block and self._unwatched() and in_act()

    def catch_up(self) -> None:
        if self.connection is not None and self.unsent:
            with self.wrap_database_errors, self.create_cursor() as cursor:
                cursor.catch_up()

    def _savepoint(self, sid: str) -> None:
        if self._may_wait():
            self.unsent.append(self._opening(sid))
        else:
            super()._savepoint(sid)

    def _savepoint_commit(self, sid: str) -> None:
        if self.unsent and self.unsent[-1] == self._opening(sid):  # nothing has happened since
            self.unsent.pop()
        elif not self.unsent and self._may_wait():  # whatever could be refused was answered
            self.unsent.append(self.ops.savepoint_commit_sql(sid).encode())
        else:
            super()._savepoint_commit(sid)

    def _savepoint_rollback(self, sid: str) -> None:
        context.forget_what_was_read()
        if self._opening(sid) in self.unsent:  # the server has heard of nothing since
            del self.unsent[self.unsent.index(self._opening(sid)) + 1 :]
        else:
            self.unsent.clear()
            super()._savepoint_rollback(sid)

    def _opening(self, sid: str) -> bytes:
        return self.ops.savepoint_create_sql(sid).encode()

    def _commit(self) -> Any:
        self.catch_up()
        return super()._commit()

    def _rollback(self) -> Any:
        self.unsent.clear()
        return super()._rollback()


def in_act() -> bool:
    acting = context.current()
    return acting is not None and acting.event_id is not None
