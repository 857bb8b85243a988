"""Files that temperature loggers write: text in columns, some lines of words before them. Pure values.

Delimiter, decimal comma and encoding are recognized; which column holds what is a layout's, or one of the usual names.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from ledger.refusals import InvalidInput

TIMES = ("timestamp", "date/time", "date time", "datetime", "time", "zeit", "date", "logged at")
VALUES = (
    "temperature",
    "temperature (°c)",
    "temperature (c)",
    "temp",
    "temp (°c)",
    "temp (c)",
    "value",
    "°c",
    "celsius",
)
SERIALS = ("serial number", "serial", "serial no", "serial no.", "s/n", "device", "device id", "logger", "logger id")
HEADER_WITHIN = 60  # lines of words before the columns
MOST_ROWS = 250_000  # a reading every ten seconds for four weeks
COLDEST, HOTTEST = -27315, 20000  # hundredths of a degree Celsius that a logger can mean
NAMED = 50  # bad rows that are named one by one
MIDDAY = "%d.%m.%Y %H:%M:%S"
FORMATS = {
    "": "ISO 8601: 2026-03-01 14:05",
    MIDDAY: "31.12.2026 14:05:00",
    "%d.%m.%Y %H:%M": "31.12.2026 14:05",
    "%d/%m/%Y %H:%M:%S": "31/12/2026 14:05:00",
    "%d/%m/%Y %H:%M": "31/12/2026 14:05",
    "%m/%d/%Y %H:%M:%S": "12/31/2026 14:05:00",
    "%m/%d/%Y %H:%M": "12/31/2026 14:05",
    "%m/%d/%Y %I:%M:%S %p": "12/31/2026 2:05:00 PM",
    "%d-%b-%Y %H:%M:%S": "31-Dec-2026 14:05:00",
}


@dataclass(frozen=True)
class Layout:
    """Names of columns (empty: one of the usual), how times are written, and the zone of those without an offset."""

    time_column: str = ""
    value_column: str = ""
    serial_label: str = ""
    time_format: str = ""
    zone: str = "UTC"
    fahrenheit: bool = False


@dataclass(frozen=True)
class Fault:
    """A row that could not be read: its line in the file, from 1, and why."""

    line: int
    text: str


@dataclass
class Recorded:
    """What a file says: seconds since the epoch and hundredths of a degree Celsius, row by row, as they stood there."""

    serials: set[str] = field(default_factory=set)
    times: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    bad: int = 0
    faults: list[Fault] = field(default_factory=list)

    def blame(self, line: int, text: str) -> None:
        self.bad += 1
        if len(self.faults) < NAMED:
            self.faults.append(Fault(line, text))


def read_file(content: bytes, layout: Layout, latest: dt.datetime) -> Recorded:
    """Read a logger's file. Rows that cannot be read, or lie after ``latest``, are blamed, the others taken.

    Raises InvalidInput ``file`` when it is no text, its columns are not found, or no row can be read.
    """
    try:
        rows, start, header = _columns(_text_of(content), layout)
    except csv.Error as error:
        raise InvalidInput(fields={"file": ["The file's columns cannot be told apart."]}) from error
    names = [cell.strip().lower() for cell in header]
    at, value = _place(names, layout.time_column, TIMES), _place(names, layout.value_column, VALUES)
    serial = _place(names, layout.serial_label, SERIALS)
    assert at is not None and value is not None  # noqa: S101 - the header was found by them
    found = Recorded(_serials_above(rows[:start], layout))
    seconds, celsius, latest_second = _clock(layout), _thermometer(layout), int(latest.timestamp())
    needed = max(at, value) + 1
    for line, row in enumerate(rows[start + 1 :], start + 2):
        if len(row) < needed:
            if any(cell.strip() for cell in row):
                found.blame(line, "The row has too few columns.")
            continue
        try:
            moment = seconds(row[at].strip())
        except (ValueError, OverflowError):
            found.blame(line, f"“{row[at].strip()[:40]}” is no time as the layout says.")
            continue
        try:
            degrees = celsius(row[value])
        except (ValueError, OverflowError):
            found.blame(line, f"“{row[value].strip()[:40]}” is no temperature.")
            continue
        if moment > latest_second:
            found.blame(line, "That time has not come yet: the logger's clock or the time zone is wrong.")
        elif not COLDEST <= degrees <= HOTTEST:
            found.blame(line, f"{degrees / 100:g} °C is no temperature that a logger can mean.")
        else:
            found.times.append(moment)
            found.values.append(degrees)
        if serial is not None and serial < len(row) and row[serial] not in found.serials:
            found.serials.add(row[serial])
    found.serials = {text.strip() for text in found.serials if text.strip()}
    if not found.times:
        first = f" First: line {found.faults[0].line}: {found.faults[0].text}" if found.faults else ""
        raise InvalidInput(fields={"file": [f"No row of the file can be read.{first}"]})
    return found


def _text_of(content: bytes) -> str:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InvalidInput(fields={"file": ["The file is no text. Export the readings as CSV from the logger's software."]})


def _columns(text: str, layout: Layout) -> tuple[list[list[str]], int, list[str]]:
    """Return the rows, the place of the header among them, and the header."""
    for delimiter in ",;\t":
        head = list(csv.reader(io.StringIO(_first_lines(text)), delimiter=delimiter))
        for place, row in enumerate(head):
            names = [cell.strip().lower() for cell in row]
            if _has(names, layout.time_column, TIMES) and _has(names, layout.value_column, VALUES):
                rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
                if len(rows) > MOST_ROWS:
                    raise InvalidInput(fields={"file": [f"At most {MOST_ROWS:,} rows at once."]})
                return rows, place, row
    wanted = f"“{layout.time_column}” and “{layout.value_column}”" if layout.time_column else "time and temperature"
    raise InvalidInput(
        fields={"file": [f"The columns {wanted} are not in the first {HEADER_WITHIN} lines."]},
        remedy="Save a layout for this model of logger that names its columns, and choose it.",
    )


def _first_lines(text: str) -> str:
    return "\n".join(text.split("\n", HEADER_WITHIN)[:HEADER_WITHIN])


def _has(names: Sequence[str], wanted: str, usual: Sequence[str]) -> bool:
    return _place(names, wanted, usual) is not None


def _place(names: Sequence[str], wanted: str, usual: Sequence[str]) -> int | None:
    return next((names.index(name) for name in ([wanted.strip().lower()] if wanted else usual) if name in names), None)


def _serials_above(rows: Sequence[Sequence[str]], layout: Layout) -> set[str]:
    """Return what stands beside the serial's label in the lines before the columns: ``Serial number;TL-17``."""
    labels = [layout.serial_label.strip().lower()] if layout.serial_label else SERIALS
    found = set()
    for row in rows:
        cells = [cell.strip() for cell in row]
        if len(cells) == 1 and ":" in cells[0]:
            cells = [part.strip() for part in cells[0].split(":", 1)]
        if len(cells) > 1 and cells[0].rstrip(":").strip().lower() in labels and cells[1]:
            found.add(cells[1])
    return found


def _clock(layout: Layout) -> Callable[[str], int]:
    zone = ZoneInfo(layout.zone)

    def plain(text: str) -> int:
        moment = dt.datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())

    def formatted(text: str) -> int:
        return int(dt.datetime.strptime(text, layout.time_format).replace(tzinfo=zone).timestamp())

    return formatted if layout.time_format else plain


def _thermometer(layout: Layout) -> Callable[[str], int]:
    def celsius(text: str) -> int:
        number = float(text.replace("°C", "").replace("°F", "").replace(",", "."))
        return round((number - 32) * 500 / 9) if layout.fahrenheit else round(number * 100)

    return celsius
