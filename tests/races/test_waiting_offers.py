"""An offered place has one taker and ends once: real threads, real commits (CO5, CO10)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.actions.waiting_list import offer_free_places
from scheduling.actions.waiting import accept_offer, expire_place, refuse_offer
from scheduling.models import OfferedPlace, OpenList, PlaceDue, WaitingOffer
from tests.orders.factories import World, make_world
from tests.orders.waiting import decide, line_places, make_criteria, offers, taken, waits
from tests.races.test_slots import together

pytestmark = [pytest.mark.race, pytest.mark.story("CO5")]
AFTER = dt.timedelta(days=9)


def listed(places: int, **criteria: object) -> World:
    """Three who wait, and so many free places."""
    world = make_world(days=6)
    line_places(world, 0)
    make_criteria(world, **criteria)
    for points in (9, 6, 3):
        waits(world, points, points)
    decide(world)
    line_places(world, places)
    return world


def known(world: World) -> OpenList:
    found: OpenList = OpenList.unwalled.get(organization_id=world.center.pk)
    return found


def states(world: World) -> list[str]:
    with reading(world.actor("center", "coordinator")):
        return list(WaitingOffer.unwalled.order_by("rank", "pk").values_list("state", flat=True))


def test_sweeps_at_once_offer_each_place_once(committed_db: None) -> None:
    world = listed(2)
    answers = together([lambda: offer_free_places(known(world))] * 4)
    assert sum(answers) == 2
    assert sorted(offer.rank for offer in offers(world)) == [1, 2]
    assert taken(world) == 2


def test_a_place_accepted_refused_and_expired_at_once_has_one_end(committed_db: None) -> None:
    world = listed(1, offer_mode="parallel", parallel=2)
    assert offer_free_places(known(world)) == 1
    first, second = offers(world)
    coordinator = world.actor("center", "coordinator")
    due, after = PlaceDue.unwalled.get(place_id=first.place_id), timezone.now() + AFTER

    def accepting(offer: WaitingOffer) -> str:
        accept_offer(coordinator, offer.pk)
        return "accepted"

    together(
        [
            lambda: accepting(first),
            lambda: accepting(second),
            lambda: refuse_offer(coordinator, first.pk, "Race"),
            lambda: expire_place(due, after),
            lambda: expire_place(due, after),
        ]
    )
    with reading(coordinator):
        place = OfferedPlace.unwalled.get(pk=first.place_id)
    assert states(world).count("accepted") <= 1
    kept = place.state in ("open", "accepted")
    assert taken(world) == (1 if kept else 0)
    assert PlaceDue.unwalled.filter(place_id=place.pk).exists() == kept
    assert ("accepted" in states(world)) == (place.state == "accepted")
