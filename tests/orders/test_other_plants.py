"""A plant that closes, a vector lot that is rejected: orders go to another, by repair or by hand (CO5, MP6)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from network.actions.places import add_lane, add_plant
from orders import flow_files
from orders.actions import repair_answers, rescheduling
from orders.actions.flows import approve_flow, propose_flow
from personas.models import Site
from scheduling import slot_chains
from scheduling.actions.capacity import publish_capacity
from scheduling.actions.disruptions import open_disruption
from scheduling.models import Resource, Slot
from tests.factories import make_actor, make_site, operator
from tests.orders.conftest import confirmed, patient
from tests.orders.factories import BERLIN, NEW_YORK, World, _rows, make_world
from tests.orders.test_repairs import coordinator, order_of, planner, proposed, signed, taken
from tests.scheduling.factories import make_lane as make_run
from tests.scheduling.factories import make_resource

pytestmark = pytest.mark.django_db
DAYS = 30


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=DAYS)


def second_plant(world: World) -> Site:
    """Another plant of the manufacturer that may make the therapy, with a lane, a run, a dock and a line."""
    plant = make_site(world.maker, zone="America/New_York")
    add_plant(operator(world.maker), world.therapy, plant)
    ends = {"manufacturer": world.maker, "courier": world.courier}
    times: dict[str, Any] = {"transit_hours": 20, "qualified_hours": 72, "cutoff": dt.time(19), "weekdays": range(7)}
    for direction, origin, destination in (("inbound", world.clinic, plant), ("outbound", plant, world.clinic)):
        add_lane(operator(world.maker), **ends, origin=origin, destination=destination, direction=direction, **times)
    run = make_run(world.courier, world.clinic, plant, transit_hours=20, cutoff="19:00")
    bay = make_resource(world.maker, "receiving", plant)
    line = make_resource(world.maker, "manufacturing_line", plant)
    for organization, resource, start, end, zone in (
        (world.courier, run, "09:00", "20:00", BERLIN),
        (world.maker, bay, "00:00", "23:59", NEW_YORK),
        (world.maker, line, "06:00", "22:00", NEW_YORK),
    ):
        publish_capacity(operator(organization), _rows(resource.code, start, end, zone, DAYS))
    return plant


def links(world: World, code: str) -> dict[str, Any]:
    with reading(coordinator(world)):
        chain = slot_chains.live_chain(order_of(world, code).stream_id)
        assert chain is not None
        return {link.kind: link for link in slot_chains.links_of(chain)}


def closed(world: World, kind: str, resources: list[str]) -> Any:
    now = timezone.now()
    return open_disruption(
        planner(world),
        kind=kind,
        resources=resources,
        starts_at=now,
        ends_at=now + dt.timedelta(days=DAYS + 10),
        reason="an inspection closed it",
    )


@pytest.mark.story("CO5")
def test_booked_dates_move_to_another_plant_the_knock_on_first_and_the_former_places_are_free(far: World) -> None:
    code, other = confirmed(far, 16, **patient()), second_plant(far)
    before, places = links(far, code), taken(far)
    assert before["manufacturing_line"].site_id == far.plant.pk
    earliest = timezone.now().date() + dt.timedelta(days=17)
    found = rescheduling.search_dates(coordinator(far), code, earliest).offers
    offer = next(o for o in found if any(link.site_id == other.pk for link in o.links))
    shown = rescheduling.preview(coordinator(far), code, offer.token)
    assert {"courier_lane", "receiving", "manufacturing_line"} <= {shift.kind for shift in shown.knock_on.moved}
    given = {"offer": offer.token, "code": "plant_capacity", "reason": "The other plant is nearer to ready"}
    assert rescheduling.reschedule(coordinator(far), code, given).outcome == rescheduling.MOVED
    after = links(far, code)
    assert after["manufacturing_line"].site_id == other.pk and taken(far) == places
    with reading(coordinator(far)):
        assert order_of(far, code).plant_site_id == other.pk
        assert not Slot.unwalled.filter(pk__in=[link.slot_id for link in before.values()], taken__gt=0).exists()


@pytest.mark.story("MP6")
def test_a_closed_plant_s_orders_are_repaired_to_the_other_plant(far: World) -> None:
    code, other = confirmed(far, 16, **patient()), second_plant(far)
    with reading(planner(far)):
        own = Resource.unwalled.filter(site=far.plant, organization=far.maker).values_list("code", flat=True)
        resources = sorted(own)
    disruption = closed(far, "plant_closure", resources)
    run = proposed(far, disruption)
    (row,) = run.plan
    assert row["chosen"] is not None and {choice["plant"] for choice in row["choices"]} == {other.name}
    (move,) = signed(far, run)
    repair_answers.answer_move(coordinator(far), move.pk, {"decision": "accept"})
    assert links(far, code)["manufacturing_line"].site_id == other.pk
    with reading(coordinator(far)):
        assert order_of(far, code).plant_site_id == other.pk


@pytest.mark.story("MP6")
def test_orders_of_a_rejected_vector_lot_go_to_another_lot(far: World) -> None:
    definition = flow_files.shipped("autologous_car_t")
    book = next(step for step in definition["steps"] if step["key"] == "book")
    book["parameters"]["also_needs"] = ["critical_stock"]
    flow = propose_flow(make_actor(far.maker, "product_owner"), far.therapy, definition)
    approve_flow(make_actor(far.maker, "flow_approver"), flow.pk)
    lots = [make_resource(far.maker, "critical_stock", far.plant) for _ in range(2)]
    for lot in lots:
        publish_capacity(operator(far.maker), _rows(lot.code, "00:00", "23:59", NEW_YORK, DAYS))
    code = confirmed(far, 16, **patient())
    used = links(far, code)["critical_stock"]
    with reading(planner(far)):
        rejected = Slot.unwalled.get(pk=used.slot_id).resource_id
    (spare,) = [lot for lot in lots if lot.pk != rejected]
    disruption = closed(far, "stock_rejected", [lot.code for lot in lots if lot.pk == rejected])
    (move,) = signed(far, proposed(far, disruption))
    repair_answers.answer_move(coordinator(far), move.pk, {"decision": "accept"})
    after = links(far, code)["critical_stock"]
    with reading(planner(far)):
        assert Slot.unwalled.get(pk=after.slot_id).resource_id == spare.pk
    assert after.starts_at == used.starts_at, "the least harm: nothing but the lot"
