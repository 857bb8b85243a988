"""What a sheet of a network file is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cgt.network_files.cells import Reader


@dataclass(frozen=True)
class Column:
    """One column: how it is read, whether it must be filled, and what the template shows."""

    name: str
    read: Reader
    example: Any
    note: str
    needed: bool = True


@dataclass(frozen=True)
class Section:
    """One sheet. ``key``: the columns that name a row, which no two rows may share."""

    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("code",)
    more_examples: tuple[dict[str, Any], ...] = field(default=())

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def examples(self) -> list[dict[str, Any]]:
        """Return the template's rows; together the examples of all sheets are a small working network."""
        first = {column.name: column.example for column in self.columns}
        return [first, *({**dict.fromkeys(first, ""), **row} for row in self.more_examples)]
