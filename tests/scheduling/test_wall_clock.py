from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.wall_clock import instant, span

# zone; the day clocks go forward, a time skipped then, when; the day they go back, a time shown twice then
CHANGES = (
    ("Europe/Berlin", dt.date(2027, 3, 28), "02:30", "2027-03-28T01:00", dt.date(2027, 10, 31), "02:30"),
    ("America/New_York", dt.date(2027, 3, 14), "02:30", "2027-03-14T07:00", dt.date(2027, 11, 7), "01:30"),
    ("Australia/Sydney", dt.date(2027, 10, 3), "02:30", "2027-10-02T16:00", dt.date(2027, 4, 4), "02:30"),
    ("Australia/Lord_Howe", dt.date(2027, 10, 3), "02:10", "2027-10-02T15:30", dt.date(2027, 4, 4), "01:45"),
)


@pytest.mark.parametrize(("zone", "forward", "skipped", "change", "back", "twice"), CHANGES)
def test_a_time_that_is_never_shown_is_the_moment_of_the_change(
    zone: str, forward: dt.date, skipped: str, change: str, back: dt.date, twice: str
) -> None:
    clock = ZoneInfo(zone)
    assert instant(forward, dt.time.fromisoformat(skipped), clock) == dt.datetime.fromisoformat(f"{change}+00:00")
    first = instant(back, dt.time.fromisoformat(twice), clock)
    assert first.astimezone(clock).fold == 0
    assert first.astimezone(clock).time() == dt.time.fromisoformat(twice)


@pytest.mark.parametrize(("zone", "forward", "_skipped", "_change", "back", "_twice"), CHANGES[:3])
def test_a_night_shift_is_an_hour_shorter_or_longer(
    zone: str, forward: dt.date, _skipped: str, _change: str, back: dt.date, _twice: str
) -> None:
    night, hours = dt.time(22), {}
    for name, date in (("forward", forward), ("back", back)):
        starts, ends = span(date - dt.timedelta(days=1), night, dt.time(6), ZoneInfo(zone))
        hours[name] = (ends - starts) / dt.timedelta(hours=1)
    assert hours == {"forward": 7, "back": 9}


@given(
    st.sampled_from([row[0] for row in CHANGES]),
    st.dates(dt.date(2026, 1, 1), dt.date(2028, 12, 31)),
    st.times(),
    st.times(),
)
def test_a_later_time_of_day_is_never_an_earlier_moment(zone: str, date: dt.date, one: dt.time, other: dt.time) -> None:
    earlier, later = sorted((one.replace(microsecond=0), other.replace(microsecond=0)))
    clock = ZoneInfo(zone)
    assert instant(date, earlier, clock) <= instant(date, later, clock) <= instant(date + dt.timedelta(1), one, clock)
