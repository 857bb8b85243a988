"""The generator of windows: pure, so these tests need no database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import public_holidays, recurrence
from scheduling.openings import Crew, Plan, Shift, Shut, plan

CHAIR, OTHER, SITE = UUID(int=1), UUID(int=2), UUID(int=9)
BERLIN = ZoneInfo("Europe/Berlin")
DAY = Shift(
    CHAIR,
    "chair-1",
    SITE,
    BERLIN,
    "DE",
    "day",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    dt.time(8),
    dt.time(16),
    1,
    dt.date(2027, 1, 1),
)


def made(*shifts: Shift, first: str, last: str, crews: tuple[Crew, ...] = (), closed: tuple[Shut, ...] = ()) -> Plan:
    return plan(shifts, crews, closed, dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("zone", "country", "before", "after", "hours"),
    [
        ("Europe/Berlin", "DE", "2027-03-25", "2027-03-30", (7, 6)),
        ("Europe/Berlin", "DE", "2027-10-29", "2027-11-02", (6, 7)),
        ("America/New_York", "US", "2027-03-12", "2027-03-15", (13, 12)),
        ("America/New_York", "US", "2027-11-05", "2027-11-08", (12, 13)),
        ("Australia/Sydney", "AU", "2027-04-01", "2027-04-07", (21, 22)),
        ("Australia/Sydney", "AU", "2027-10-01", "2027-10-05", (22, 21)),
    ],
)
@pytest.mark.story("AU1")
def test_a_shift_begins_at_eight_on_the_wall_whatever_the_season(
    zone: str, country: str, before: str, after: str, hours: tuple[int, int]
) -> None:
    shift = replace(DAY, zone=ZoneInfo(zone), country=country)
    found = made(shift, first=before, last=after).openings
    assert (found[0].starts_at.hour, found[-1].starts_at.hour) == hours
    assert {o.starts_at.astimezone(shift.zone).hour for o in found} == {8}


def test_a_shift_that_the_clocks_jump_over_is_closed_and_says_so() -> None:
    night = replace(DAY, pattern="FREQ=DAILY", starts=dt.time(2, 10), ends=dt.time(2, 50))
    found = made(night, first="2027-03-27", last="2027-03-29")
    assert [o.date.day for o in found.openings] == [27]  # the 29th is Easter Monday
    assert [(shift.date.day, shift.reason) for shift in found.closed] == [
        (28, "The clocks go forward over this shift."),
        (29, "Public holiday: Easter Monday."),
    ]


def test_public_holidays_are_those_of_country_and_region() -> None:
    epiphany = {"first": "2027-01-06", "last": "2027-01-06"}
    assert len(made(DAY, **epiphany).openings) == 1
    bavaria = made(replace(DAY, region="BY"), **epiphany)
    assert not bavaria.openings
    assert bavaria.closed[0].reason == "Public holiday: Epiphany."
    assert len(made(replace(DAY, region="BY", on_holidays="open"), **epiphany).openings) == 1


def test_a_rule_holds_from_its_first_day_to_its_last() -> None:
    old = replace(DAY, last_date=dt.date(2027, 2, 9))
    new = replace(DAY, first_date=dt.date(2027, 2, 10), starts=dt.time(10), places=2)
    found = made(old, new, first="2027-02-08", last="2027-02-11").openings
    assert [(o.date.day, o.starts_at.hour, o.places) for o in found] == [(8, 7, 1), (9, 7, 1), (10, 9, 2), (11, 9, 2)]


def test_every_second_week_counts_from_the_first_day() -> None:
    shift = replace(DAY, pattern=recurrence.weekly([2], every=2), first_date=dt.date(2027, 2, 3))
    found = made(shift, first="2027-02-01", last="2027-03-10").openings
    assert [o.date for o in found] == [dt.date(2027, 2, 3), dt.date(2027, 2, 17), dt.date(2027, 3, 3)]


def test_a_closure_cuts_a_shift_and_closes_what_it_covers() -> None:
    closed = (
        Shut(utc("2027-02-08T10:00"), utc("2027-02-08T11:00"), "Calibration", resource_id=CHAIR),
        Shut(utc("2027-02-08T23:00"), utc("2027-02-10T00:00"), "Inspection", site_id=SITE),
        Shut(utc("2027-02-10T00:00"), utc("2027-02-11T00:00"), "Next door", resource_id=OTHER),
    )
    found = made(DAY, first="2027-02-08", last="2027-02-10", closed=closed)
    assert [(o.starts_at, o.ends_at) for o in found.openings] == [
        (utc("2027-02-08T07:00"), utc("2027-02-08T10:00")),
        (utc("2027-02-08T11:00"), utc("2027-02-08T15:00")),
        (utc("2027-02-10T07:00"), utc("2027-02-10T15:00")),
    ]
    assert [(shift.date.day, shift.reason) for shift in found.closed] == [(9, "Closed: Inspection.")]


@pytest.mark.story("AU1", "MP10")
def test_people_of_a_competence_limit_the_places_of_a_shift() -> None:
    needs = replace(DAY, competence="apheresis", people_per_place=2, places=2)
    beside = replace(needs, resource_id=OTHER, resource_code="chair-2")
    crew = Crew(SITE, "day", "apheresis", "FREQ=WEEKLY;BYDAY=MO,TU", 5, dt.date(2027, 1, 1))
    more = replace(crew, pattern="FREQ=WEEKLY;BYDAY=TU", people=3)
    elsewhere = replace(crew, site_id=UUID(int=8), people=90)
    found = made(beside, needs, first="2027-02-08", last="2027-02-10", crews=(crew, more, elsewhere))
    places = {(o.date.day, o.resource_id): o.places for o in found.openings}
    assert places == {(8, CHAIR): 2, (9, CHAIR): 2, (9, OTHER): 2}
    assert {(shift.date.day, shift.resource_id) for shift in found.closed} == {(8, OTHER), (10, CHAIR), (10, OTHER)}
    assert {s.reason for s in found.closed} == {"Nobody left with the competence apheresis on the shift day."}


@pytest.mark.story("AU1")
def test_a_reserved_chair_is_open_to_everybody_from_midnight_some_days_before() -> None:
    shift = replace(DAY, reserved_for="emergent", release_days=3)
    opening = made(shift, first="2027-03-30", last="2027-03-30").openings[0]
    assert opening.reserved_for == "emergent"
    assert opening.open_from == utc("2027-03-26T23:00")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "every day",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;BYHOUR=3",
        "FREQ=WEEKLY;COUNT=3",
        "FREQ=WEEKLY;UNTIL=20300101T000000Z",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;FREQ=DAILY",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;INTERVAL=0",
        "DTSTART:20270101T000000\nRRULE:FREQ=DAILY",
    ],
)
def test_a_pattern_that_cannot_be_followed_is_refused_in_words(written: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 5545|Numbered|never|Choose the days"):
        recurrence.checked(written)


def test_patterns_have_one_spelling_and_words() -> None:
    assert recurrence.checked(" rrule:byday=MO,TU;freq=WEEKLY ") == "FREQ=WEEKLY;BYDAY=MO,TU"
    assert recurrence.checked("FREQ=DAILY") == "FREQ=DAILY"
    assert recurrence.words("FREQ=WEEKLY;BYDAY=MO,FR") == "Mon, Fri"
    assert recurrence.words("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO") == "Mon, every 2 weeks"
    assert recurrence.words("FREQ=MONTHLY;BYDAY=1TU") == "FREQ=MONTHLY;BYDAY=1TU"


def test_unknown_countries_and_regions_are_named() -> None:
    with pytest.raises(ValueError, match="BY"):
        public_holidays.in_year("DE", "ZZ", 2027)
    with pytest.raises(ValueError, match="not known here"):
        public_holidays.in_year("QQ", "", 2027)


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
ZONES = st.sampled_from([("Europe/Berlin", "DE"), ("America/New_York", "US"), ("Australia/Sydney", "AU")])


@settings(deadline=None, max_examples=60)
@given(
    ZONES,
    st.lists(TIMES, min_size=2, max_size=5, unique=True),
    st.dates(dt.date(2026, 1, 1), dt.date(2028, 1, 1)),
    st.lists(st.tuples(st.integers(0, 30 * 24), st.integers(1, 60)), max_size=3),
)
def test_shifts_one_after_the_other_make_windows_that_never_overlap(
    place: tuple[str, str], marks: list[dt.time], first: dt.date, shut: list[tuple[int, int]]
) -> None:
    """Shifts that fill the day from mark to mark, the last over midnight; closures cut into them."""
    zone, country = place
    ordered = sorted(marks)
    shifts = [
        replace(
            DAY,
            name=f"s{n}",
            zone=ZoneInfo(zone),
            country=country,
            starts=a,
            ends=b,
            pattern="FREQ=DAILY",
            first_date=first,
        )
        for n, (a, b) in enumerate(zip(ordered, [*ordered[1:], ordered[0]], strict=True))
    ]
    begin = dt.datetime.combine(first, dt.time(), dt.UTC)
    closed = [
        Shut(begin + dt.timedelta(hours=h), begin + dt.timedelta(hours=h + n), "Closed", resource_id=CHAIR)
        for h, n in shut
    ]
    found = plan(shifts, [], closed, first, first + dt.timedelta(days=30))
    windows = sorted((o.starts_at, o.ends_at) for o in found.openings)
    assert all(start < end for start, end in windows)
    assert all(one[1] <= two[0] for one, two in pairwise(windows))
    for opening in found.openings:
        assert not public_holidays.name_of(country, "", opening.date)
        assert not any(c.starts_at < opening.ends_at and opening.starts_at < c.ends_at for c in closed)
    told = {(o.date, o.shift) for o in found.openings} | {(s.date, s.shift) for s in found.closed}
    assert len(told) == len(shifts) * 31  # every shift of every day is open, or says why not
    assert found == plan(shifts, [], closed, first, first + dt.timedelta(days=30))
