"""What stays behind and what travels along: reserve at the center with a way of its own later; samples in the box."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from custody.custody_periods import gaps, periods_of
from custody.models import Container, Shipment
from ledger.context import reading
from ledger.refusals import InvalidInput, NotAllowed
from orders import flow_files
from orders.actions.conversions import convert_material
from orders.actions.flows import approve_flow, propose_flow
from orders.actions.interruptions import repeat_step
from orders.flow import order_named
from tests.factories import make_actor, make_member, make_organization
from tests.journeys.labeling import scan_all_back
from tests.orders.conftest import patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("CL1")]
LAB = ("center", "cell_lab_technologist")


@pytest.fixture(scope="module")
def own(django_db_setup: None, django_db_blocker: Any) -> World:
    """A world of its own: three bags a collection, of which one may stay at the center."""
    with django_db_blocker.unblock():
        world = make_world()
        definition = flow_files.shipped("autologous_car_t")
        by_key = {step["key"]: step for step in definition["steps"]}
        by_key["labels"]["parameters"]["containers"] = 3
        by_key["pack"]["parameters"]["stay_at_center"] = 1
        flow = propose_flow(make_actor(world.maker, "product_owner"), world.therapy, definition)
        approve_flow(make_actor(world.maker, "flow_approver"), flow.pk)
        return world


class Collected:
    """An order whose three bags lie at the center."""

    def __init__(self, world: World) -> None:
        self.world, self.journey = world, journey_of(world, **patient())
        self.journey.run(before="pack")
        self.code, self.actor = self.journey.code, world.actor(*LAB)

    def bags(self, **narrow: Any) -> list[Container]:
        with reading(self.actor):
            stream_id = order_named(self.actor, self.code).stream_id
            return list(Container.unwalled.filter(stream_id=stream_id, **narrow).order_by("kind", "position"))

    def pack(self, *bags: Container) -> str:
        return self.journey.perform("pack", {"bags": [{"scan": bag.code} for bag in bags]}).summary

    def boxes(self) -> list[Shipment]:
        with reading(self.actor):
            stream_id = order_named(self.actor, self.code).stream_id
            return list(Shipment.unwalled.filter(stream_id=stream_id).order_by("packed_at"))

    def sample(self, source: Container) -> Container:
        given = {"kind": "sampled", "bags": [{"scan": source.code}], "volumes": [{"volume_ml": "2"}]}
        (code,) = convert_material(self.actor, self.code, given | {"at": timezone.now().isoformat()})
        one, other = [player for player in self.journey.cast.players if player.actor.persona == LAB[1]][:2]
        scan_all_back(self.journey, one, other)
        return next(bag for bag in self.bags() if bag.code == code)


def test_a_bag_stays_behind_by_name_and_is_shipped_later_the_same_way(own: World) -> None:
    one = Collected(own)
    first, second, third = one.bags()
    lab = signed_in(own.member(*LAB))
    page = text_of(lab.get(f"/orders/{one.code}/steps/pack/"))
    assert "May stay here as reserve" in page
    with pytest.raises(InvalidInput) as refusal:
        one.pack(first)
    assert "1 may stay behind" in str(refusal.value.fields["bags"])
    assert f"{third.code} stays at {own.clinic.name} as reserve." in one.pack(first, second)
    with pytest.raises(NotAllowed):  # not while the box before is on its way
        repeat_step(one.actor, one.code, "pack", "Reserve wanted")
    one.journey.run(until="start")
    (stayed,) = [bag for bag in one.bags(kind="starting_material") if bag.state == "collected"]
    assert stayed.pk == third.pk and stayed.custodian_id == own.center.pk
    assert "Pack the starting material: do it again" in text_of(lab.get(f"/orders/{one.code}/"))
    stranger = signed_in(make_member(make_organization("treatment_center"), "cell_lab_technologist"))
    address = f"/api/v1/orders/{one.code}/steps/pack/repeat"
    sent: dict[str, Any] = {"reason": "The plant asks for the reserve"}
    headers = {"Idempotency-Key": str(uuid4())}
    assert stranger.post(address, sent, content_type="application/json", headers=headers).status_code == 404
    done = lab.post(address, sent, content_type="application/json", headers=headers)
    assert done.status_code in (200, 201), done.content
    for key in ("pack", "pickup", "delivery", "receipt"):
        assert one.journey.perform(key).state == "done", key
    (now,) = [bag for bag in one.bags(kind="starting_material") if bag.pk == third.pk]
    assert (now.state, now.custodian_id) == ("accepted", own.maker.pk) and len(one.boxes()) == 2
    with reading(one.actor):
        assert gaps(now, periods_of(now)) == []
    assert one.journey.next_step().key == "finish"  # what went on meanwhile stays
    with pytest.raises(NotAllowed):  # nothing is left at the center
        repeat_step(one.actor, one.code, "pack", "Again")


def test_a_sample_travels_in_the_box_of_the_order_and_is_received_with_it(own: World) -> None:
    one = Collected(own)
    sample = one.sample(one.bags()[0])
    stays = one.sample(one.bags()[1])
    assert stays.state == "collected"
    with pytest.raises(InvalidInput):
        one.pack(sample)  # a box goes with the bags that wait
    one.pack(*one.bags(kind="starting_material"), sample)
    one.journey.run(before="receipt")
    (travelled,) = [bag for bag in one.bags(kind="sample") if bag.pk == sample.pk]
    assert (travelled.state, travelled.custodian_id) == ("in_transit", own.maker.pk)
    arrived = [*one.bags(kind="starting_material"), travelled]
    given = [{"scan": bag.code, "condition": "good"} for bag in arrived]
    with pytest.raises(InvalidInput):
        one.journey.perform("receipt", {"bags": given[:-1]})  # it lies in the box: it is scanned too
    one.journey.perform("receipt", {"bags": given})
    states = {bag.code: bag.state for bag in one.bags(kind="sample")}
    assert states == {sample.code: "accepted", stays.code: "collected"}
    assert {bag.custodian_id for bag in one.bags(kind="sample") if bag.pk == stays.pk} == {own.center.pk}
    one.journey.run(until="start")
    assert {bag.state for bag in one.bags(kind="sample") if bag.pk == sample.pk} == {
        "accepted"
    }  # no material of a batch
