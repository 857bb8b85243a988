"""Files of loggers in their usual shapes, and in bad ones: what is read, what is blamed, what is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.logger_files import FORMATS, MIDDAY, Layout, read_file
from ledger.refusals import InvalidInput

LATEST = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
NOON = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp())


def read(text: str, **layout: object) -> list[tuple[int, int]]:
    found = read_file(text.encode(), Layout(**layout), LATEST)  # type: ignore[arg-type]
    assert found.bad == 0
    return list(zip(found.times, found.values, strict=True))


def test_usual_columns_are_recognized_with_any_delimiter_and_decimal_comma() -> None:
    wanted = [(NOON, 410), (NOON + 60, -15025)]
    assert read("Timestamp,Temperature\n2026-03-01T12:00:00Z,4.1\n2026-03-01T12:01:00Z,-150.25\n") == wanted
    assert read("Datum\n\nTime;Temp (°C);Humidity\n2026-03-01 12:00;4,1;50\n2026-03-01 12:01;-150,25;50") == wanted
    assert read("time\ttemperature\r\n2026-03-01 13:00+01:00\t4.1 °C\r\n2026-03-01 12:01\t-150.25 °C\r\n") == wanted


def test_other_encodings_are_read() -> None:
    text = "Time;Temp (°C)\n2026-03-01 12:00;4,1\n"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert read_file(text.encode(encoding), Layout(), LATEST).values == [410]


def test_a_layout_names_columns_zone_format_and_unit() -> None:
    text = "Model: X\nSerial No.: TL-7\nWhen;Probe 1 (F)\n01.03.2026 07:00:00;32\n"
    given = {
        "time_column": "when",
        "value_column": "Probe 1 (F)",
        "time_format": MIDDAY,
        "zone": "America/New_York",
        "fahrenheit": True,
    }
    assert read(text, **given) == [(NOON, 0)]
    assert read_file(text.encode(), Layout(**given), LATEST).serials == {"TL-7"}  # type: ignore[arg-type]


def test_serial_numbers_are_found_above_and_in_a_column() -> None:
    above = "Serial number;TL-1\nTime;Temp\n2026-03-01 12:00;4\n"
    column = "Time;Temp;Serial\n2026-03-01 12:00;4;TL-1\n2026-03-01 12:01;4;TL-2\n"
    assert read_file(above.encode(), Layout(), LATEST).serials == {"TL-1"}
    assert read_file(column.encode(), Layout(), LATEST).serials == {"TL-1", "TL-2"}


def test_bad_rows_are_named_with_their_line_and_the_others_taken() -> None:
    rows = ["2026-03-01 12:00;4", "yesterday;4", "2026-03-01 12:01;warm", "2026-03-01 12:02;900", "2027-01-01 12:00;4"]
    found = read_file(
        ("Time;Temp\n" + "\n".join([*rows, "2026-03-01 12:03", "", "2026-03-01 12:04;nan"])).encode(), Layout(), LATEST
    )
    assert found.times == [NOON] and found.bad == 6
    assert [fault.line for fault in found.faults] == [3, 4, 5, 6, 7, 9]
    assert "yesterday" in found.faults[0].text and "warm" in found.faults[1].text


def test_a_local_time_that_the_clock_shows_twice_or_never_is_still_a_time() -> None:
    text = "Time;Temp\n2026-03-29 02:30;4\n2026-03-29 03:30;4\n"  # Berlin skips 2 to 3
    times = [at for at, _ in read(text, zone="Europe/Berlin")]
    assert times == [int(dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC).timestamp())] * 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"Time;Humidity\n2026-03-01 12:00;50\n", b"Time;Temp\n", b"Time;Temp\nno;no\n"],
)
def test_what_is_no_logger_s_file_is_refused_beside_its_field(content: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_file(content, Layout(), LATEST)
    assert list(refusal.value.fields) == ["file"]


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_content_breaks_the_reader(content: bytes) -> None:
    for head in (b"", b"Time;Temp\n"):
        try:
            found = read_file(head + content, Layout(), LATEST)
        except InvalidInput:
            continue
        assert len(found.times) == len(found.values) > 0


@given(st.sampled_from(sorted(FORMATS)), st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2026, 5, 1)))
def test_every_offered_format_reads_what_it_writes(name: str, moment: dt.datetime) -> None:
    moment = moment.replace(second=0, microsecond=0)
    text = f"Time;Temp\n{moment.strftime(name) if name else moment.isoformat(' ')};4\n"
    assert read(text, time_format=name) == [(int(moment.replace(tzinfo=dt.UTC).timestamp()), 400)]
