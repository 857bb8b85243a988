"""Columns of a model as SQL names, places and casts them, for statements that are put together once."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

# Fields whose values the driver writes as the ORM would: ids, texts, numbers, times.
PLAIN = (
    models.UUIDField,
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BooleanField,
    models.DateField,
)


def quoted(name: Any) -> str:
    return connection.ops.quote_name(str(name))


def target(field: Any) -> Any:
    """Return the field whose values a field holds: of a relation, the key it points at."""
    return field.target_field if field.is_relation else field


def is_plain(field: Any) -> bool:
    return isinstance(target(field), PLAIN)


def place(field: Any) -> str:
    return field.get_placeholder(None, None, connection) if hasattr(field, "get_placeholder") else "%s"


def bare_type(field: Any) -> str:
    """Return a column's type without its length: a cast would cut off what the column refuses."""
    return str(field.db_type(connection)).split("(")[0]
