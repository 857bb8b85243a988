"""Tables that people bring: a CSV file or an .xlsx workbook as rows of cells. Refuses what is none, or hides something.

Nothing is run and nothing is resolved: a workbook's formulas come as ``Formula``, its links are not followed.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LARGEST_UNPACKED = 100 * 1024 * 1024
MOST_PARTS = 500


class UnusableFile(Exception):
    """The file cannot be read at all; ``str()`` says why and what to do."""


class Formula(str):
    """A cell that is a formula, or the error that a formula left behind."""


Sheet = tuple[str, Iterator[list[Any]]]


def csv_table(name: str, data: bytes) -> list[list[str]]:
    """Return the rows of a CSV file in UTF-8; commas, semicolons or tabs, whichever its header has most.

    ``name`` is what the file is called in words of a refusal. Raises UnusableFile.
    """
    try:
        written = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnusableFile(f"{name}, line {line}: not UTF-8. Save the file as “CSV UTF-8”.") from None
    if "\x00" in written:
        raise UnusableFile(f"{name} is not a text file.")
    header = written.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        return list(csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnusableFile(f"{name} is not a proper CSV file: {error}.") from None


@contextmanager
def workbook(name: str, data: bytes) -> Iterator[Iterator[Sheet]]:
    """Yield the sheets of an .xlsx workbook, each with its title and its rows. Raises UnusableFile, in reading too."""
    from openpyxl import load_workbook  # large, and only who brings a workbook needs it
    from openpyxl.utils.exceptions import InvalidFileException

    _refuse_bombs(name, data)
    try:
        opened = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError, TypeError):
        raise UnusableFile(f"{name} is not an .xlsx workbook, or it is damaged.") from None
    try:
        yield ((sheet.title, _values(sheet)) for sheet in opened.worksheets)
    except (KeyError, ValueError, OSError, SyntaxError, TypeError, zipfile.BadZipFile, EOFError):
        raise UnusableFile(f"{name} is damaged and cannot be read to its end.") from None
    finally:
        opened.close()


def _values(sheet: Any) -> Iterator[list[Any]]:
    for row in sheet.iter_rows():
        yield [Formula(cell.value) if cell.data_type in ("f", "e") else cell.value for cell in row]


def _refuse_bombs(name: str, data: bytes) -> None:
    """Look into the archive before anything is unpacked: number and size of its parts, macros, entity tricks."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
                raise UnusableFile(f"{name} unpacks to more than 100 MB. Save only the sheets that are needed.")
            if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
                raise UnusableFile(f"{name} contains macros. Save it as a plain .xlsx workbook.")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(part):
                    raise UnusableFile(f"{name} declares its own document type. Save it anew as .xlsx.")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError):
        raise UnusableFile(f"{name} is not an .xlsx workbook, or it has a password.") from None
