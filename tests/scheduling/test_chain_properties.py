"""Every offered chain is feasible by an independent judge, and no feasible chain is missed: all are tried."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduling.calendars import Calendar, Lane, Place, Window
from scheduling.conditions import ShipperHold, Washout
from scheduling.drafts import Draft
from scheduling.feasibility import plan_date
from scheduling.offers import ChainRequest
from scheduling.quota_rules import QuotaLeft
from scheduling.states import LinkKind
from tests.scheduling.checker import Judge

CLINIC, FIRST, SECOND, CENTER, MAKER, FAST, SLOW, THERAPY = (UUID(int=n) for n in range(1, 9))
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "Asia/Kolkata", "UTC")
# Days around changes of the clock, both ways and in both hemispheres.
DAYS = (dt.date(2026, 3, 8), dt.date(2026, 3, 29), dt.date(2026, 10, 25), dt.date(2026, 11, 1), dt.date(2026, 4, 5),
        dt.date(2026, 10, 4), dt.date(2026, 9, 6), dt.date(2026, 7, 1))  # fmt: skip
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@st.composite
def instances(draw: st.DrawFn) -> tuple[Judge, dt.date]:
    """A small calendar with two plants around a change of clocks, and a request that may ask for anything."""
    date = draw(st.sampled_from(DAYS))
    zones = {site: draw(st.sampled_from(ZONES)) for site in (CLINIC, FIRST, SECOND)}
    places = {
        site: Place(site, f"Fictional {site.int}", CENTER if site == CLINIC else MAKER, ZoneInfo(zone))
        for site, zone in zones.items()
    }
    request = draw(requests(date))
    numbers = iter(range(100, 10_000))
    windows = []

    def add(
        kind: str, site: UUID, most: int, starts: range, hours: tuple[int, ...], lane: tuple[UUID, UUID] | None = None
    ) -> None:
        """Offer up to ``most`` windows, so many hours after the date's midnight at the site, so many hours long."""
        for _ in range(draw(st.integers(1, most))):
            begins = dt.datetime.combine(date, dt.time(), places[site].zone).astimezone(dt.UTC)
            begins += dt.timedelta(hours=draw(st.sampled_from(starts)))
            run = None
            if lane is not None:
                cutoff = draw(st.sampled_from((None, None, None, dt.time(2, 30), dt.time(17))))
                weekdays = frozenset(draw(st.sampled_from((range(1, 8),) * 4 + (range(1, 7), (7,)))))
                run = Lane(*lane, dt.timedelta(hours=draw(st.sampled_from((3, 12, 20, 30)))), cutoff, weekdays)
            owner = draw(st.sampled_from((FAST, SLOW))) if lane else places[site].organization_id
            left, length = draw(st.sampled_from((0, 1, 1, 1, 1, 2))), draw(st.sampled_from(hours))
            slot_id, ends = UUID(int=next(numbers)), begins + dt.timedelta(hours=length)
            windows.append(Window(slot_id, kind, owner, site, begins, ends, left, f"Fictional {kind}", run))

    add("apheresis_chair", CLINIC, 3, range(0, 20, 4), (3, 8, 12))
    if request.contingency_days:
        add("apheresis_chair", CLINIC, 2, range(24, 44, 4), (8, 12))
    for plant in (FIRST, SECOND):
        add("courier_lane", CLINIC, 4, range(0, 40, 4), (6, 12, 24), (CLINIC, plant))
        add("receiving", plant, 2, range(0, 60, 6), (12, 48, 72))
        add("manufacturing_line", plant, 2, range(6, 72, 6), (12, 36, 60))
        for kind, starts in (("critical_stock", range(0, 48, 6)), ("quality_release", range(24, 100, 12))):
            if kind in request.needs:
                add(kind, plant, 2, starts, (24, 72))
        if "return_lane" in request.needs:
            add("courier_lane", plant, 2, range(60, 180, 12), (12, 48), (plant, CLINIC))
    if "infusion_bed" in request.needs:
        add("infusion_bed", CLINIC, 3, range(72, 260, 12), (24, 72))
    quotas = draw(st.one_of(st.just([]), st.lists(limits(date), max_size=2)))
    return Judge(request, places, windows, NOW, quotas), date


