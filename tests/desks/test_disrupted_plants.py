"""A contract manufacturer's line stops: sponsor, center and courier hear of their own orders and of nobody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.models import Event
from ledger.refusals import FactsMissing
from orders.repairing import hits
from scheduling import slot_chains
from scheduling.actions.disruptions import close_disruption, open_disruption
from scheduling.models import Resource, Slot
from tests.desks.test_line_board import board, booked, starts
from tests.desks.world import PlantWorld
from tests.journeys.conftest import refused
from tests.journeys.telling import events, told
from tests.journeys.watching import order_of

HOUR = dt.timedelta(hours=1)


def link_of(plants: PlantWorld, journey: Journey, kind: str) -> Any:
    viewer = plants.player("center", "coordinator")
    with reading(viewer.actor):
        chain = slot_chains.live_chain(order_of(viewer, journey).stream_id)
        assert chain is not None
        return next(link for link in slot_chains.links_of(chain) if link.kind == kind)


def closed(plants: PlantWorld, journey: Journey, who: tuple[str, str], kind: str) -> Any:
    actor, link = plants.player(*who).actor, link_of(plants, journey, kind)
    with reading(actor):
        resource = Resource.unwalled.get(pk=Slot.unwalled.get(pk=link.slot_id).resource_id)
    times = {"starts_at": link.starts_at - HOUR, "ends_at": link.starts_at + HOUR}
    return open_disruption(actor, kind="line_stop", resources=[resource.code], reason="Leak", **times)


def heard(plants: PlantWorld, journey: Journey) -> dict[str, str]:
    """Who is told of the disruption on this order, by name of the organization in the world: everything that is said.

    One event speaks for all orders of the act that an organization sees, so all of them are asked.
    """
    center = plants.player("center", "coordinator")
    (event,) = events(center, journey, "scheduling.disruption_opened")
    with reading(center.actor):
        act = list(Event.unwalled.filter(correlation_id=event.correlation_id, kind=event.kind))
    ids: dict[str, UUID] = {name: organization.pk for name, organization in plants.organizations.items()}
    found = {name: " ".join(one.title for sent in act for one in told(pk, sent).values()) for name, pk in ids.items()}
    return {name: words for name, words in found.items() if journey.code in words}


@pytest.mark.story("MP6")
def test_a_line_of_a_contract_manufacturer_stops_and_each_sponsor_hears_of_its_own_order(plants: PlantWorld) -> None:
    one, two = (booked(plants, name, "accept_job") for name in ("one", "two"))
    disruption = closed(plants, one, ("cmo", "cmo_planner"), "manufacturing_line")
    said = heard(plants, one)
    assert set(said) == {"center", "one", "courier"}
    assert all(words.startswith("Hit by a disruption · ") for words in said.values())
    assert two.code not in said["one"]
    for name, own in (("one", {one.code}), ("two", set()), ("stranger", set())):
        actor = plants.player(name, "planner").actor
        with reading(actor):
            found = hits(actor, disruption.resource_ids, disruption.starts_at, disruption.ends_at)
        assert own <= {hit.order.code for hit in found}
        # other tests of this world may have booked places on the same line: each sponsor still finds its own alone
        assert {hit.order.manufacturer_id for hit in found} <= {plants.organizations[name].pk}


def test_a_stopped_day_is_no_room_on_any_planner_s_board_until_the_stop_ends(plants: PlantWorld) -> None:
    one = booked(plants, "one", "accept_job")
    at = link_of(plants, one, "manufacturing_line").starts_at

    def days() -> dict[str, Any]:
        who = {"cmo": ("cmo", "cmo_planner"), "one": ("one", "planner")}
        return {name: starts(board(plants, person, at))[one.code][0].day for name, person in who.items()}

    assert not any(day.stopped for day in days().values())
    stop = closed(plants, one, ("cmo", "cmo_planner"), "manufacturing_line")
    own, partner = days()["cmo"], days()["one"]
    assert own.stopped and own.words == f"stopped, {own.taken} booked" and own.capacity == 0 and not own.full
    assert (partner.words, partner.capacity) == ("stopped", None)
    shown = board(plants, ("cmo", "cmo_planner"), at).content.decode()
    assert own.words in shown and f'data-start="{own.date}"' not in shown, "nothing is dropped there"
    calendar = plants.browse("cmo", "cmo_planner").get("/scheduling/", {"from": f"{own.date}"})
    assert own.words in calendar.content.decode()
    close_disruption(plants.player("cmo", "cmo_planner").actor, stop.pk)
    assert not any(day.stopped for day in days().values())


def test_a_start_on_a_stopped_line_is_not_promised_and_may_be_declined(plants: PlantWorld) -> None:
    own = booked(plants, "own", "confirm")
    stop = closed(plants, own, ("one", "planner"), "manufacturing_line")
    planner = plants.player("one", "planner")
    with refused(FactsMissing) as refusal:
        own.perform("confirm", {"decision": "confirm"}, planner)
    (fact,) = refusal.value.facts
    assert fact.code == "place_stopped" and "is stopped by a disruption" in fact.text and "decline" in fact.remedy
    close_disruption(planner.actor, stop.pk)
    own.perform("confirm", {"decision": "confirm"}, planner)
    other = booked(plants, "own", "confirm", 9)
    closed(plants, other, ("one", "planner"), "manufacturing_line")
    assert other.perform("confirm", {"decision": "decline", "reason": "The line stands"}, planner).state == "failed"


def test_a_courier_that_cannot_drive_tells_the_center_the_sponsor_and_the_plant(plants: PlantWorld) -> None:
    one = booked(plants, "one", "accept_job")
    closed(plants, one, ("courier", "courier_dispatcher"), "courier_lane")
    assert set(heard(plants, one)) == {"center", "one", "cmo"}
