"""Arguments that name a row: the row itself or its id. The floors below are never imported for their tables."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID


class Keyed(Protocol):
    """Any row with a primary key."""

    pk: Any


Named = Keyed | UUID


def key_of(row: Keyed | UUID) -> UUID:
    """Return the id of a row, or the id itself."""
    return row if isinstance(row, UUID) else row.pk


def optional_key(row: Keyed | UUID | None) -> UUID | None:
    return None if row is None else key_of(row)
