"""The rule for fresh material (DOMAIN 10.2), on calendars made by hand: no database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.calendars import Calendar, Lane, Place, Window, day_of
from scheduling.drafts import Draft, Fault, Stage
from scheduling.feasibility import plan_date
from scheduling.offers import ChainRequest

CLINIC, PLANT, CENTER, MAKER, COURIER = (uuid4() for _ in range(5))
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FRIDAY = dt.date(2026, 6, 5)
ALL_DAY = ("00:00", "23:59")


def instant(date: dt.date, clock: str, zone: str) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.fromisoformat(clock), ZoneInfo(zone)).astimezone(dt.UTC)


class Offered:
    """A calendar under construction."""

    def __init__(self, clinic_zone: str = "Europe/Berlin", plant_zone: str = "Europe/Amsterdam") -> None:
        self.clinic_zone, self.plant_zone = clinic_zone, plant_zone
        self.windows: list[Window] = []

    def add(
        self, kind: str, place: UUID, date: dt.date, start: str, end: str, left: int = 1, lane: Lane | None = None
    ) -> Offered:
        zone = self.clinic_zone if place == CLINIC else self.plant_zone
        organization = {"courier_lane": COURIER}.get(kind, CENTER if place == CLINIC else MAKER)
        opens, closes = instant(date, start, zone), instant(date, end, zone)
        self.windows.append(Window(uuid4(), kind, organization, place, opens, closes, left, f"Fictional {kind}", lane))
        return self

    def chair(self, date: dt.date, start: str = "08:00", end: str = "14:00", left: int = 1) -> Offered:
        return self.add("apheresis_chair", CLINIC, date, start, end, left)

    def lane(
        self, date: dt.date, hours: float, cutoff: str | None = "15:00", left: int = 1, start: str = "06:00",
        end: str = "20:00", weekdays: frozenset[int] = frozenset(range(1, 8)),
    ) -> Offered:  # fmt: skip
        latest = dt.time.fromisoformat(cutoff) if cutoff else None
        lane = Lane(CLINIC, PLANT, dt.timedelta(hours=hours), latest, weekdays)
        return self.add("courier_lane", CLINIC, date, start, end, left, lane)

    def bay(self, date: dt.date, start: str = "06:00", end: str = "18:00", left: int = 1) -> Offered:
        return self.add("receiving", PLANT, date, start, end, left)

    def line(self, date: dt.date, start: str = "06:00", end: str = "20:00", left: int = 1) -> Offered:
        return self.add("manufacturing_line", PLANT, date, start, end, left)

    def calendar(self) -> Calendar:
        clinic = Place(CLINIC, "Fictional Clinic", CENTER, ZoneInfo(self.clinic_zone))
        return Calendar([clinic, Place(PLANT, "Fictional Plant", MAKER, ZoneInfo(self.plant_zone))], self.windows)

    def plan(self, request: ChainRequest, date: dt.date, now: dt.datetime = LONG_AGO) -> tuple[list[Draft], str]:
        drafts, fault = plan_date(request, self.calendar(), date, now)
        assert (fault is None) == bool(drafts)
        return drafts, fault.code if fault else ""


REQUEST = ChainRequest(
    therapy_id=uuid4(),
    center_site_id=CLINIC,
    plant_site_ids=(PLANT,),
    earliest=FRIDAY,
    collection_hours=6,
    pack_minutes=60,
    max_age_hours=60,
    age_buffer_hours=6,
    manufacture_days=10,
    release_days=7,
)


def monday_to_saturday(offered: Offered) -> Offered:
    for date in (FRIDAY + dt.timedelta(days=n) for n in range(-4, 10)):
        if date.isoweekday() <= 6:
            offered.bay(date).line(date)
    return offered


@pytest.mark.story("CO1")
def test_friday_is_feasible_when_the_lane_is_fast_enough() -> None:
    drafts, fault = monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24)).plan(REQUEST, FRIDAY)
    assert fault == ""
    (draft,) = drafts
    assert draft.pickup_at == instant(FRIDAY, "15:00", "Europe/Berlin")
    assert draft.arrival_at == instant(FRIDAY + dt.timedelta(days=1), "15:00", "Europe/Amsterdam")
    assert [pick.window.kind for pick in draft.picks] == [
        "apheresis_chair",
        "courier_lane",
        "receiving",
        "manufacturing_line",
    ]
    assert draft.manufacture_start == draft.arrival_at
    assert draft.tentative_return == draft.manufacture_start + dt.timedelta(days=17, hours=24)
    assert draft.earliest_infusion == draft.tentative_return
    assert draft.slack(REQUEST) == dt.timedelta(hours=54 - 25)


@pytest.mark.story("CO1")
def test_no_friday_is_derived_not_a_rule() -> None:
    offered = monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 36))
    _, fault = plan_date(REQUEST, offered.calendar(), FRIDAY, LONG_AGO)
    assert fault == Fault(
        Stage.RECEIVING,
        "outside_receiving",
        "Arrival Sun 07 Jun 2026 03:00 (Europe/Amsterdam and Europe/Berlin) is outside the receiving hours of "
        "Fictional Plant.",
    )


@pytest.mark.parametrize(("cutoff", "fault"), [("15:00", ""), ("14:59", "after_cutoff"), (None, "")])
def test_the_cut_off_itself_is_in_time(cutoff: str | None, fault: str) -> None:
    assert monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24, cutoff)).plan(REQUEST, FRIDAY)[1] == fault


@pytest.mark.parametrize(("max_age", "fault"), [(31, ""), (30.99, "too_old"), (None, "")])
def test_the_age_limit_less_the_buffer_counts_on_arrival(max_age: float | None, fault: str) -> None:
    request = replace(REQUEST, max_age_hours=max_age)  # 25 h from the end of collection to arrival, 6 h buffer
    assert monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24)).plan(request, FRIDAY)[1] == fault


def test_an_early_collection_waits_for_the_lane_and_ages_meanwhile() -> None:
    offered = Offered().chair(FRIDAY, "05:00", "11:00").lane(FRIDAY, 20, "18:00", start="16:00")
    (draft,), _ = monday_to_saturday(offered).plan(REQUEST, FRIDAY)
    assert draft.pickup_at == instant(FRIDAY, "16:00", "Europe/Berlin")
    assert draft.slack(REQUEST) == dt.timedelta(hours=54 - 25)


def test_a_night_run_has_its_cut_off_after_midnight() -> None:
    offered = Offered().chair(FRIDAY, "16:00", "22:00").lane(FRIDAY, 12, "01:00", start="22:00", end="23:59")
    night = replace(offered.windows[-1], ends_at=instant(FRIDAY + dt.timedelta(days=1), "02:00", "Europe/Berlin"))
    offered.windows[-1] = night
    (draft,), _ = monday_to_saturday(offered).plan(REQUEST, FRIDAY)
    assert draft.pickup_at == instant(FRIDAY, "23:00", "Europe/Berlin")
    assert monday_to_saturday(offered).plan(replace(REQUEST, pack_minutes=181), FRIDAY)[1] == "after_cutoff"


def test_each_refused_date_names_the_constraint_that_was_violated_first() -> None:
    saturday = FRIDAY + dt.timedelta(days=1)
    assert Offered().plan(REQUEST, FRIDAY)[1] == "no_chair"
    assert Offered().chair(FRIDAY, left=0).plan(REQUEST, FRIDAY)[1] == "chair_full"
    assert Offered().chair(FRIDAY, "08:00", "13:59").plan(REQUEST, FRIDAY)[1] == "chair_too_short"
    begun = instant(FRIDAY, "08:00", "Europe/Berlin")
    assert Offered().chair(FRIDAY).plan(REQUEST, FRIDAY, now=begun)[1] == "chair_past"
    chair = Offered().chair(FRIDAY)
    assert chair.plan(REQUEST, FRIDAY)[1] == "no_lane"
    assert Offered().chair(FRIDAY).lane(FRIDAY, 24, left=0).plan(REQUEST, FRIDAY)[1] == "lane_full"
    no_fridays = frozenset({1, 2, 3, 4, 6, 7})
    assert Offered().chair(FRIDAY).lane(FRIDAY, 24, weekdays=no_fridays).plan(REQUEST, FRIDAY)[1] == "lane_closed"
    reached = Offered().chair(FRIDAY).lane(FRIDAY, 24)
    assert reached.plan(REQUEST, FRIDAY)[1] == "outside_receiving"
    assert reached.bay(saturday, left=0).plan(REQUEST, FRIDAY)[1] == "receiving_full"
    assert reached.bay(saturday, "07:00").plan(REQUEST, FRIDAY)[1] == "no_line"
    assert reached.line(saturday, left=0).plan(REQUEST, FRIDAY)[1] == "line_full"
    assert reached.line(saturday, "07:00").plan(REQUEST, FRIDAY)[1] == ""


def test_the_way_that_came_furthest_explains_the_date() -> None:
    offered = Offered().chair(FRIDAY, "05:00", "11:00", left=0).chair(FRIDAY).lane(FRIDAY, 36)
    assert monday_to_saturday(offered).plan(REQUEST, FRIDAY)[1] == "outside_receiving"


def test_manufacture_starts_before_the_material_is_too_old() -> None:
    sunday, monday = FRIDAY + dt.timedelta(days=2), FRIDAY + dt.timedelta(days=3)
    offered = Offered().chair(FRIDAY).lane(FRIDAY, 24).bay(FRIDAY + dt.timedelta(days=1))
    assert offered.line(monday).plan(REQUEST, FRIDAY)[1] == "no_line"  # 64 h after the end of collection
    (draft,), _ = offered.line(sunday).plan(REQUEST, FRIDAY)
    assert draft.manufacture_start == instant(sunday, "06:00", "Europe/Amsterdam")


def test_a_bed_is_linked_when_the_therapy_needs_one() -> None:
    request = replace(REQUEST, needs=(*REQUEST.needs, "infusion_bed"), conditioning_days=5)
    offered = monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24))
    assert offered.plan(request, FRIDAY)[1] == "no_bed"
    back = FRIDAY + dt.timedelta(days=2 + 17 + 5)
    (draft,), _ = offered.add("infusion_bed", CLINIC, back + dt.timedelta(days=1), *ALL_DAY).plan(request, FRIDAY)
    assert draft.earliest_infusion == instant(back + dt.timedelta(days=1), "00:00", "Europe/Berlin")
    assert draft.picks[-1].window.kind == "infusion_bed"


def test_a_cut_off_that_the_clock_strikes_twice_counts_the_first_time() -> None:
    """In Berlin on 25 October 2026 the hour from 02:00 to 03:00 comes twice (00:00–01:00 and 01:00–02:00 UTC)."""
    change = dt.date(2026, 10, 25)
    offered = Offered().chair(change, "00:15", "01:15").lane(change, 24, "02:30", start="00:00", end="12:00")
    day_after = change + dt.timedelta(days=1)
    offered.bay(day_after, *ALL_DAY).line(day_after, *ALL_DAY)
    request = replace(REQUEST, collection_hours=1, pack_minutes=75)
    (draft,), _ = offered.plan(request, change)
    assert draft.pickup_at == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)  # 02:30, the first time
    assert offered.plan(replace(request, pack_minutes=120), change)[1] == "after_cutoff"  # 02:15, the second time


def test_days_have_23_24_or_25_hours() -> None:
    zone = ZoneInfo("Europe/Berlin")
    lengths = [day_of(date, zone)[1] - day_of(date, zone)[0] for date in (dt.date(2026, 3, 29), dt.date(2026, 10, 25))]
    assert lengths == [dt.timedelta(hours=23), dt.timedelta(hours=25)]


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
CHANGES = (dt.date(2026, 3, 8), dt.date(2026, 3, 29), dt.date(2026, 10, 25), dt.date(2026, 11, 1), dt.date(2026, 4, 5))
clocks = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(4, 22), st.sampled_from((0, 15, 30, 59)))


@settings(max_examples=300, deadline=None)
@given(
    date=st.builds(lambda d, n: d + dt.timedelta(days=n), st.sampled_from(CHANGES), st.integers(-2, 1)),
    clinic_zone=st.sampled_from(ZONES),
    plant_zone=st.sampled_from(ZONES),
    chair=clocks,
    cutoff=clocks,
    opens=clocks,
    transit=st.integers(1, 60),
    max_age=st.integers(8, 72),
)
def test_feasible_means_feasible_across_clock_changes(
    date: dt.date, clinic_zone: str, plant_zone: str, chair: str, cutoff: str, opens: str, transit: int, max_age: int
) -> None:
    """The answer equals the rule worked out with seconds since 1970 and wall-clock readings alone."""
    offered = Offered(clinic_zone, plant_zone).chair(date, chair, "23:59").lane(date, transit, cutoff, end="23:59")
    days = [date + dt.timedelta(days=n) for n in range(-1, 5)]
    for day in days:
        offered.bay(day, opens, "23:00").line(day, opens, "23:30")
    limits = {"collection_hours": 1, "pack_minutes": 30, "max_age_hours": max_age, "age_buffer_hours": 2}
    request = replace(REQUEST, earliest=date, **limits)
    drafts, _ = offered.plan(request, date)

    start = instant(date, chair, clinic_zone).timestamp()
    end = start + 3600
    pickup = max(end + 1800, instant(date, "06:00", clinic_zone).timestamp())
    arrival = pickup + transit * 3600
    clock = dt.datetime.fromtimestamp(pickup, ZoneInfo(clinic_zone))
    at_plant = dt.datetime.fromtimestamp(arrival, ZoneInfo(plant_zone))
    feasible = (
        end <= instant(date, "23:59", clinic_zone).timestamp()
        and clock.date() == date
        and clock.time() <= dt.time.fromisoformat(cutoff)
        and dt.time.fromisoformat(opens) <= at_plant.time() < dt.time(23)
        and arrival - end <= (max_age - 2) * 3600
    )
    assert bool(drafts) == feasible
    for draft in drafts:
        assert draft.pickup_at.timestamp() == pickup
        assert draft.arrival_at.timestamp() == arrival
        assert draft.manufacture_start == draft.arrival_at
