"""The template: every sheet with its header and example rows, and a sheet of notes. The examples import as they are."""

from __future__ import annotations

from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from cgt.network_files.columns import Section
from cgt.network_files.sections import SECTIONS
from cgt.network_files.sheets import NOTES

HEAD, NEEDED = Font(bold=True), PatternFill("solid", fgColor="FFF2CC")
ADVICE = (
    "Replace the example rows with your own; delete sheets that you do not need.",
    "Shaded columns must be filled. Codes link the sheets; they may also name what is in the system already.",
    "Try it first: manage.py import_network FILE.xlsx --check. Nothing is stored unless every row is in order.",
    "Formulas are not read. Dates: YYYY-MM-DD. Times: HH:MM, local time of the place.",
)


def write_template(path: Path) -> None:
    """Write the template workbook to ``path``."""
    workbook = Workbook()
    notes = workbook.active
    assert notes is not None  # noqa: S101 - a new workbook has a sheet
    notes.title = NOTES
    for advice in ADVICE:
        notes.append([advice])
    notes.append([])
    notes.append(["sheet", "column", "needed", "what it holds"])
    for cell in notes[notes.max_row]:
        cell.font = HEAD
    for section in SECTIONS:
        notes.append([section.name, "", "", section.about])
        for column in section.columns:
            notes.append([section.name, column.name, "yes" if column.needed else "no", column.note])
        _write_sheet(workbook, section)
    for letter, width in (("A", 18), ("B", 18), ("C", 9), ("D", 90)):
        notes.column_dimensions[letter].width = width
    workbook.save(path)


def _write_sheet(workbook: Workbook, section: Section) -> None:
    sheet = workbook.create_sheet(section.name)
    sheet.append([column.name for column in section.columns])
    for number, column in enumerate(section.columns, start=1):
        cell = sheet.cell(row=1, column=number)
        cell.font, cell.alignment = HEAD, Alignment(vertical="top")
        if column.needed:
            cell.fill = NEEDED
        sheet.column_dimensions[get_column_letter(number)].width = max(14, min(40, len(str(column.example)) + 4))
    for example in section.examples():
        sheet.append([None if example[column.name] == "" else example[column.name] for column in section.columns])
    sheet.freeze_panes = "A2"
