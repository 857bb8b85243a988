"""A disruption after manufacture began: the way back moves while the product is there; what was used stands (MP6)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.refusals import FactsMissing
from orders import flow_files
from orders.actions import repair_answers, repairs
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity
from scheduling.actions.disruptions import open_disruption
from scheduling.models import Resource, Slot
from tests.factories import operator, unique
from tests.journeys.conftest import refused
from tests.journeys.test_bookings import taken
from tests.journeys.test_collected_repairs import links, signed, worked_out
from tests.journeys.test_flow_engine import live, step
from tests.journeys.watching import kinds_of_events, step_of
from tests.journeys.world import World

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def returning(world: World) -> World:
    """The way back is booked with the chain, by the courier that fetches the material; a run a day."""
    definition = flow_files.shipped("autologous_car_t")
    step(definition, "book")["parameters"]["also_needs"] = ["return_lane"]
    live(world, definition)
    code, courier = unique("return-lane"), operator(world.courier)
    ends = {"origin_site_id": str(world.plant.pk), "destination_site_id": str(world.clinic.pk)}
    lane = {**ends, "transit_hours": 20, "cutoff": "20:00"}
    add_resource(courier, code=code, name=code, kind="courier_lane", site=None, attributes=lane)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + n * DAY for n in range(1, 45)]
    hour = DAY / 24
    publish_capacity(courier, [CapacityRow(code, day + 15 * hour, day + 17 * hour, 2) for day in days])
    return world


def struck(world: World, journey: Journey, kind: str = "return_lane") -> Any:
    """The run that takes the product home, or another link of the order, is not driven."""
    link = links(world, journey)[kind]
    who = ("courier", "courier_dispatcher") if kind == "return_lane" else ("maker", "planner")
    actor = world.player(*who).actor
    with reading(actor):
        resource = Resource.unwalled.get(pk=Slot.unwalled.get(pk=link.slot_id).resource_id)
    times = {"starts_at": link.starts_at - DAY / 24, "ends_at": link.starts_at + DAY / 24}
    return open_disruption(actor, kind="lane_strike", resources=[resource.code], reason="a strike", **times)


def hit_of(world: World, journey: Journey, disruption: Any) -> Any:
    planner = world.player("maker", "planner").actor
    with reading(planner):
        return next(hit for hit in repairs.affected(planner, disruption) if hit.order.code == journey.code)


@pytest.mark.story("MP6")
@pytest.mark.parametrize(("before", "material", "stage"), [("finish", 4, "in manufacture"), ("ship", 5, "released")])
def test_the_way_back_moves_and_all_that_was_used_stands(
    returning: World, before: str, material: int, stage: str
) -> None:
    world, journey = returning, returning.journey()
    journey.run(before=before)
    disruption = struck(world, journey)
    hit = hit_of(world, journey, disruption)
    assert hit.why_not == "" and stage in hit.stage and hit.expires_at is None
    run, row = worked_out(world, journey, disruption)
    assert row["chosen"] is not None and row["material"] == material
    assert "The way back moves" in row["text"] and "The start of manufacture" not in row["text"]
    held, places, move = links(world, journey), taken(world), signed(world, journey, run)
    assert move.before != move.after  # manufacture began when it really did, not when it was booked
    coordinator = world.player("center", "coordinator")
    repair_answers.answer_move(coordinator.actor, move.pk, {"decision": "accept"})
    now = links(world, journey)
    assert taken(world) == places and now["return_lane"].slot_id != held["return_lane"].slot_id
    for kind in ("apheresis_chair", "courier_lane", "receiving", "manufacturing_line"):
        assert (now[kind].slot_id, now[kind].starts_at) == (held[kind].slot_id, held[kind].starts_at)
    assert kinds_of_events(coordinator, journey)[-1] == "orders.return_moved"
    assert step_of(coordinator, journey, "start").attempt == 1
    assert not [one for one in _hits(world, disruption) if one.order.code == journey.code]


def _hits(world: World, disruption: Any) -> list[Any]:
    planner = world.player("maker", "planner").actor
    with reading(planner):
        return list(repairs.affected(planner, disruption))


def test_a_line_that_stops_under_a_running_batch_moves_nothing_and_a_lost_batch_is_not_carried_home(
    returning: World,
) -> None:
    world, journey = returning, returning.journey()
    journey.run(before="finish")
    stop = struck(world, journey, "manufacturing_line")
    assert "Manufacture has begun" in hit_of(world, journey, stop).why_not
    strike = struck(world, journey)
    run, row = worked_out(world, journey, strike)
    move = signed(world, journey, run)
    journey.perform("finish", {"result": "terminated", "reason": "Contamination.", "bags": []})
    assert "The batch is lost" in hit_of(world, journey, strike).why_not
    places = taken(world)
    with refused(FactsMissing):
        repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, {"decision": "accept"})
    assert taken(world) == places and row["order"] == journey.code


def test_a_product_that_has_left_moves_no_more(returning: World) -> None:
    world, journey = returning, returning.journey()
    journey.run(before="ship")
    run, _ = worked_out(world, journey, struck(world, journey))
    move, places = signed(world, journey, run), taken(world)
    journey.run(until="ship_pickup")
    with refused(FactsMissing):
        repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, {"decision": "accept"})
    assert taken(world) == places
