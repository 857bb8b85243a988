"""A search remembers how windows lie, never what is left of them: another connection's change is in the next answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

import pytest

from scheduling import layouts
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.models import Resource
from scheduling.offers import ChainOffer
from tests.factories import operator
from tests.races.test_slots import together
from tests.scheduling.factories import AMSTERDAM, BERLIN, World, at, first_day, make_lane, make_world

pytestmark = pytest.mark.race


def elsewhere(act: Callable[[], object]) -> object:
    """Act on a connection of its own, to the end of its transaction."""
    return together([act])[0]


def days(world: World) -> list[dt.date]:
    return [offer.collection_start.astimezone(BERLIN).date() for offer in world.offers()]


def slots(offer: ChainOffer) -> list[UUID]:
    return [link.slot_id for link in offer.links]


def remembered() -> int:
    return layouts.unpacked.cache_info().hits


def test_a_hold_of_another_connection_is_seen_by_the_next_search(committed_db: None) -> None:
    world = make_world()
    before, streams = world.offers(), [world.stream(), world.stream()]
    for offer, stream in zip(before, streams, strict=False):
        hits = remembered()
        elsewhere(lambda stream=stream, offer=offer: world.held(stream, offer))  # type: ignore[misc]
        assert slots(offer) not in [slots(other) for other in world.offers()]
        assert remembered() > hits  # how the windows lie was known
    assert days(world) == [offer.collection_start.astimezone(BERLIN).date() for offer in before[2:]]


def published(world: World, resource: Resource, start: str, end: str, capacity: int) -> Callable[[], object]:
    """Publish the first day's window of a resource, as somebody else's connection does."""
    owner, zone = (world.courier, BERLIN) if resource.kind == "courier_lane" else (world.maker, AMSTERDAM)
    row = CapacityRow(resource.code, at(first_day(), start, zone), at(first_day(), end, zone), capacity)
    return lambda: publish_capacity(operator(owner), [row])


def test_windows_that_come_close_and_change_are_seen_by_the_next_search(committed_db: None) -> None:
    world = make_world()
    quick = make_lane(world.courier, world.clinic, world.plant, transit_hours=18)
    slow: list[ChainOffer] = world.offers()
    elsewhere(published(world, quick, "09:00", "18:00", 3))
    arrived = world.offers()[0]
    assert slow[0].arrival_at - arrived.arrival_at == dt.timedelta(hours=2)
    elsewhere(published(world, quick, "09:00", "12:00", 3))  # packed at 13:00, nobody comes any more
    assert slots(world.offers()[0]) == slots(slow[0])
    elsewhere(published(world, quick, "09:00", "18:00", 3))
    assert slots(world.offers()[0]) == slots(arrived)
    elsewhere(published(world, quick, "09:00", "18:00", 0))
    assert slots(world.offers()[0]) == slots(slow[0])
