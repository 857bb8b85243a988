"""The planner's board: each start in the cell of its line and day, its state in words, and nobody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.refusals import NotAllowed, NotFound
from notifications import queries as notices
from notifications.actions import relay
from orders.actions import rescheduling
from scheduling import slot_chains
from tests.desks.conftest import cost
from tests.desks.world import PlantWorld

WHY = {"code": "plant_capacity", "reason": "Line service"}


def booked(plants: PlantWorld, therapy: str, before: str, days: int = 8) -> Journey:
    """An order that has run to a step, with a collection about ``days`` ahead."""
    journey = plants.journey(therapy)
    journey.collect_on = timezone.now() + dt.timedelta(days=days)
    assert journey.run(before=before) == before
    return journey


def start_of(plants: PlantWorld, journey: Journey) -> dt.datetime:
    viewer = plants.player("center", "coordinator").actor
    with reading(viewer):
        chain = slot_chains.live_chain(rescheduling.order_named(viewer, journey.code).stream_id)
    assert chain is not None
    return chain.manufacture_starts_at


def board(plants: PlantWorld, who: tuple[str, str], at: dt.datetime) -> Any:
    page = plants.browse(*who).get("/board/", {"week": f"{at:%Y-%m-%d}"})
    assert page.status_code == 200
    return page


def starts(page: Any) -> dict[str, Any]:
    cells = [cell for line in page.context["lines"] for cell in line.cells]
    return {start.order.code: (cell, start) for cell in cells for start in cell.starts}


@pytest.mark.story("MP1", "CM2")
def test_each_planner_sees_its_own_starts_and_no_other_client_s(plants: PlantWorld) -> None:
    own, one, two = (booked(plants, name, "confirm") for name in ("own", "one", "two"))
    at = start_of(plants, one)
    sponsor = board(plants, ("one", "planner"), at)
    mine = starts(board(plants, ("one", "planner"), start_of(plants, own)))  # full days part what was booked alike
    assert one.code in starts(sponsor) and own.code in mine
    other = plants.organizations["two"], plants.therapies["two"]
    for secret in (two.code, other[0].name, other[1].name):
        assert secret not in sponsor.content.decode(), "a client reads of the other client of its contract manufacturer"
    partners = starts(sponsor)[one.code][0]
    assert (partners.day.taken, partners.day.capacity, partners.percent) == (None, None, None)
    assert mine[own.code][0].percent is not None

    cmo = board(plants, ("cmo", "cmo_planner"), at)
    assert {one.code, two.code} <= set(starts(cmo)) and own.code not in cmo.content.decode()
    assert plants.organizations["two"].name in cmo.content.decode()
    asking = [starts(cmo)[journey.code][1] for journey in (one, two)]
    assert not any(start.movable or start.answerable for start in asking), "the sponsor answers"
    sure = booked(plants, "two", "accept_job")
    cmo = starts(board(plants, ("cmo", "cmo_planner"), start_of(plants, sure)))
    assert cmo[sure.code][1].movable and not cmo[sure.code][1].answerable

    assert starts(board(plants, ("stranger", "planner"), at)) == {}
    for who in (("one", "operator"), ("center", "coordinator"), ("courier", "courier_dispatcher")):
        assert plants.browse(*who).get("/board/").status_code == 403


@pytest.mark.story("MP1")
def test_a_start_says_its_state_in_words_and_leads_to_what_can_be_done(plants: PlantWorld) -> None:
    asked, sure, near = (
        booked(plants, "own", before, days) for before, days in (("confirm", 8), ("accept_job", 8), ("accept_job", 0))
    )
    page = board(plants, ("one", "planner"), start_of(plants, sure))
    found, html = starts(page), page.content.decode()
    assert (found[asked.code][1].state, found[sure.code][1].state) == ("requested", "confirmed")
    assert "Requested" in html and "Confirmed" in html
    assert f'data-move="/orders/{sure.code}/dates/"' in html and f"/orders/{sure.code}/dates/?line=" in html
    assert f'data-move="/orders/{asked.code}/dates/"' not in html and f'href="/#r-{asked.code}"' in html
    frozen = board(plants, ("one", "planner"), start_of(plants, near))
    assert starts(frozen)[near.code][1].state == "frozen" and "Frozen" in frozen.content.decode()
    assert f'data-move="/orders/{near.code}/dates/"' not in frozen.content.decode()

    planner = plants.player("one", "planner").actor
    earliest = (timezone.now() + dt.timedelta(days=10)).date()
    offer = rescheduling.search_dates(planner, sure.code, earliest).offers[0]
    rescheduling.reschedule(planner, sure.code, {"offer": offer.token, **WHY})
    both = board(plants, ("one", "planner"), offer.manufacture_start)
    assert starts(both)[sure.code][1].state == "proposed" and "Proposed change" in both.content.decode()
    assert f'data-move="/orders/{sure.code}/dates/"' not in both.content.decode()


@pytest.mark.story("CM2")
def test_only_the_order_s_own_manufacturer_proposes_other_dates(plants: PlantWorld) -> None:
    order = booked(plants, "one", "accept_job")
    at, earliest = start_of(plants, order), (timezone.now() + dt.timedelta(days=10)).date()
    offer = rescheduling.search_dates(plants.player("one", "planner").actor, order.code, earliest).offers[0]
    for who, refusal in ((("cmo", "cmo_operator"), NotAllowed), (("two", "planner"), NotFound)):
        actor = plants.player(*who).actor
        with pytest.raises(refusal):
            rescheduling.search_dates(actor, order.code, earliest)
        with pytest.raises(refusal):
            rescheduling.reschedule(actor, order.code, {"offer": offer.token, **WHY})
    assert start_of(plants, order) == at
    rescheduling.reschedule(plants.player("one", "planner").actor, order.code, {"offer": offer.token, **WHY})
    relay.relay()
    center = plants.player("center", "coordinator").actor
    with reading(center):
        notice = notices.inbox(center).filter(path__contains=order.code, title__contains="Other dates proposed").get()
    assert plants.organizations["two"].name not in notice.title
    rescheduling.answer_change(center, order.code, {"decision": "agree"})
    relay.relay()
    planner = plants.player("one", "planner").actor
    with reading(planner):
        told = notices.inbox(planner).filter(path__contains=order.code, title__contains="Proposed dates agreed")
        assert told.count() == 1
    assert start_of(plants, order) == offer.manufacture_start


@pytest.mark.story("MP1")
def test_the_week_stands_in_the_address_and_nonsense_shows_this_week(plants: PlantWorld) -> None:
    planner = plants.browse("one", "planner")
    today = planner.get("/board/").context["week"][0]
    later = planner.get("/board/", {"week": f"{today + dt.timedelta(days=9):%Y-%m-%d}"})
    assert later.context["week"][0] == today + dt.timedelta(days=7)
    assert f"?week={today + dt.timedelta(days=14):%Y-%m-%d}" in later.content.decode()
    for nonsense in ("soon", "2026-02-31", "9999-12-31", "\x00"):
        assert planner.get("/board/", {"week": nonsense}).context["week"][0] == today


def test_more_starts_cost_no_more_queries(plants: PlantWorld) -> None:
    first = booked(plants, "two", "accept_job", 12)
    planner, at = plants.browse("two", "planner"), start_of(plants, first)
    address = f"/board/?week={at:%Y-%m-%d}"
    few, page = cost(planner, address)
    before = len(starts(page))
    for _ in range(2):
        booked(plants, "two", "accept_job", 12)
    many, page = cost(planner, address)
    assert len(starts(page)) >= before + 1 and many <= few
