"""A list of registered codes as a CSV file, a workbook, or pasted text: rows of words, and where each stood."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from custody.states import AliasScope, AliasSystem
from ledger.refusals import InvalidInput
from orders import tables

COLUMNS = ("order", "names", "system", "code", "scope", "issuer")
NEEDED = ("names", "system", "code")
MOST_ROWS = 1000
LARGEST = 2 * 1024 * 1024
PASTED = "The list"
EXACT_DIGITS = 15  # a spreadsheet keeps no more of a number
_WORDS = {
    "system": {str(label).lower(): str(value) for value, label in AliasSystem.choices},
    "scope": {str(label).lower(): str(value) for value, label in AliasScope.choices},
}


@dataclass(frozen=True)
class CodeList:
    """``rows``: words by column. ``lines``: the row of the file that each stood in, counted from 1."""

    rows: list[dict[str, str]]
    lines: list[int]

    @property
    def text(self) -> str:
        """The rows as text with tabs, as a spreadsheet takes and gives it, under a header."""
        lines = ["\t".join(COLUMNS), *("\t".join(row.get(name, "") for name in COLUMNS) for row in self.rows)]
        return "\n".join(lines) + "\n"


def read_file(name: str, data: bytes) -> CodeList:
    """Return the rows of a ``.csv`` file or of the first sheet of an ``.xlsx`` workbook.

    Raises InvalidInput with ``file``: a list of all that is wrong with it, each with its row.
    """
    if len(data) > LARGEST:
        raise _refused("file", [f"{name} is larger than 2 MB. Split it."])
    try:
        if name.lower().endswith(".xlsx"):
            with tables.workbook(name, data) as sheets:
                _, rows = next(sheets, ("", iter(())))
                return _listed("file", rows)
        if name.lower().endswith((".csv", ".tsv", ".txt")):
            return _listed("file", tables.csv_table(name, data))
    except tables.UnusableFile as unusable:
        raise _refused("file", [str(unusable)]) from None
    raise _refused("file", [f"{name} is neither an .xlsx workbook nor a .csv file. Save it as one of them."])


def read_text(text: str) -> CodeList:
    """Return the rows of a pasted list; InvalidInput with ``rows``."""
    try:
        return _listed("rows", tables.csv_table(PASTED, text.strip().encode()))
    except tables.UnusableFile as unusable:
        raise _refused("rows", [str(unusable)]) from None


def _listed(field: str, table: Iterable[list[Any]]) -> CodeList:
    lines = enumerate((list(row) for row in table), start=1)
    header = next((row for _, row in lines if any(_word(cell) for cell in row)), None)
    if header is None:
        raise _refused(field, ["There is nothing in it. Give it a header row and rows."])
    columns = [_word(cell).lower() for cell in header]
    if wrong := list(_header_faults(columns)):
        raise _refused(field, wrong)
    found: list[dict[str, str]] = []
    numbers: list[int] = []
    for number, row in lines:
        cells = {name: cell for name, cell in zip(columns, row, strict=False) if name and _word(cell)}
        if not cells:
            continue
        if len(found) == MOST_ROWS:
            raise _refused(field, [f"There are more than {MOST_ROWS} rows. Split the list."])
        wrong += [f"Row {number}, {name}: {why}" for name, cell in cells.items() if (why := _unreadable(cell))]
        if any(_word(cell) for cell in row[len(columns) :]):
            wrong.append(f"Row {number}: there are more cells than columns. Check the separators.")
        found.append({name: _in_words(name, _word(cell)) for name, cell in cells.items()})
        numbers.append(number)
    if not found and not wrong:
        wrong = ["There is no row below the header."]
    if wrong:
        raise _refused(field, wrong)
    return CodeList(found, numbers)


def _header_faults(columns: list[str]) -> Iterator[str]:
    known = f"Known columns: {', '.join(COLUMNS)}."
    for name in dict.fromkeys(columns):
        if name and name not in COLUMNS:
            yield f"The column “{name[:60]}” is not known. {known}"
        if name and columns.count(name) > 1:
            yield f"The column “{name[:60]}” stands here twice."
    for name in NEEDED:
        if name not in columns:
            yield f"The column “{name}” is missing. {known}"


def _word(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _unreadable(cell: Any) -> str:
    """Return why a cell cannot be trusted to say what its writer sees; empty when it can."""
    if isinstance(cell, tables.Formula):
        return "formulas are not read. Paste the column as values."
    if isinstance(cell, dt.date | dt.time | dt.timedelta | bool):
        return "the spreadsheet took it for a date or a truth value. Format the column as text and type it again."
    if isinstance(cell, int | float) and len(str(_word(cell)).lstrip("-")) > EXACT_DIGITS:
        return "the spreadsheet took it for a number and rounded it. Format the column as text and type it again."
    return "it holds a character that no code has." if "\x00" in str(cell) else ""


def _in_words(name: str, text: str) -> str:
    """Return a choice by its value or by its words on the page; any other text as it stands."""
    return _WORDS.get(name, {}).get(text.lower(), text.lower() if name in _WORDS else text)


def _refused(field: str, faults: list[str]) -> InvalidInput:
    return InvalidInput("The list cannot be read. Nothing is registered.", fields={field: faults})
