"""What a collection is recorded with: asked as the therapy says, kept, told, and found again (AN3, AN4)."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from custody.check_characters import check_character
from custody.models import Container
from ledger import copies
from ledger.context import reading
from orders import flow_files
from orders.actions.dossiers import take_dossier
from orders.actions.flows import approve_flow, propose_flow
from orders.flow import order_named
from tests.factories import connect, make_actor, make_member, make_organization
from tests.orders.conftest import patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("AN3")]
NURSE, QA = ("center", "apheresis_nurse"), ("center", "site_quality")
RECORD = {
    "device_serial": "ad-17",
    "kit_lot": "Kit 88a",
    "anticoagulant": "ACD-A",
    "anticoagulant_ml": "840.5",
    "anticoagulant_ratio": "1:12",
    "processed_ml": "11200",
    "pre_cd3": "412",
}


@pytest.fixture(scope="module")
def own(django_db_setup: None, django_db_blocker: Any) -> World:
    """A world of its own: two bags a collection, device, kit and donation number not to be left out."""
    with django_db_blocker.unblock():
        world = make_world()
        definition = flow_files.shipped("autologous_car_t")
        by_key = {step["key"]: step for step in definition["steps"]}
        by_key["labels"]["parameters"]["containers"] = 2
        needed = ["device_serial", "kit_lot"]
        asked = ["anticoagulant", "anticoagulant_ml", "anticoagulant_ratio", "processed_ml", "pre_cd3"]
        by_key["collect"]["parameters"] = {"records": asked, "needs_records": needed, "needs_donation": True}
        flow = propose_flow(make_actor(world.maker, "product_owner"), world.therapy, definition)
        approve_flow(make_actor(world.maker, "flow_approver"), flow.pk)
        return world


class Collection:
    """An order whose two labeled bags are being filled."""

    def __init__(self, world: World) -> None:
        self.world, self.journey = world, journey_of(world, **patient())
        self.journey.run(before="collect")
        self.code, self.actor = self.journey.code, world.actor(*NURSE)
        self.rest = f"/api/v1/orders/{self.code}/steps/collect"
        self.nurse: Client = signed_in(world.member(*NURSE))

    def bags(self) -> list[Container]:
        with reading(self.actor):
            stream_id = order_named(self.actor, self.code).stream_id
            rows = Container.unwalled.filter(stream_id=stream_id, kind="starting_material")
            return list(rows.order_by("position"))

    def post(self, *numbers: str, **changes: Any) -> Any:
        nurse = next(one for one in self.journey.cast.players if one.actor.person_id == self.actor.person_id)
        _, _, inputs = self.journey.prepared("collect", player=nurse)
        for bag, number in zip(inputs["bags"], numbers, strict=False):
            bag["donation"] = number
        body = {**inputs, **{name: value for name, value in changes.items() if value is not None}}
        for name in [name for name, value in changes.items() if value is None]:
            body.pop(name, None)
        headers = {"Idempotency-Key": str(uuid4())}
        return self.nurse.post(self.rest, body, content_type="application/json", headers=headers)


def donation() -> str:
    number = f"A999926{random.SystemRandom().randrange(10**6):06d}"
    return number + check_character(number)


def test_what_the_therapy_asks_for_is_on_the_page_and_what_it_needs_is_not_left_out(own: World) -> None:
    one = Collection(own)
    page = text_of(one.nurse.get(f"/orders/{one.code}/steps/collect/"))
    assert "Device (serial number)" in page and "CD3+ cells before" in page and "Platelets before" not in page
    refused = one.post(donation(), donation(), **{**RECORD, "kit_lot": ""})
    assert refused.status_code == 400 and list(refused.json()["fields"]) == ["kit_lot"]
    refused = one.post(donation(), donation(), **{**RECORD, "anticoagulant_ratio": "12"})
    assert list(refused.json()["fields"]) == ["anticoagulant_ratio"]
    refused = one.post(donation(), donation(), **RECORD, pre_platelets="200")
    assert list(refused.json()["fields"]) == ["pre_platelets"]  # never dropped in silence
    refused = one.post(donation(), **RECORD)  # one bag has no number, nor has the collection
    assert list(refused.json()["fields"]) == ["donation"]
    same = donation()
    refused = one.post(same, same, **RECORD)
    assert list(refused.json()["fields"]) == ["bags[1].donation"]
    assert {bag.state for bag in one.bags()} == {"labelled"}


@pytest.mark.story("AN3", "QA4")
def test_it_is_recorded_told_found_and_in_the_dossier_and_each_bag_has_its_own_number(own: World) -> None:
    one, numbers = Collection(own), [donation(), donation()]
    done = one.post(*numbers, **RECORD)
    assert done.status_code == 200, done.content
    bags = one.bags()
    assert [bag.donation_number for bag in bags] == [number[:13] for number in numbers]
    said = text_of(one.nurse.get(f"/orders/{one.code}/"))
    assert "Lot of the disposable kit: Kit 88a" in said and "Ratio of anticoagulant: 1:12" in said
    reviewer = own.actor("maker", "qa_reviewer")
    document, _ = copies.unpack(take_dossier(reviewer, one.code).content)
    (row,) = document["parts"]["collections"]
    assert row["Device (serial number)"] == "ad-17" and Decimal(row["Anticoagulant used (mL)"]) == Decimal("840.5")
    quality = signed_in(own.member(*QA))
    for lot in ("KIT88A", "kit 88a", "AD-17"):
        found = {unit["container"] for unit in quality.get("/api/v1/units", {"lot": lot}).json()["results"]}
        assert {bag.code for bag in bags} <= found, lot
    donor = {unit["container"] for unit in quality.get("/api/v1/units", {"donor": numbers[1][:13]}).json()["results"]}
    assert donor == {bags[1].code}
    stranger = make_organization("treatment_center")
    connect(stranger, own.maker)
    other = signed_in(make_member(stranger, "site_quality"))
    assert other.get("/api/v1/units", {"lot": "KIT88A"}).json()["results"] == []
