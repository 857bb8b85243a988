"""Rows written without putting the same SQL together again each time: inserts, and updates of many rows in one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from ledger.postgresql.statements import Kept

# Fields whose values the driver writes as the ORM would: ids, texts, numbers, times.
PLAIN = (
    models.UUIDField,
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BooleanField,
    models.DateField,
)
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
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    into, after = f"INSERT INTO {table} ({columns})", _conflict(model, meeting)
    places = ", ".join(_place(field) for field in fields)
    arrays = ", ".join(f"(%s)::{_bare_type(field)}[]" for field in fields)
    apart = all(
        _target(field).get_internal_type() in connection.data_types and not hasattr(field, "get_placeholder")
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
    return connection.ops.quote_name(str(model._meta.get_field(name).column))  # type: ignore[union-attr]


def _place(field: Any) -> str:
    return field.get_placeholder(None, None, connection) if hasattr(field, "get_placeholder") else "%s"


def _target(field: Any) -> Any:
    return field.target_field if field.is_relation else field


def _bare_type(field: Any) -> str:
    """Return a column's type without its length: a cast would cut off what the column refuses."""
    return str(field.db_type(connection)).split("(")[0]


def _value(field: Any) -> Value:
    """Return what reads a field's value of a row, as the driver takes it."""
    stamped = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    if isinstance(_target(field), PLAIN) and not stamped:
        return attrgetter(field.attname)
    return lambda row: field.get_db_prep_save(field.pre_save(row, True), connection)


def update_row(model: type[models.Model], key: Any, values: Sequence[tuple[Any, Any]]) -> bool:
    """Write a row's fields, given as (field, value), at once; return whether there was such a row."""
    sql = _row_plan(model, tuple(field.attname for field, _ in values))
    cells = [
        value if isinstance(_target(field), PLAIN) else field.get_db_prep_save(value, connection)
        for field, value in values
    ]
    return bool(connections[DEFAULT_DB_ALIAS].change(sql, [*cells, key]))  # type: ignore[attr-defined]


@lru_cache(maxsize=512)
def _row_plan(model: type[models.Model], names: tuple[str, ...]) -> Kept:
    fields = [next(one for one in model._meta.concrete_fields if one.attname == name) for name in names]
    changes = ", ".join(f"{connection.ops.quote_name(str(field.column))} = {_place(field)}" for field in fields)
    table, key = (connection.ops.quote_name(str(name)) for name in (model._meta.db_table, model._meta.pk.column))
    return Kept(f"UPDATE {table} SET {changes} WHERE {table}.{key} = %s")  # noqa: S608


def update_each(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write these fields of each row (of one model); policies and triggers see every row as with any other update.

    Fields of one value each: PostgreSQL takes no arrays of arrays apart by the row.
    """
    if not rows:
        return
    sql, fields = _update_plan(type(rows[0]), tuple(names))
    connections[DEFAULT_DB_ALIAS].send_later(sql, [_column(field, rows) for field in fields])  # type: ignore[attr-defined]


@lru_cache(maxsize=512)
def _update_plan(model: type[models.Model], names: tuple[str, ...]) -> tuple[Kept, list[Any]]:
    meta = model._meta
    fields: list[Any] = [meta.pk, *(meta.get_field(name) for name in names)]
    quoted = [connection.ops.quote_name(field.column) for field in fields]
    table = connection.ops.quote_name(meta.db_table)
    arrays = ", ".join(f"%s::{_bare_type(field)}[]" for field in fields)
    changes = ", ".join(f"{column} = given.{column}" for column in quoted[1:])
    key = f"{table}.{quoted[0]} = given.{quoted[0]}"
    given = f"unnest({arrays}) as given({', '.join(quoted)})"
    return Kept(f"update {table} set {changes} from {given} where {key}"), fields  # noqa: S608


def _column(field: Any, rows: Sequence[models.Model]) -> list[Any]:
    """Return a field's values as the driver takes them; ids, times, texts and numbers go as they are."""
    found = [getattr(row, field.attname) for row in rows]
    if isinstance(field, models.JSONField | models.BinaryField):
        return [field.get_db_prep_save(value, connection) for value in found]
    return found
