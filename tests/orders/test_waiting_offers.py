"""Free places offered along the waiting list: in rank order, with a timer, kept from everybody else (CO5, CO10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.refusals import InvalidInput, WrongState
from notifications.models import Notice
from notifications.tasks import relay_outbox
from orders import bookings
from orders.flow import order_named
from orders.tasks import offer_freed_places
from scheduling.actions.committee import appeal
from scheduling.actions.disruptions import close_disruption, open_disruption
from scheduling.actions.waiting import (
    accept_offer,
    expire_place,
    refuse_offer,
    withdraw_entry,
)
from scheduling.models import (
    FreedPlace,
    OfferedPlace,
    PlaceDue,
    Slot,
    WaitingEntry,
    WaitingOffer,
)
from tests.orders.conftest import patient, prescribed, step
from tests.orders.factories import World, make_world
from tests.orders.waiting import (
    line_places,
    listed,
    offers,
    taken,
)

pytestmark = [pytest.mark.django_db, pytest.mark.story("CO10")]
LATER = dt.timedelta(days=9)


@pytest.fixture
def world() -> World:
    return make_world(days=6)


def rows(world: World, model: Any, **narrowed: Any) -> list[Any]:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return list(model.unwalled.filter(**narrowed).order_by("pk"))


def due(offer: WaitingOffer) -> PlaceDue:
    found: PlaceDue = PlaceDue.unwalled.get(place_id=offer.place_id)
    return found


@pytest.mark.story("CO5")
def test_a_free_place_is_offered_to_the_first_and_kept_from_everybody_else(world: World) -> None:
    first, *_ = listed(world)
    line_places(world, 1)
    assert offer_freed_places() == 1
    (offer,) = offers(world)
    assert (offer.entry_id, offer.rank) == (first.pk, 1)
    assert taken(world) == 1
    outsider = prescribed(world, **patient())
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, outsider)
        assert bookings.search(coordinator, order, {}, timezone.now().date()).offers == []
    assert offer_freed_places() == 0
    (event,) = rows(world, Event, kind="scheduling.place_offered")
    assert event.payload["orders"] == [first.order_code]


@pytest.mark.story("CO5")
def test_a_refusal_goes_to_the_next_in_rank_and_never_back_to_the_same(world: World) -> None:
    first, second, third = listed(world)
    line_places(world, 1)
    coordinator = world.actor("center", "coordinator")
    asked = []
    for _ in range(3):
        assert offer_freed_places() == 1
        (offer,) = offers(world)
        asked.append(offer.entry_id)
        with pytest.raises(InvalidInput):
            refuse_offer(coordinator, offer.pk, "")
        refuse_offer(coordinator, offer.pk, "Fever")
        assert taken(world) == 0
        with pytest.raises(WrongState):
            refuse_offer(coordinator, offer.pk, "Again")
    assert asked == [first.pk, second.pk, third.pk]
    answered = rows(world, WaitingOffer)
    assert [(one.state, one.reason) for one in answered] == [("refused", "Fever")] * 3
    assert len(rows(world, Event, kind="scheduling.offer_refused")) == 3


@pytest.mark.story("CO5")
def test_an_expired_offer_moves_on_exactly_once(world: World) -> None:
    first, second, _ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    (offer,) = offers(world)
    row = due(offer)
    assert not expire_place(row)
    assert expire_place(row, timezone.now() + LATER)
    assert not expire_place(row, timezone.now() + LATER)
    assert taken(world) == 0
    assert offer_freed_places() == 1
    (offer,) = offers(world)
    assert offer.entry_id == second.pk
    assert taken(world) == 1
    with pytest.raises(WrongState):
        accept_offer(world.actor("center", "coordinator"), rows(world, WaitingOffer, entry=first)[0].pk)


@pytest.mark.story("CO5")
def test_an_accepted_place_is_booked_with_its_own_token(world: World) -> None:
    first, *_ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    (offer,) = offers(world)
    coordinator = world.actor("center", "coordinator")
    accept_offer(coordinator, offer.pk)
    with reading(coordinator):
        found = bookings.search(coordinator, order_named(coordinator, first.order_code), {}, timezone.now().date())
    slots = {link["slot_id"] for link in offer.place.offer["links"]}
    kept = next(one for one in found.offers if {str(link.slot_id) for link in one.links} == slots)
    step(world, first.order_code, ("center", "coordinator", 1), "book", offer=kept.token)
    assert taken(world) == 1
    (booked,) = rows(world, WaitingOffer, pk=offer.pk)
    assert booked.state == "booked"
    assert rows(world, OfferedPlace)[0].state == "booked"
    assert rows(world, WaitingEntry, pk=first.pk)[0].placed_at is not None
    assert not PlaceDue.unwalled.filter(place_id=offer.place_id).exists()
    assert offers(world) == []


@pytest.mark.story("CO5")
def test_a_place_offered_to_several_goes_to_the_first_who_accepts(world: World) -> None:
    first, second, third = listed(world, offer_mode="parallel", parallel=2)
    line_places(world, 1)
    assert offer_freed_places() == 1
    asked = offers(world)
    assert [offer.entry_id for offer in asked] == [first.pk, second.pk]
    assert taken(world) == 1
    coordinator = world.actor("center", "coordinator")
    accept_offer(coordinator, asked[1].pk)
    with pytest.raises(WrongState):
        accept_offer(coordinator, asked[0].pk)
    assert [one.state for one in rows(world, WaitingOffer)] == ["lost", "accepted"]
    refuse_offer(coordinator, asked[1].pk, "Fever")
    assert taken(world) == 0
    assert offer_freed_places() == 1
    assert {offer.entry_id for offer in offers(world)} == {first.pk, third.pk}


def test_withdrawing_lets_the_offered_place_go_on(world: World) -> None:
    first, second, _ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    withdraw_entry(world.actor("center", "coordinator"), first.pk, "Chose another trial")
    assert taken(world) == 0
    offer_freed_places()
    assert [offer.entry_id for offer in offers(world)] == [second.pk]


def test_not_before_keeps_an_entry_from_earlier_dates(world: World) -> None:
    first, second, _ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    (offer,) = offers(world)
    far = timezone.now().date() + dt.timedelta(days=200)
    refuse_offer(world.actor("center", "coordinator"), offer.pk, "Infection", far)
    offer_freed_places()
    assert [one.entry_id for one in offers(world)] == [second.pk]
    (event,) = [e for e in rows(world, Event, kind="scheduling.place_offered") if e.payload["passed_over"]]
    assert event.payload["passed_over"] == [first.order_code]


def test_what_was_freed_is_remembered_until_a_sweep_has_looked(world: World) -> None:
    listed(world)
    assert not FreedPlace.unwalled.exists()
    line_places(world, 1)
    assert FreedPlace.unwalled.exists()
    offer_freed_places()
    assert not FreedPlace.unwalled.filter(noted_at__lt=timezone.now()).exists()


def test_who_answers_offers_is_told_and_nobody_at_the_manufacturers(world: World) -> None:
    first, *_ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    appeal(world.actor("center", "coordinator"), first.pk, "Too low")
    relay_outbox()
    told = {
        "coordinator": f"Place offered · {first.order_code}",
        "committee_member": f"A rank is appealed · {first.order_code}",
    }
    for persona, title in told.items():
        actor = world.actor("center", persona)
        with reading(actor):
            (notice,) = Notice.unwalled.filter(user_id=actor.user_id, title__startswith=title.split(" ·")[0])
        assert notice.title == title
    for persona in ("planner", "case_manager"):
        actor = world.actor("maker", persona)
        with reading(actor):
            assert not Notice.unwalled.filter(title__contains="offered").exists()
            assert not Notice.unwalled.filter(title__contains="appealed").exists()


@pytest.mark.story("MP6")
def test_a_disruption_takes_an_offered_place_back_and_the_patient_keeps_the_rank(world: World) -> None:
    first, second, _ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    (offer,) = offers(world)
    accept_offer(world.actor("center", "coordinator"), offer.pk)
    disruption = line_stopped(world, offer)
    relay_outbox()
    assert FreedPlace.unwalled.exists()  # in the transaction of the opening: a broker that is down loses nothing
    offer_freed_places()
    (lost,) = rows(world, WaitingOffer, pk=offer.pk)
    assert lost.state == "taken_back" and offers(world) == [] and taken(world) == 0
    assert not PlaceDue.unwalled.filter(place_id=offer.place_id).exists()
    (event,) = rows(world, Event, kind="scheduling.offer_taken_back")
    assert event.payload["orders"] == [first.order_code]
    relay_outbox()
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        (notice,) = Notice.unwalled.filter(user_id=coordinator.user_id, title__startswith="Offer taken back")
    assert notice.title == f"Offer taken back after a disruption · {first.order_code}"
    offer_freed_places()
    assert len(rows(world, Event, kind="scheduling.offer_taken_back")) == 1
    close_disruption(world.actor("maker", "planner"), disruption.pk)
    assert offer_freed_places() == 1
    (again,) = offers(world)
    assert (again.entry_id, again.rank) == (first.pk, 1) and again.entry_id != second.pk


def line_stopped(world: World, offer: WaitingOffer) -> Any:
    """The start of the offered place is taken out of its line."""
    planner = world.actor("maker", "planner")
    with reading(planner):
        link = next(one for one in offer.place.offer["links"] if one["kind"] == "manufacturing_line")
        slot = Slot.unwalled.select_related("resource").get(pk=link["slot_id"])
    return open_disruption(
        planner,
        kind="line_stop",
        resources=[slot.resource.code],
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        reason="Leak",
    )