@st.composite
def requests(draw: st.DrawFn, date: dt.date) -> ChainRequest:
    extra = draw(st.sets(st.sampled_from(("critical_stock", "quality_release", "return_lane", "infusion_bed"))))
    cryopreserved = draw(st.booleans())
    second = draw(st.sampled_from((0, 0, 2))) if "infusion_bed" in extra else 0
    holds = [ShipperHold(CLINIC, FIRST, draw(st.sampled_from((12, 24, 48)))), ShipperHold(FIRST, CLINIC, 20, SLOW)]
    return ChainRequest(
        therapy_id=THERAPY,
        center_site_id=CLINIC,
        plant_site_ids=(FIRST, SECOND),
        earliest=date - dt.timedelta(days=draw(st.sampled_from((0, 3)))),
        courier_organization_ids=draw(st.sampled_from((None, None, (FAST,), (FAST, SLOW)))),
        collection_hours=draw(st.sampled_from((1, 4))),
        pack_minutes=draw(st.sampled_from((30, 75))),
        max_age_hours=draw(st.sampled_from((None, 36, 72))),
        age_buffer_hours=draw(st.sampled_from((0, 6))),
        manufacture_days=draw(st.sampled_from((0.5, 2))),
        release_days=1,
        conditioning_days=draw(st.sampled_from((0, 1))),
        needs=(*(kind.value for kind in LinkKind if kind in _ALWAYS), *sorted(extra)),
        cryopreserved=cryopreserved,
        storage_days=draw(st.sampled_from((None, 1, 3))),
        pickup_days=draw(st.sampled_from((0, 2))) if cryopreserved else 0,
        contingency_days=draw(st.sampled_from((0, 0, 1))),
        weekdays=frozenset(draw(st.sampled_from((range(1, 8),) * 6 + (range(1, 6), (7,))))),
        washouts=draw(st.sampled_from(((), (Washout("bridging", date - dt.timedelta(days=7), 7),)))),
        shipper_holds=tuple(draw(st.sampled_from(([], [], [], holds)))),
        shipper_buffer_hours=draw(st.sampled_from((0, 2))),
        infusion_weekdays=frozenset(draw(st.sampled_from((range(1, 8), range(1, 6))))),
        product_hold_days=draw(st.sampled_from((None, 3))),
        same_courier=draw(st.booleans()),
        second_dose_days=second,
        second_dose_tolerance_days=1 if second else 0,
    )


_ALWAYS = (LinkKind.APHERESIS_CHAIR, LinkKind.COURIER_LANE, LinkKind.RECEIVING, LinkKind.MANUFACTURING_LINE)


@st.composite
def limits(draw: st.DrawFn, date: dt.date) -> QuotaLeft:
    midnight = dt.datetime.combine(date, dt.time(), dt.UTC)
    first = midnight + dt.timedelta(days=draw(st.integers(-1, 2)))
    stage = draw(st.sampled_from(("apheresis_chair", "receiving", "manufacturing_line")))
    return QuotaLeft(MAKER, stage, "pool", first, first + dt.timedelta(days=1), draw(st.sampled_from((0, 0, 1))))


def calendar_of(judge: Judge) -> Calendar:
    return Calendar(judge.places.values(), judge.windows, judge.quotas)


def chosen(draft: Draft) -> dict[str, Window]:
    return {pick.kind: pick.window for pick in draft.picks if pick.kind != LinkKind.CONTINGENCY_CHAIR}


def has_contingency(judge: Judge, date: dt.date, plant_id: UUID) -> bool:
    """Whether the day after is feasible too, by the same plant; what binds only the chosen day does not bind it."""
    free = replace(judge.request, weekdays=frozenset(range(1, 8)), earliest=date, washouts=(), contingency_days=0)
    quotas = [quota for quota in judge.quotas if quota.stage != "apheresis_chair"]
    return replace(judge, request=free, quotas=quotas).has_chain(date + dt.timedelta(days=1), plant_id)


@pytest.mark.story("CO1")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(instances())
def test_every_offered_chain_is_feasible_and_no_feasible_chain_is_missed(instance: tuple[Judge, dt.date]) -> None:
    judge, date = instance
    drafts, fault = plan_date(judge.request, calendar_of(judge), date, NOW)
    assert (fault is None) == bool(drafts)
    offered = {draft.plant_id: draft for draft in drafts}
    for plant_id in (FIRST, SECOND):
        possible = [verdict for verdict in judge.every_chain(date, plant_id) if verdict.is_feasible]
        if judge.request.contingency_days and not has_contingency(judge, date, plant_id):
            possible = []
        assert (plant_id in offered) == bool(possible)
        if possible:
            draft = offered[plant_id]
            verdict = judge.verdict(chosen(draft), plant_id)
            assert verdict.faults == []
            times = verdict.times
            assert draft.earliest_infusion == times["infusion"] == min(one.times["infusion"] for one in possible)
            assert (draft.pickup_at, draft.arrival_at) == (times["pickup"], times["arrival"])
            assert (draft.manufacture_start, draft.tentative_return) == (times["start"], times["back"])
