"""Many rows in one statement, each with its own values: ``bulk_update`` without a CASE per row and column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import BinaryField, JSONField

from ledger.models import WalledModel
from ledger.postgresql.statements import Kept


def update_each(rows: Sequence[WalledModel], names: Sequence[str]) -> None:
    """Write these fields of each row (of one model); policies and triggers see every row as with any other update.

    Fields of one value each: PostgreSQL takes no arrays of arrays apart by the row.
    """
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [meta.pk, *(meta.get_field(name) for name in names)]
    quoted = [connection.ops.quote_name(field.column) for field in fields]
    table = connection.ops.quote_name(meta.db_table)
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    changes = ", ".join(f"{column} = given.{column}" for column in quoted[1:])
    key = f"{table}.{quoted[0]} = given.{quoted[0]}"
    sql = f"update {table} set {changes} from unnest({arrays}) as given({', '.join(quoted)}) where {key}"  # noqa: S608
    values = [_column(field, rows) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(Kept(sql), values)


def _column(field: Any, rows: Sequence[WalledModel]) -> list[Any]:
    """Return a field's values as the driver takes them; ids, times, texts and numbers go as they are."""
    found = [getattr(row, field.attname) for row in rows]
    if isinstance(field, JSONField | BinaryField):
        return [field.get_db_prep_save(value, connection) for value in found]
    return found
