"""A box is closed once each item of its flow's checklist is ticked, or said not to apply and why (CL6)."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from custody.material import of_stream
from custody.models import Shipment
from ledger.context import reading
from ledger.models import Event
from orders import flow_files, flow_validation
from orders.actions.flows import approve_flow, propose_flow
from orders.flow import order_named
from quality.queries import deviations_of
from tests.factories import make_actor, make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("CL6")]
LAB = ("center", "cell_lab_technologist")
ITEMS = [
    {"item": "Coolant conditioned"},
    {"item": "Papers in the pouch"},
    {"item": "Papers for customs", "may_not_apply": True},
]


@pytest.fixture(scope="module")
def own(django_db_setup: None, django_db_blocker: Any) -> World:
    """A world of its own whose therapy asks for the three items."""
    with django_db_blocker.unblock():
        world = make_world()
        definition = flow_files.shipped("autologous_car_t")
        pack = next(step for step in definition["steps"] if step["key"] == "pack")
        pack["parameters"]["checklist"] = ITEMS
        flow = propose_flow(make_actor(world.maker, "product_owner"), world.therapy, definition)
        approve_flow(make_actor(world.maker, "flow_approver"), flow.pk)
        return world


class Box:
    """An order whose bags are to be packed."""

    def __init__(self, world: World) -> None:
        self.journey = journey_of(world, **patient())
        self.journey.run(before="pack")
        self.world, self.code, self.actor = world, self.journey.code, world.actor(*LAB)
        self.page = f"/orders/{self.code}/steps/pack/"
        self.rest = f"/api/v1/orders/{self.code}/steps/pack"

    def stream_id(self) -> Any:
        return order_named(self.actor, self.code).stream_id

    def given(self) -> dict[str, Any]:
        with reading(self.actor):
            order = order_named(self.actor, self.code)
            found = self.journey._for_pack(order, next(iter(self.journey.cast.players)), {"direction": "inbound"})
            bags = [bag for bag in of_stream(order.stream_id) if bag.kind == "starting_material"]
        return {**found, "bags": [{"scan": bag.code} for bag in bags], "packed_at": timezone.now().isoformat()}

    def form(self, ticked: list[int], **reasons: str) -> dict[str, str]:
        given = self.given()
        sent = {name: value for name, value in given.items() if isinstance(value, str)}
        sent |= {f"bags[{place}]scan": bag["scan"] for place, bag in enumerate(given["bags"])}
        sent |= {f"checklist[{place}]item": row["item"] for place, row in enumerate(ITEMS)}
        sent |= {f"checklist[{place}]done": "true" for place in ticked}
        return sent | {"once": str(uuid4())} | reasons

    def boxes(self) -> list[Shipment]:
        with reading(self.actor):
            return list(Shipment.unwalled.filter(stream_id=self.stream_id()))

    def recorded(self) -> Event:
        with reading(self.actor):
            rows = Event.unwalled.filter(stream_id=self.stream_id(), subject_id__endswith="/pack")
            return rows.latest("seq")


def sent_by(world: World) -> Any:
    return signed_in(world.member(*LAB))


@pytest.mark.story("CL6")
def test_each_item_is_one_tap_and_an_open_one_keeps_the_box_open(own: World) -> None:
    box, lab = Box(own), sent_by(own)
    page = text_of(lab.get(box.page))
    for row in ITEMS:
        assert page.count(f">{row['item']}<") == 1
    assert page.count("Does not apply</summary>") == 1  # of the one item that may be passed over
    answer = lab.post(box.page, box.form([0]))
    said = text_of(answer)
    assert answer.status_code == 422 and "Not ticked: Papers in the pouch." in said and box.boxes() == []
    assert "Not ticked: Coolant conditioned." not in said
    first = re.search(r'<input type="checkbox"[^>]*name="checklist\[0\]done"[^>]*>', said)
    assert first is not None and " checked" in first[0]  # what was ticked stays
    sent = box.form([0, 1], **{"checklist[2]not_applicable": "Within the union"})
    assert lab.post(box.page, sent).status_code == 303
    assert len(box.boxes()) == 1
    facts = box.recorded().payload["facts"]["checklist"]
    assert facts == {
        "Coolant conditioned": "done",
        "Papers in the pouch": "done",
        "Papers for customs": "does not apply: Within the union",
    }


def test_what_always_applies_is_not_passed_over_and_only_what_is_listed_is_ticked(own: World) -> None:
    box, lab = Box(own), sent_by(own)

    def post(ticks: list[dict[str, Any]]) -> Any:
        body = box.given() | {"checklist": ticks}
        headers = {"Idempotency-Key": str(uuid4())}
        return lab.post(box.rest, body, content_type="application/json", headers=headers)

    done = [{"item": row["item"], "done": True} for row in ITEMS]
    refused = post([*done[1:], {"item": "Coolant conditioned", "not_applicable": "No time"}])
    assert refused.status_code == 400 and "checklist[2].not_applicable" in refused.json()["fields"], refused.content
    refused = post([*done, {"item": "Something else", "done": True}])
    assert refused.status_code == 400 and "checklist[3].item" in refused.json()["fields"]
    refused = post(done[:2])
    assert refused.status_code == 422
    assert [fact["code"] for fact in refused.json()["facts"]] == ["checklist_open"]
    stranger = signed_in(make_member(make_organization("treatment_center"), "cell_lab_technologist"))
    assert stranger.post(box.rest, {}, content_type="application/json").status_code == 404
    assert post(done).status_code == 200 and len(box.boxes()) == 1


def test_a_late_record_notes_what_was_not_ticked(own: World) -> None:
    box = Box(own)
    given = {"checklist": [{"item": "Coolant conditioned", "done": True}], "late_reason": "System was down"}
    box.journey.perform("pack", given)
    qa = own.actor("maker", "qa_reviewer")
    with reading(qa):
        (case,) = deviations_of(qa, order_named(qa, box.code).stream_id)
    assert "Not ticked: Papers in the pouch." in case.text and "Coolant" not in case.text


def test_the_shipped_flows_have_a_short_list_and_a_flow_without_one_asks_nothing(world: World, browse: Browse) -> None:
    for name in ("autologous_car_t", "in_vivo"):
        for step in flow_files.shipped(name)["steps"]:
            if step["kind"] == "pack":
                assert 3 <= len(step["parameters"]["checklist"]) <= 6
    definition = flow_files.shipped("autologous_car_t")
    pack = next(step for step in definition["steps"] if step["key"] == "pack")
    pack["parameters"]["checklist"] = [{"item": "A"}, {"item": "A"}]
    assert any("once" in fault for fault in flow_validation.faults(definition))
    pack["parameters"]["checklist"] = []
    assert flow_validation.faults(definition) == []
