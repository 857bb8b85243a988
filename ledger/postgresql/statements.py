"""Statements that the server keeps parsed and planned, so that a row policy is planned once and not with each question.

Planning the walls of a small statement costs several times what answering it does. A connection prepares a statement
that it meets again, and from then on only names it. Which: those marked ``Kept``, the plain inserts and updates of the
ORM, and within an act its reads that find rows by a key. Policies read
their settings anew each time, so that a plan that was made for one organization answers the next one with its own rows
(ADR 39).

A pooler that gives each transaction another server connection loses what was prepared: set CGT_PREPARED_STATEMENTS=0
there. Where it is forgotten, the first lost statement fails its request and switches this off for the process.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from django.conf import settings
from psycopg2 import errors, extensions

logger = logging.getLogger(__name__)

AFTER = 2  # times that a connection meets a statement before it is prepared
MOST = 256  # statements kept by one connection, those used last: each costs the server some 50 kB
_NAME, _VALUE = r'"\w+"', r"(?:%s|NULL|DEFAULT)"
_NAMES, _VALUES = f"{_NAME}(?:, {_NAME})*", rf"VALUES \({_VALUE}(?:, {_VALUE})*\)"
_ARRAY = r'\(%s\)::[\w "()]+\[\]'
_ARRAYS = rf"SELECT \* FROM UNNEST\({_ARRAY}(?:, {_ARRAY})*\)"  # noqa: S608 - a pattern
_SET, _WHERE = f"{_NAME} = {_VALUE}", rf"{_NAME}\.{_NAME} (?:= %s|IN \(%s\))"
_INSERT = rf"INSERT INTO {_NAME} \({_NAMES}\) (?:{_VALUES}|{_ARRAYS})[^%]*"
_UPDATE = rf"UPDATE {_NAME} SET {_SET}(?:, {_SET})* WHERE \(?{_WHERE}(?: AND {_WHERE})*\)?"  # noqa: S608 - a pattern
# As the ORM writes a read that waits for nobody. Whatever is written by hand may take a lock, or change something.
_READS = re.compile(r"(?s)SELECT (?!.*\bFOR (?:NO KEY |KEY )?(?:UPDATE|SHARE)\b)")
_PLAIN = re.compile(f"{_INSERT}|{_UPDATE}")
# A read that finds rows by a key, and whose parameters are only compared with columns: the server knows their types.
_KEY = re.compile(r'"(?:\w+_)?(?:id|code)"\)? (?:= %s|IN \(%s)|= UPPER\(%s\)')
_COMPARED = re.compile(r'"(?:::text)?\)? (?:=|<>|<=|>=|<|>) (?:UPPER\()?%s|" IN \(%s(?:, %s){0,3}\)')


class Kept(str):
    """SQL worth preparing. ``types``: of its parameters, in order; ``unknown`` is what it is compared with."""

    __slots__ = ("types",)
    types: tuple[str, ...]

    def __new__(cls, sql: str, types: Sequence[str] = ()) -> Kept:
        made = super().__new__(cls, sql)
        made.types = tuple(types)
        return made


@lru_cache(maxsize=1024)
def _plain(sql: str) -> bool:
    return _PLAIN.fullmatch(sql) is not None


@lru_cache(maxsize=1024)
def _finds_by_key(sql: str) -> bool:
    return sql.startswith("SELECT ") and bool(_KEY.search(sql)) and "%s" not in _COMPARED.sub("", sql)


@dataclass
class _Switch:
    on: bool = True


_switch = _Switch()
_types: dict[str, tuple[str, ...]] = {}  # of the parameters of each statement, as the server inferred them


class Unsent(list[bytes]):
    """Statements of an act whose answers nobody reads, in order: they go in front of the next one, or of the commit."""

    def take(self) -> bytes:
        """Return them as one text, and let them go."""
        text = b";".join(self)
        self.clear()
        return text


@dataclass
class Writes:
    """How many statements of a connection were no plain reads; while it stands still, an answer stays true.

    Waiting for a lock is no plain read: what others committed meanwhile is to be seen.
    """

    number: int = 0


class Statements:
    """What one connection has prepared."""

    def __init__(self) -> None:
        self._met: dict[str, int] = {}
        self._calls: dict[str, str] = {}
        self._names = count(1)

    def call_of(self, cursor: Cursor, sql: Any) -> str | None:
        """Return what runs ``sql`` as it was prepared, with the same parameters; None: run it as it is."""
        if not isinstance(sql, str):
            return None
        call = self._calls.pop(sql, None)
        if call is not None:
            self._calls[sql] = call  # those used last stand last
            return call
        if not _switch.on or not (isinstance(sql, Kept) or _plain(sql) or (cursor.in_act and _finds_by_key(sql))):
            return None
        met = self._met.pop(sql, 0) + 1
        if met >= AFTER:
            return self._prepare(cursor, sql)
        if len(self._met) < 4 * MOST:
            self._met[sql] = met
        return None

    def _prepare(self, cursor: Cursor, sql: str) -> str:
        if len(self._calls) >= MOST:
            self._forget(cursor)
        name = f"cgt_{next(self._names)}"
        given = f"({', '.join(sql.types)})" if isinstance(sql, Kept) and sql.types else ""
        pieces = sql.replace("%%", "%").split("%s")
        numbered = "".join(f"{piece}${number}" for number, piece in enumerate(pieces[:-1], start=1)) + pieces[-1]
        cursor.send(f"prepare {name}{given} as {numbered}")
        if sql not in _types:
            cursor.send("select parameter_types::text[] from pg_prepared_statements where name = %s", [name])
            _types[str(sql)] = tuple(cursor.fetchone()[0])
        arguments = ", ".join(f"%s::{kind}" for kind in _types[sql])
        call = self._calls[sql] = f"execute {name}({arguments})" if arguments else f"execute {name}"
        return call

    def _forget(self, cursor: Cursor) -> None:
        """Let go the statement that was not used for longest."""
        longest = next(iter(self._calls))
        cursor.send("deallocate " + self._calls.pop(longest).removeprefix("execute ").partition("(")[0])


class Cursor(extensions.cursor):
    """A cursor that runs what its connection has prepared by name, and counts what may have written."""

    statements: Statements | None = None  # None: nothing is prepared
    writes: Writes | None = None
    unsent: Unsent | None = None
    in_act: bool = False

    def send(self, sql: Any, values: Any = None) -> None:
        super().execute(sql, values)

    def catch_up(self) -> None:
        """Send what was left for later."""
        if self.unsent:
            self._run(self.unsent.take(), None)

    def executemany(self, sql: Any, values: Any) -> None:
        self.catch_up()
        if self.writes is not None:
            self.writes.number += 1
        super().executemany(sql, values)

    def copy_expert(self, sql: Any, *args: Any, **options: Any) -> None:
        self.catch_up()
        super().copy_expert(sql, *args, **options)

    def execute(self, sql: Any, values: Any = None) -> None:
        if self.writes is not None and not (isinstance(sql, str) and _READS.match(sql)):
            self.writes.number += 1
        call = self.statements.call_of(self, sql) if self.statements is not None else None
        if self.unsent:
            self.unsent.append(self.mogrify(call or sql, values))
            self.catch_up()
        else:
            self._run(call or sql, values)

    def later(self, sql: Any, values: Any) -> bool:
        """Leave a statement for later when it is prepared, so that it was found right before; return whether it is."""
        call = self.statements.call_of(self, sql) if self.statements is not None and self.in_act else None
        if call is None or self.unsent is None or self.writes is None:
            return False
        self.writes.number += 1
        self.unsent.append(self.mogrify(call, values))
        return True

    def _run(self, sql: Any, values: Any) -> None:
        try:
            super().execute(sql, values)
        except errors.InvalidSqlStatementName:
            _switch.on = False
            logger.error(
                "A prepared statement was lost: the database is reached through a pooler of transactions. Nothing more"
                " is prepared by this process; set CGT_PREPARED_STATEMENTS=0."
            )
            raise


def written_on(connection: Any) -> int:
    """Return how many statements of a connection of this backend were no plain reads."""
    return int(connection.writes.number)


def wanted() -> bool:
    return _switch.on and bool(settings.PREPARED_STATEMENTS)
