"""Dates that somebody else took: the stable codes of what is full, on every door that takes places (CO2)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import F

from ledger.context import reading
from ledger.recording import acting
from orders import queries
from orders.flow import order_named
from scheduling.models import Slot
from tests.api.conftest import make_partner, problem
from tests.orders.conftest import confirmed, patient, prescribed, text_of
from tests.orders.factories import BERLIN, World, make_world
from tests.orders.test_repairs import coordinator, planner
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.story("CO2")]
CODES = {
    "apheresis_chair": "chair_full",
    "courier_lane": "lane_full",
    "receiving": "receiving_full",
    "manufacturing_line": "line_full",
}


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def offered(world: World, code: str) -> Any:
    actor = coordinator(world)
    with reading(actor):
        order = order_named(actor, code)
        step = queries.step_of(actor, order, "book")
        return queries.search_slots(actor, order, step, dt.datetime.now(BERLIN).date() + dt.timedelta(days=6)).offers[0]


def full(world: World, offer: Any, kind: str) -> None:
    """Somebody else has every place that the offer wants of this kind, and of all that is alike."""
    ids = [link.slot_id for link in offer.links if link.kind == kind]
    with acting(planner(world), "scheduling.resource_added"):
        Slot.unwalled.filter(pk__in=ids).update(taken=F("capacity"))


@pytest.mark.parametrize("kind", CODES)
def test_a_hold_of_a_taken_place_says_which_is_full_by_its_code(far: World, kind: str) -> None:
    code = prescribed(far, **patient())
    offer = offered(far, code)
    full(far, offer, kind)
    partner = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    refused = problem(partner.post(f"orders/{code}/slot-chains/hold", {"offer": offer.token}), 409, "slot_full")
    (reason,) = refused["reasons"]
    assert reason["code"] == CODES[kind] and reason["text"]
    assert reason["date"] == offer.collection_start.astimezone(BERLIN).date().isoformat()
    assert refused["offers"], "and what comes next"
    with reading(coordinator(far)):
        version = queries.step_of(coordinator(far), order_named(coordinator(far), code), "book").etag
    page = signed_in(far.member("center", "coordinator")).post(
        f"/orders/{code}/steps/book/", {"offer": offer.token, "version": version}
    )
    assert page.status_code == 409 and "The next best slot chain starts" in text_of(page)


def test_a_place_that_went_between_search_and_lock_says_the_same(far: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last place goes after the offer was worked out anew, before it is taken."""
    from scheduling import slot_chains

    code = prescribed(far, **patient())
    offer, worked_out = offered(far, code), slot_chains.offer_of_token

    def too_late(*args: Any, **kwargs: Any) -> Any:
        found = worked_out(*args, **kwargs)
        ids = [link.slot_id for link in offer.links if link.kind == "courier_lane"]
        Slot.unwalled.filter(pk__in=ids).update(taken=F("capacity"))
        return found

    monkeypatch.setattr(slot_chains, "offer_of_token", too_late)
    partner = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    refused = problem(partner.post(f"orders/{code}/slot-chains/hold", {"offer": offer.token}), 409, "slot_full")
    assert [one["code"] for one in refused["reasons"]] == ["lane_full"]


def test_other_dates_that_are_taken_say_the_same_when_a_booked_order_moves(far: World) -> None:
    from orders.actions.rescheduling import search_dates

    code = confirmed(far, 16, **patient())
    moved = search_dates(coordinator(far), code, dt.datetime.now(BERLIN).date() + dt.timedelta(days=18)).offers[0]
    full(far, moved, "manufacturing_line")
    partner = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    given = {"offer": moved.token, "code": "patient_wish", "reason": "Another day"}
    for answer in (
        partner.post(f"orders/{code}/dates/move", given),
        partner.get(f"orders/{code}/dates/preview?offer={moved.token}"),
    ):
        assert [one["code"] for one in problem(answer, 409, "slot_full")["reasons"]] == ["line_full"]
