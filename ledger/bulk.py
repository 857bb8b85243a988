"""Rows changed without putting the same SQL together again each time: one row, and many in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from ledger.postgresql.columns import bare_type, is_plain, place, quoted
from ledger.postgresql.statements import Kept


def update_row(
    model: type[models.Model], key: Any, values: Sequence[tuple[Any, Any]], known: Sequence[tuple[Any, Any]] = ()
) -> bool:
    """Write a row's fields, given as (field, value), at once; return whether there was such a row.

    ``known``: what it must still hold, or nothing is written.
    """
    sql = _row_plan(model, *(tuple(field.attname for field, _ in pairs) for pairs in (values, known)))
    cells = [
        value if is_plain(field) else field.get_db_prep_save(value, connection)
        for field, value in (*values, (model._meta.pk, key), *known)
    ]
    return bool(connections[DEFAULT_DB_ALIAS].change(sql, cells))  # type: ignore[attr-defined]


@lru_cache(maxsize=512)
def _row_plan(model: type[models.Model], names: tuple[str, ...], known: tuple[str, ...]) -> Kept:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    table, key = (quoted(name) for name in (model._meta.db_table, model._meta.pk.column))
    changes = ", ".join(f"{quoted(fields[name].column)} = {place(fields[name])}" for name in names)
    held = "".join(f" AND {table}.{quoted(fields[name].column)} = {place(fields[name])}" for name in known)
    return Kept(f"UPDATE {table} SET {changes} WHERE {table}.{key} = %s{held}")  # noqa: S608


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
    names_in = [quoted(field.column) for field in fields]
    table = quoted(meta.db_table)
    arrays = ", ".join(f"%s::{bare_type(field)}[]" for field in fields)
    changes = ", ".join(f"{column} = given.{column}" for column in names_in[1:])
    key = f"{table}.{names_in[0]} = given.{names_in[0]}"
    given = f"unnest({arrays}) as given({', '.join(names_in)})"
    return Kept(f"update {table} set {changes} from {given} where {key}"), fields  # noqa: S608


def _column(field: Any, rows: Sequence[models.Model]) -> list[Any]:
    """Return a field's values as the driver takes them; ids, times, texts and numbers go as they are."""
    found = [getattr(row, field.attname) for row in rows]
    if isinstance(field, models.JSONField | models.BinaryField):
        return [field.get_db_prep_save(value, connection) for value in found]
    return found
