"""From cells to values: every cell read by its column, every row named once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cgt.network_files.columns import Column, Section
from cgt.network_files.faults import Fault
from cgt.network_files.sheets import Cells


@dataclass(frozen=True)
class Row:
    """One row that was understood: its values by column, None where an optional cell is empty."""

    section: Section
    number: int
    values: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.values[name] for name in self.section.key)

    def fault(self, column: str, message: str, remedy: str = "") -> Fault:
        return Fault(self.section.name, self.number, column, message, remedy)


def read_rows(section: Section, lines: Iterable[Cells], faults: list[Fault]) -> tuple[list[Row], set[str]]:
    """Return the rows in order, and the codes of the others: what refers to those is not told twice."""
    rows: list[Row] = []
    broken: set[str] = set()
    seen: dict[tuple[Any, ...], int] = {}
    for line in lines:
        found: list[Fault] = []
        values = {column.name: _value(section, column, line, found) for column in section.columns}
        row = Row(section, line.row, values)
        if not found and row.key in seen:
            text = f"The same {' and '.join(section.key)} as in row {seen[row.key]}."
            found.append(row.fault(section.key[0], text, "Keep one of the two rows."))
        if found:
            faults.extend(found)
            broken.add(str(line.cells.get("code", "")).strip())
            continue
        seen[row.key] = line.row
        rows.append(row)
    return rows, broken


def _value(section: Section, column: Column, line: Cells, faults: list[Fault]) -> Any:
    if column.name not in line.cells:
        if column.needed:
            faults.append(Fault(section.name, line.row, column.name, "This cell is empty.", "Fill it."))
        return None
    try:
        return column.read(line.cells[column.name])
    except ValueError as error:
        faults.append(Fault(section.name, line.row, column.name, str(error)))
        return None
