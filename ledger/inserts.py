"""Rows inserted without putting the same SQL together again each time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from ledger.postgresql.columns import bare_type, is_plain, place, quoted, target
from ledger.postgresql.statements import Kept

VALUES = {type(None), UUID, str, int, bool, dt.datetime, dt.date, list}  # known to be no expression, at a glance
Value = Callable[[models.Model], Any]


@dataclass(frozen=True)
class Meeting:
    """What becomes of a row that meets another by ``unique`` fields (none: any): it is left out, or ``renews`` it."""

    unique: tuple[str, ...] = ()
    renews: tuple[str, ...] = ()


def insert(rows: Sequence[models.Model], meeting: Meeting | None = None) -> None:
    """Insert rows of one model, each with its key, in one statement; within an act it goes with the next one.

    What refuses a row (also one that meets another, unless ``meeting`` says what then) is raised at the latest where
    the savepoint or the transaction ends. No signals.
    """
    if not rows:
        return
    plan = _insert_plan(type(rows[0]), meeting)
    cells = [[value(row) for value in plan.values] for row in rows]
    if any(map(_is_computed, cells)) or (len(rows) > 1 and plan.many is None):
        _insert_by_orm(rows, meeting)
        return
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    if len(rows) == 1:
        wrapper.send_later(plan.one, cells[0])
    else:
        wrapper.send_later(plan.many, [list(column) for column in zip(*cells, strict=True)])
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _insert_by_orm(rows: Sequence[models.Model], meeting: Meeting | None) -> None:
    options: dict[str, Any] = {}
    if meeting is not None and meeting.renews:
        options = {"update_conflicts": True, "unique_fields": meeting.unique, "update_fields": meeting.renews}
    elif meeting is not None:
        options = {"ignore_conflicts": True}
    type(rows[0])._base_manager.bulk_create(rows, **options)


def _is_computed(cells: Sequence[Any]) -> bool:
    """Whether a value is an expression, which the ORM has to put into SQL."""
    return any(type(cell) not in VALUES and hasattr(cell, "resolve_expression") for cell in cells)


@dataclass(frozen=True)
class _Insert:
    values: tuple[Value, ...]
    one: Kept
    many: Kept | None  # None: a column cannot be taken apart by the row


@lru_cache(maxsize=512)
def _insert_plan(model: type[models.Model], meeting: Meeting | None) -> _Insert:
    fields: list[Any] = [field for field in model._meta.concrete_fields if not field.generated]
    table = quoted(model._meta.db_table)
    columns = ", ".join(quoted(field.column) for field in fields)
    into, after = f"INSERT INTO {table} ({columns})", _conflict(model, meeting)
    places = ", ".join(place(field) for field in fields)
    arrays = ", ".join(f"(%s)::{bare_type(field)}[]" for field in fields)
    apart = all(
        target(field).get_internal_type() in connection.data_types and not hasattr(field, "get_placeholder")
        for field in fields
    )
    return _Insert(
        values=tuple(_value(field) for field in fields),
        one=Kept(f"{into} VALUES ({places}){after}"),
        many=Kept(f"{into} SELECT * FROM UNNEST({arrays}){after}") if apart else None,  # noqa: S608
    )


def _conflict(model: type[models.Model], meeting: Meeting | None) -> str:
    if meeting is None:
        return ""
    unique, renews = ([_column_name(model, name) for name in names] for names in (meeting.unique, meeting.renews))
    target = f" ({', '.join(unique)})" if unique else ""
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in renews)
    return f" ON CONFLICT{target} DO UPDATE SET {changes}" if changes else f" ON CONFLICT{target} DO NOTHING"


def _column_name(model: type[models.Model], name: str) -> str:
    return quoted(model._meta.get_field(name).column)  # type: ignore[union-attr]


def _value(field: Any) -> Value:
    """Return what reads a field's value of a row, as the driver takes it."""
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        raise TypeError(f"{field} stamps itself: say the time where the row is made, the record must know it")
    own: Value = attrgetter(field.attname)
    return own if is_plain(field) else lambda row: field.get_db_prep_save(own(row), connection)
