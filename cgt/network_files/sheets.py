"""From a file to rows of cells. Refuses what is no table, too large, or hides something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgt.network_files.faults import Fault
from cgt.network_files.sections import BY_NAME
from orders.tables import Formula, UnusableFile, csv_table, workbook

LARGEST_FILE = 10 * 1024 * 1024
MOST_ROWS, MOST_COLUMNS = 20_000, 60
NOTES = "notes"
FORMULA = "Formulas are not read: nobody can see what they will say."
FORMULA_REMEDY = "Copy the column and paste it as values."


@dataclass(frozen=True)
class Cells:
    """One row as it stands in the file: cells by column name, empty ones left out."""

    row: int
    cells: dict[str, Any]


Sheets = dict[str, list[Cells]]


def read_file(path: Path, only: str = "") -> tuple[Sheets, list[Fault]]:
    """Return the rows of each known sheet (``only``: of one), and what is wrong with the sheets themselves.

    Raises UnusableFile when there is nothing that could be read.
    """
    if only and only not in BY_NAME:
        raise UnusableFile(f"There is no sheet “{only}”. Use one of {', '.join(BY_NAME)}.")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UnusableFile(f"{path.name} cannot be opened: {error.strerror}.") from None
    if not path.is_file():
        raise UnusableFile(f"{path.name} is no file.")
    if size > LARGEST_FILE:
        raise UnusableFile(f"{path.name} is larger than 10 MB. Split it: one sheet per file is possible.")
    kind = path.suffix.lower()
    if kind == ".csv":
        return _read_csv(path, only)
    if kind == ".xlsx":
        return _read_workbook(path, only)
    raise UnusableFile(f"{path.name} is neither an .xlsx workbook nor a .csv file. Save it as one of them.")


def _read_csv(path: Path, only: str) -> tuple[Sheets, list[Fault]]:
    name = only or path.stem.lower()
    if name not in BY_NAME:
        raise UnusableFile(f"Say with --sheet which sheet this is: one of {', '.join(BY_NAME)}.")
    table = csv_table(path.name, path.read_bytes())
    faults: list[Fault] = []
    formulas = ((Formula(cell) if cell.lstrip()[:1] in ("=", "@") else cell for cell in row) for row in table)
    return {name: _rows(name, formulas, faults)}, faults


def _read_workbook(path: Path, only: str) -> tuple[Sheets, list[Fault]]:
    faults: list[Fault] = []
    sheets: Sheets = {}
    with workbook(path.name, path.read_bytes()) as found:
        for title, rows in found:
            name = title.strip().lower()
            if name == NOTES or (only and name != only):
                continue
            if name not in BY_NAME:
                known = f"Rename it to one of {', '.join(BY_NAME)}, or delete it."
                faults.append(Fault(title, 0, "", "This sheet is not known.", known))
                continue
            sheets[name] = _rows(name, rows, faults)
    if only and only not in sheets:
        raise UnusableFile(f"{path.name} has no sheet “{only}”.")
    return sheets, faults


def _rows(name: str, table: Iterable[Iterable[Any]], faults: list[Fault]) -> list[Cells]:
    lines = enumerate((list(row) for row in table), start=1)
    header = next(((number, row) for number, row in lines if any(_filled(cell) for cell in row)), None)
    if header is None:
        faults.append(Fault(name, 0, "", "The sheet is empty.", "Give it a header row, or delete the sheet."))
        return []
    columns = [str(cell).strip().lower() if _filled(cell) else "" for cell in header[1]]
    if bad := _header_faults(name, header[0], columns):
        faults.extend(bad)
        return []
    rows: list[Cells] = []
    for number, row in lines:
        if len(rows) >= MOST_ROWS:
            faults.append(Fault(name, number, "", f"More than {MOST_ROWS} rows.", "Split the file."))
            break
        cells = {}
        for column, value in zip(columns, row, strict=False):
            if column and _filled(value):
                if isinstance(value, Formula):
                    faults.append(Fault(name, number, column, FORMULA, FORMULA_REMEDY))
                cells[column] = value
        if any(_filled(value) for value in row[len(columns) :]):
            faults.append(Fault(name, number, "", "There are more cells than columns.", "Check the separators."))
        if cells:
            rows.append(Cells(number, cells))
    return rows


def _filled(value: Any) -> bool:
    return value is not None and str(value).strip() != ""


def _header_faults(name: str, number: int, columns: list[str]) -> list[Fault]:
    section = BY_NAME[name]
    known = ", ".join(column.name for column in section.columns)
    faults = [
        Fault(name, number, column, "This column is not known.", f"Known columns: {known}.")
        for column in columns[:MOST_COLUMNS]
        if column and section.column(column) is None
    ]
    faults += [
        Fault(name, number, column, "This column stands here twice.", "Delete one of them.")
        for column in sorted({c for c in columns if c and columns.count(c) > 1})
    ]
    faults += [
        Fault(name, number, column.name, "This column is missing.", "Add it, as in the template.")
        for column in section.columns
        if column.needed and column.name not in columns
    ]
    return faults
