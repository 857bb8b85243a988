"""A contract manufacturer's planner proposes other dates on its own lines: the center agrees, the sponsor may withdraw
it, and no sponsor learns of another (CM1, CM2)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.refusals import NotAllowed, NotFound, Refusal, WrongState
from ledger.walls import visible
from network.actions.places import add_lane, add_plant
from notifications import queries as notices
from notifications.actions import relay
from orders import sponsors
from orders.actions import rescheduling
from orders.flow import order_named
from orders.models import Order
from scheduling import slot_chains
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota
from scheduling.quotas import QuotaUsedUp
from tests.desks.test_line_board import WHY, booked, start_of
from tests.desks.world import PlantWorld, therapy_of
from tests.factories import operator

CMO = ("cmo", "cmo_planner")


def offer(plants: PlantWorld, journey: Journey, who: tuple[str, str] = CMO, days: int = 10) -> Any:
    earliest = (timezone.now() + dt.timedelta(days=days)).date()
    return rescheduling.search_dates(plants.player(*who).actor, journey.code, earliest).offers[0]


def proposed(plants: PlantWorld, journey: Journey) -> Any:
    found = offer(plants, journey)
    done = rescheduling.reschedule(plants.player(*CMO).actor, journey.code, {"offer": found.token, **WHY})
    assert done.outcome == rescheduling.PROPOSED
    return found


def standing(plants: PlantWorld, journey: Journey, who: tuple[str, str]) -> rescheduling.Standing:
    actor = plants.player(*who).actor
    with reading(actor):
        return rescheduling.standing(actor, order_named(actor, journey.code))


@pytest.mark.story("CM2", "MP2")
def test_the_center_agrees_to_what_the_contract_manufacturer_s_planner_proposes(plants: PlantWorld) -> None:
    order, other = booked(plants, "one", "accept_job"), booked(plants, "two", "accept_job")
    before = start_of(plants, order)
    found = proposed(plants, order)
    assert start_of(plants, order) == before, "nothing moves before the center agrees"
    cmo, sponsor = standing(plants, order, CMO), standing(plants, order, ("one", "planner"))
    assert (cmo.may_withdraw, cmo.may_answer) == (True, False)
    assert (sponsor.may_withdraw, sponsor.may_answer) == (True, False)
    relay.relay()
    for who in (("center", "coordinator"), ("one", "planner")):
        actor = plants.player(*who).actor
        with reading(actor):
            told = notices.inbox(actor).filter(path__contains=order.code, title__contains="Other dates proposed")
            assert told.count() == 1
    center = plants.player("center", "coordinator").actor
    assert order.code in {o.code for o, _ in _waiting(center)}
    assert order.code not in {o.code for o, _ in _waiting(plants.player("one", "planner").actor)}
    with pytest.raises(NotAllowed):
        rescheduling.answer_change(plants.player(*CMO).actor, order.code, {"decision": "agree"})
    with pytest.raises(NotAllowed):
        rescheduling.answer_change(plants.player("one", "planner").actor, order.code, {"decision": "agree"})
    with pytest.raises(NotFound):
        rescheduling.withdraw_change(plants.player("two", "planner").actor, order.code, {"reason": "Not mine"})
    rescheduling.answer_change(center, order.code, {"decision": "agree"})
    assert start_of(plants, order) == found.manufacture_start
    assert start_of(plants, other) != before or other.code != order.code
    links = _links(plants, order)
    assert {link.site_id for link in links if link.kind == "manufacturing_line"} == {plants.sites["cmo"].pk}


def _waiting(actor: Any) -> Any:
    with reading(actor):
        return rescheduling.waiting_changes(actor)


def _links(plants: PlantWorld, journey: Journey) -> Any:
    viewer = plants.player("center", "coordinator").actor
    with reading(viewer):
        chain = slot_chains.live_chain(order_named(viewer, journey.code).stream_id)
        assert chain is not None
        return slot_chains.links_of(chain)


@pytest.mark.story("CM2")
def test_the_sponsor_withdraws_what_its_contract_manufacturer_proposed(plants: PlantWorld) -> None:
    order = booked(plants, "two", "accept_job")
    before = start_of(plants, order)
    proposed(plants, order)
    rescheduling.withdraw_change(plants.player("two", "planner").actor, order.code, {"reason": "We keep this date"})
    with pytest.raises(WrongState):
        rescheduling.answer_change(plants.player("center", "coordinator").actor, order.code, {"decision": "agree"})
    assert start_of(plants, order) == before


@pytest.mark.story("CM2")
def test_a_contract_manufacturer_moves_nothing_to_another_plant_and_hears_of_none(plants: PlantWorld) -> None:
    sponsor, own = operator(plants.organizations["one"]), plants.sites["one"]
    plants.therapies["both"] = therapy = therapy_of(plants, "both", "one", "cmo")
    add_plant(sponsor, therapy, own)  # the sponsor could make it itself
    for direction, origin, destination in (("inbound", plants.clinic, own), ("outbound", own, plants.clinic)):
        names = {"manufacturer": plants.organizations["one"], "courier": plants.organizations["courier"]}
        hours: dict[str, Any] = {"transit_hours": 20, "qualified_hours": 240, "cutoff": dt.time(20)}
        ends = {"origin": origin, "destination": destination, "direction": direction, "weekdays": range(7)}
        add_lane(sponsor, **names, **hours, **ends)
    order = booked(plants, "both", "accept_job")
    if order_plant(plants, order) != plants.sites["cmo"].pk:
        move_to_cmo(plants, order)
    earliest = (timezone.now() + dt.timedelta(days=10)).date()
    everywhere = rescheduling.search_dates(plants.player("one", "planner").actor, order.code, earliest)
    elsewhere = [one for one in everywhere.offers if any(link.site_id == own.pk for link in one.links)]
    assert elsewhere, "the sponsor itself is offered its own plant"
    mine = rescheduling.search_dates(plants.player(*CMO).actor, order.code, earliest)
    assert mine.offers
    for one in mine.offers:
        assert own.pk not in {link.site_id for link in one.links}
    assert all(own.name not in day.text for day in mine.refused)
    with pytest.raises(Refusal):
        token = {"offer": elsewhere[0].token, **WHY}
        rescheduling.reschedule(plants.player(*CMO).actor, order.code, token)
    page = plants.browse(*CMO).get(f"/orders/{order.code}/dates/")
    assert page.status_code == 200 and own.name not in page.content.decode()


def order_plant(plants: PlantWorld, journey: Journey) -> Any:
    viewer = plants.player("center", "coordinator").actor
    with reading(viewer):
        return order_named(viewer, journey.code).plant_site_id


def move_to_cmo(plants: PlantWorld, journey: Journey) -> None:
    """The sponsor proposes its contract manufacturer, and the center agrees."""
    planner, cmo = plants.player("one", "planner").actor, plants.sites["cmo"].pk
    found = rescheduling.search_dates(planner, journey.code, timezone.now().date())
    one = next(one for one in found.offers if any(link.site_id == cmo for link in one.links))
    rescheduling.reschedule(planner, journey.code, {"offer": one.token, **WHY})
    rescheduling.answer_change(plants.player("center", "coordinator").actor, journey.code, {"decision": "agree"})
    assert order_plant(plants, journey) == cmo


def test_what_a_quota_of_the_sponsor_leaves_holds_for_its_contract_manufacturer_too(plants: PlantWorld) -> None:
    order, earliest = booked(plants, "two", "accept_job"), timezone.now() + dt.timedelta(days=10)
    cmo = plants.player(*CMO).actor
    found = rescheduling.search_dates(cmo, order.code, earliest.date())
    last = max(found.offers, key=lambda one: one.manufacture_start)
    monday = last.manufacture_start.date() - dt.timedelta(days=last.manufacture_start.weekday())
    assert start_of(plants, order) < last.manufacture_start - dt.timedelta(days=7), "another week than the booked one"
    center = plants.organizations["center"].code
    rules = QuotaRules(
        plants.therapies["two"].code, "manufacturing_line", "week", monday, monday + dt.timedelta(days=6)
    )
    add_quota(operator(plants.organizations["two"]), rules, [ShareRow(0, center=center)])
    with pytest.raises(QuotaUsedUp):
        rescheduling.reschedule(cmo, order.code, {"offer": last.token, **WHY})
    after = rescheduling.search_dates(cmo, order.code, earliest.date())
    assert last.token not in {one.token for one in after.offers}
    assert "quota_used_up" in {day.code for day in after.refused}


@pytest.mark.story("CM2")
def test_the_page_of_dates_says_who_is_asked_and_keeps_what_was_typed(plants: PlantWorld) -> None:
    order = booked(plants, "one", "accept_job")
    browser, found = plants.browse(*CMO), offer(plants, order)
    page = browser.get(f"/orders/{order.code}/dates/", {"offer": found.token})
    html = page.content.decode()
    assert "Ask the treatment center" in html and plants.organizations["one"].name in html
    assert plants.organizations["two"].name not in html
    bad = browser.post(f"/orders/{order.code}/dates/", {"offer": found.token, "code": "plant_capacity", "reason": ""})
    assert bad.status_code == 400 and bad.context["errors"].keys() == {"reason"}
    assert bad.context["preview"].offer.manufacture_start == found.manufacture_start, "what was chosen is kept"
    good = browser.post(f"/orders/{order.code}/dates/", {"offer": found.token, **WHY})
    assert good.status_code == 303 and standing(plants, order, CMO).may_withdraw


@pytest.mark.story("CM1")
def test_a_sponsor_s_sight_is_lent_for_an_order_of_one_s_own_plant_only(plants: PlantWorld) -> None:
    here, elsewhere = booked(plants, "one", "accept_job"), booked(plants, "own", "accept_job")
    sponsor, cmo = plants.player("one", "planner").actor, plants.player(*CMO).actor
    with reading(sponsor):
        orders = [order_named(sponsor, journey.code) for journey in (here, elsewhere)]
        sites = [order.plant_site for order in orders]
    assert all(sites)
    for order, lent in zip(orders, (True, False), strict=True):
        with reading(cmo), sponsors.sight(cmo, order) as seen:
            assert (seen.organization_id == order.manufacturer_id) is lent
            assert visible(Order, seen).filter(pk=orders[1].pk).exists() is lent
    with reading(sponsor), sponsors.sight(sponsor, orders[0]) as seen:
        assert seen is sponsor
