"""What a therapy may demand of a chain beyond the four links, and what a refused date says about it: no database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from scheduling.calendars import Calendar, Lane, Place
from scheduling.conditions import BarredPlant, LeadTime, ShipperHold, Washout
from scheduling.drafts import fewest_days, most_slack
from scheduling.feasibility import Planner, plan_date
from scheduling.offers import ChainRequest
from tests.scheduling.test_feasibility import (
    CENTER,
    CLINIC,
    COURIER,
    FRIDAY,
    LONG_AGO,
    MAKER,
    PLANT,
    REQUEST,
    Offered,
    monday_to_saturday,
)

DAY = dt.timedelta(days=1)
WORDS = {
    "weekday": "Collections on a Friday are not asked for.",
    "washout": "Washout of bridging: 14 days from 01 Jun 2026, until Mon 15 Jun 2026.",
    "not_authorized": "Fictional Clinic may give this therapy until Thu 04 Jun 2026 02:00 (Europe/Berlin).",
    "lead_time": "A collection needs 9 days to be prepared.",
}


def told(request: ChainRequest, offered: Offered | None = None, now: dt.datetime = LONG_AGO) -> tuple[str, str]:
    offered = offered or monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24))
    _, fault = plan_date(request, offered.calendar(), FRIDAY, now)
    return (fault.code, fault.text) if fault else ("", "")


@pytest.mark.story("CO1")
@pytest.mark.parametrize(
    ("changes", "now", "code"),
    [
        ({"weekdays": frozenset({1, 2})}, LONG_AGO, "weekday"),
        ({"washouts": (Washout("bridging", dt.date(2026, 6, 1), 14),)}, LONG_AGO, "washout"),
        ({"authorized_until": dt.datetime(2026, 6, 4, tzinfo=dt.UTC)}, LONG_AGO, "not_authorized"),
        ({"lead_days": 9}, dt.datetime(2026, 6, 1, tzinfo=dt.UTC), "lead_time"),
    ],
)
def test_a_date_that_is_out_of_the_question_says_why(changes: dict[str, object], now: dt.datetime, code: str) -> None:
    assert told(replace(REQUEST, **changes), now=now) == (code, WORDS[code])  # type: ignore[arg-type]


def test_the_washout_is_over_on_its_last_day() -> None:
    assert told(replace(REQUEST, washouts=(Washout("bridging", FRIDAY - 14 * DAY, 14),))) == ("", "")


def test_a_shipper_holds_as_long_as_planned_and_the_buffer() -> None:
    def holding(hours: float) -> tuple[str, str]:
        holds = (ShipperHold(CLINIC, PLANT, hours, COURIER),)
        return told(replace(REQUEST, shipper_holds=holds, shipper_buffer_hours=4))

    assert holding(28) == ("", "")  # 24 h on the way and 4 h
    assert holding(27.5) == (
        "shipper_too_short",
        "The shipper of Fictional courier_lane holds for 27 h 30 min; 24 h until it arrives and a buffer of 4 h are "
        "more.",
    )


def test_a_plant_without_a_license_for_the_market_is_named() -> None:
    barred = (BarredPlant(PLANT, "is not licensed for DE"),)
    for named in ((), (PLANT,)):  # whoever names a barred plant all the same does not get it
        assert told(replace(REQUEST, plant_site_ids=named, barred_plants=barred)) == (
            "not_licensed",
            "Fictional Plant is not licensed for DE.",
        )


def test_a_place_far_away_is_told_on_both_clocks() -> None:
    offered = Offered(plant_zone="America/New_York").chair(FRIDAY).lane(FRIDAY, 24)
    assert told(REQUEST, offered) == (
        "outside_receiving",
        "Arrival Sat 06 Jun 2026 09:00 (America/New_York), Sat 06 Jun 2026 15:00 (Europe/Berlin) is outside the "
        "receiving hours of Fictional Plant.",
    )


def test_a_lane_that_leads_back_to_where_it_begins_brings_nothing() -> None:
    offered = monday_to_saturday(Offered().chair(FRIDAY))
    circle = Lane(CLINIC, CLINIC, dt.timedelta(hours=1))
    offered.add("courier_lane", CLINIC, FRIDAY, "06:00", "20:00", lane=circle)
    assert told(REQUEST, offered)[0] == "no_lane"


def test_frozen_material_waits_for_its_courier_and_its_line() -> None:
    monday, thursday = FRIDAY + 3 * DAY, FRIDAY + 6 * DAY
    offered = Offered().chair(FRIDAY).lane(monday, 24).bay(monday + DAY).line(thursday)
    assert told(REQUEST, offered)[0] == "no_lane"
    frozen = replace(REQUEST, cryopreserved=True, pickup_days=5, storage_days=30)
    (draft,), _ = plan_date(frozen, offered.calendar(), FRIDAY, LONG_AGO)
    assert draft.arrival_at.date() == monday + DAY and draft.manufacture_start.date() == thursday
    assert draft.slack(frozen) is None
    assert told(replace(frozen, storage_days=5), offered)[0] == "no_line"


def test_an_override_replaces_a_lead_time_and_is_told() -> None:
    rules = (
        LeadTime.exactly("manufacture_days", 12, reason="new process"),
        LeadTime.exactly("manufacture_days", 14, site_id=PLANT),
        LeadTime.exactly("manufacture_days", 20, market="US"),
        LeadTime.exactly("manufacture_days", 30, site_id=PLANT, until=FRIDAY),
    )
    request = replace(REQUEST, market="DE", lead_times=rules)
    offered = monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24))
    (draft,), _ = plan_date(request, offered.calendar(), FRIDAY, LONG_AGO)
    assert draft.notes == ("Manufacture takes 14 days at Fictional Plant",)  # the most specific that is in force
    assert draft.tentative_return == draft.manufacture_start + dt.timedelta(days=14 + 7, hours=24)
    first = replace(rules[0], priority=5)
    (draft,), _ = plan_date(replace(request, lead_times=(*rules[1:], first)), offered.calendar(), FRIDAY, LONG_AGO)
    assert draft.notes == ("Manufacture takes 12 days everywhere (new process)",)


def test_a_collection_of_two_days_with_a_contingency_day_takes_three_chairs() -> None:
    offered = Offered()
    for days in range(3):
        offered.chair(FRIDAY + days * DAY).lane(FRIDAY + days * DAY, 24)
    for days in range(5):
        offered.bay(FRIDAY + days * DAY, "00:00", "23:59").line(FRIDAY + days * DAY, "00:00", "23:59")
    request = replace(REQUEST, collection_days=2, contingency_days=1, reserves_contingency=True)
    (draft,), _ = plan_date(request, offered.calendar(), FRIDAY, LONG_AGO)
    kinds = [pick.kind for pick in draft.picks]
    assert kinds[:3] == ["apheresis_chair", "apheresis_chair", "contingency_chair"]
    assert draft.collection_end.date() == FRIDAY + DAY
    assert [pick.starts_at.date() for pick in draft.picks[:3]] == [FRIDAY + days * DAY for days in range(3)]
    offered.windows = [w for w in offered.windows if w.kind != "courier_lane" or w.starts_at.date() != FRIDAY + 2 * DAY]
    code, text = told(request, offered)
    assert code == "no_contingency" and text.startswith("The contingency day Sun 07 Jun is not feasible: No courier")


def test_rankings_differ_in_what_comes_first() -> None:
    offered = Offered()
    for days, hours in ((0, 30), (1, 20)):
        offered.chair(FRIDAY + days * DAY).lane(FRIDAY + days * DAY, hours)
    for days in range(4):
        offered.bay(FRIDAY + days * DAY, "00:00", "23:59").line(FRIDAY + days * DAY, "00:00", "23:59")
    planner = Planner(REQUEST, offered.calendar(), LONG_AGO)
    friday, saturday = (planner.plan(FRIDAY + days * DAY)[0][0] for days in range(2))
    assert saturday.tail.infusion > friday.tail.infusion
    for rank in (fewest_days, most_slack):
        assert min((friday, saturday), key=rank) == saturday


def test_a_calendar_gives_and_takes_places_in_memory() -> None:
    offered = monday_to_saturday(Offered().chair(FRIDAY).lane(FRIDAY, 24))
    clinic = Place(CLINIC, "Fictional Clinic", CENTER, ZoneInfo("Europe/Berlin"))
    calendar = Calendar([clinic, Place(PLANT, "Plant", MAKER, ZoneInfo("Europe/Amsterdam"))], offered.windows)
    (draft,), _ = plan_date(REQUEST, calendar, FRIDAY, LONG_AGO)
    calendar.take(draft.slot_ids)
    _, fault = plan_date(REQUEST, calendar, FRIDAY, LONG_AGO)
    assert fault is not None and fault.code == "chair_full"
    calendar.take(draft.slot_ids, places=-1)
    assert plan_date(REQUEST, calendar, FRIDAY, LONG_AGO)[0] == [draft]
