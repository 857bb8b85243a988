"""A delay is reckoned anew from the new time: told to everybody with what is left, and a case when nothing is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

import tests.custody.factories  # noqa: F401 - registers the kind of event of a test
from custody.actions.equipment import add_equipment, charge_shipper
from custody.models import Shipment
from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from network.actions.places import add_lane
from notifications.recipients import recipients_of
from orders import arrivals, transit
from orders.actions import pickups
from orders.flow import order_named
from orders.models import OrderStep
from personas.queries import organization_actor
from quality.queries import deviations_of
from tests.factories import connect, make_actor, make_member, make_organization, operator
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of, packed
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("CR5", "CR6")]
DRIVER, CONTROL, PLANNER = ("courier", "courier_driver"), ("courier", "courier_dispatcher"), ("maker", "planner")
HOUR = dt.timedelta(hours=1)


class Waiting:
    """An order whose box waits for the driver, or is with them."""

    def __init__(self, world: World, code: str) -> None:
        self.world, self.code, self.viewer = world, code, world.actor(*PLANNER)

    def arrival(self) -> arrivals.Arrival:
        with reading(self.viewer):
            found = arrivals.expected(order_named(self.viewer, self.code), "inbound")
        assert found is not None
        return found

    def delay(self, key: str, at: dt.datetime) -> Event:
        pickups.report_delay(self.world.actor(*DRIVER), self.code, key, at, "Motorway closed")
        with reading(self.viewer):
            stream_id = order_named(self.viewer, self.code).stream_id
            return Event.unwalled.filter(stream_id=stream_id, kind="orders.delayed").latest("seq")

    def cases(self) -> list[Any]:
        actor = self.world.actor("maker", "qa_reviewer")
        with reading(actor):
            rows = deviations_of(actor, order_named(actor, self.code).stream_id)
            return [row for row in rows if "is late." in row.text]

    def page(self) -> str:
        with reading(self.viewer):
            outer = Shipment.unwalled.get(stream_id=order_named(self.viewer, self.code).stream_id).code
        return f"/orders/{self.code}/boxes/{outer}/"

    def soon_planned(self) -> None:
        """The plan of the hand-overs lies in the next hours: what is left is positive before the delay."""
        clerk = make_actor(self.world.maker, "planner")
        with reading(clerk):
            stream_id = order_named(clerk, self.code).stream_id
        with acting(clerk, "tests.custody_step", stream_id=stream_id):
            steps = OrderStep.unwalled.filter(order__code=self.code, attempt=1)
            steps.filter(key="pickup").update(planned_at=timezone.now() + HOUR)
            steps.filter(key="delivery").update(planned_at=timezone.now() + 21 * HOUR)


def test_the_margin_is_another_one_after_the_delay_and_everybody_is_told_it(world: World, browse: Browse) -> None:
    box = Waiting(world, packed(world, **patient()))
    box.soon_planned()
    before = box.arrival()
    assert before.left is not None and 26 < before.left < 28  # 48 h, of which 21 pass until it arrives
    event = box.delay("pickup", timezone.now() + 6 * HOUR)
    after = box.arrival()
    assert after.left is not None and after.left == pytest.approx(before.left - 5, abs=0.2)
    assert event.payload["margin"] == f"{after.left:g} h in reserve on arrival." and box.cases() == []
    for organization, persona in (("center", "coordinator"), PLANNER, CONTROL):
        actor = world.actor(organization, persona)
        relay = organization_actor(actor.organization_id, "relay")
        with reading(relay):
            told = {one.user.pk: one.title for one in recipients_of(relay, event)}
        assert f"{after.left:g} h in reserve" in told[actor.user_id]  # type: ignore[index]
    shown = f"{after.left:.1f} h"
    with reading(box.viewer):
        outer = Shipment.unwalled.get(stream_id=order_named(box.viewer, box.code).stream_id).code
    page = box.page()
    for who in (PLANNER, DRIVER):
        text = text_of(browse(*who).get(page))
        assert "In reserve on arrival" in text and shown in text
    assert "What is inside keeps" not in text_of(browse(*DRIVER).get(page))
    assert shown in text_of(browse(*DRIVER).get("/?days=week"))
    assert f"{shown} in reserve" in text_of(browse(*CONTROL).get("/"))
    assert f"{shown} in reserve" in text_of(browse("center", "coordinator").get(f"/orders/{box.code}/"))
    way = f"/api/v1/orders/{box.code}/shipments/{outer}/way"
    told = browse(*DRIVER).get(way).json()
    assert told["hours_in_reserve"] == after.left and "hours_left_on_arrival" not in told
    stranger = signed_in(make_member(make_organization("courier"), "courier_driver"))
    assert stranger.get(page).status_code == stranger.get(way).status_code == 404


def test_a_delay_that_uses_up_the_reserve_opens_a_case_that_says_which_clock_it_was(
    world: World, browse: Browse
) -> None:
    box = Waiting(world, packed(world, **patient()))
    box.soon_planned()
    event = box.delay("delivery", timezone.now() + 60 * HOUR)
    assert "too late" in event.payload["margin"]
    (case,) = box.cases()
    assert case.severity == "critical" and case.automatic and "What is inside is" in case.text
    assert "Motorway closed" in case.text
    text = text_of(browse(*DRIVER).get(box.page()))
    assert "arrives too late" in text and "It arrives too late" in text


def test_the_shippers_hold_is_held_against_the_new_time() -> None:
    world = make_world()
    keeper = make_actor(world.courier, "courier_dispatcher")
    until = (timezone.now() + dt.timedelta(days=90)).isoformat()
    piece = add_equipment(
        keeper, {"kind": "shipper", "serial": "D-1", "model": "Vapor", "hold_hours": "40", "valid_until": until}
    )
    charge_shipper(keeper, piece, {"charged_at": timezone.now().isoformat()})
    journey = journey_of(world, **patient())
    journey.run(before="pickup")
    box = Waiting(world, journey.code)
    box.soon_planned()
    before = box.arrival()
    assert before.hold is not None and before.left == before.hold and before.warnings == []
    event = box.delay("pickup", timezone.now() + 10 * HOUR)
    assert "too short" in event.payload["margin"]  # 40 h hold, 30 h way, 12 h reserve
    (case,) = box.cases()
    assert case.severity == "major" and "Its shipper keeps" in case.text
    after = box.arrival()
    assert after.hold == pytest.approx(before.hold - 9, abs=0.2) and not after.is_too_late


def test_the_wait_is_reckoned_by_the_lane_of_the_courier_that_carries_it() -> None:
    world = make_world()
    fast = make_organization("courier")
    for other in (world.center, world.maker):
        connect(fast, other)
    add_lane(
        operator(world.maker),
        manufacturer=world.maker,
        courier=fast,
        origin=world.clinic,
        destination=world.plant,
        direction="inbound",
        transit_hours=9,
        qualified_hours=72,
        cutoff=dt.time(19),
        weekdays=range(7),
        temperature="2–8 °C",
    )
    code, viewer = packed(world, **patient()), world.actor(*PLANNER)
    with reading(viewer):
        found = transit.margin(order_named(viewer, code))
    assert found is not None and found.transit in (9.0, 20.0)
    with reading(viewer):
        carrier = Shipment.unwalled.get(stream_id=order_named(viewer, code).stream_id).courier_id
    assert found.transit == (9.0 if carrier == fast.pk else 20.0)
