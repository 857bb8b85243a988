"""What became of a label is recorded as soon as it is known; a voided one says so, and what replaced it (T33)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from custody import labels, material
from custody.queries import labels_of
from custody.states import ContainerKind, LabelTemplate
from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.walls import visible
from orders.flow import order_named
from orders.label_texts import printing_for
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of

NURSE, COLLEAGUE = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)


def prints(world: World, code: str) -> list[Any]:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return list(labels_of(actor, order_named(actor, code).stream_id).order_by("printed_at", "serial"))


def reprint(world: World, code: str, kind: ContainerKind = ContainerKind.STARTING_MATERIAL) -> None:
    """Print the labels of an order's bags once more, which voids the former ones."""
    actor = world.actor(*NURSE)
    with reading(actor):
        order = order_named(actor, code)
    with acting(actor, "orders.label_reprinted", stream_id=order.stream_id):
        bags = material.of_stream(order.stream_id, kind)
        labels.print_labels(order.stream_id, bags, LabelTemplate.COLLECTION, "Smudged", printing=printing_for(order))


@pytest.fixture
def code(world: World, browse: Browse) -> str:
    """An order whose collection labels were printed twice: the first ones are void."""
    journey = journey_of(world, **patient())
    journey.run(before="apply_labels")
    reprint(world, journey.code)
    return journey.code


def test_a_voided_label_says_so_and_what_replaced_it(world: World, browse: Browse, code: str) -> None:
    void, valid = prints(world, code)[0], prints(world, code)[-1]
    assert (void.state, valid.state) == ("void", "printed")
    nurse = browse(*NURSE)
    said = text_of(nurse.post("/codes/", {"code": void.serial}))
    assert f"Voided label {void.serial}" in said and valid.serial in said
    assert "Voided label" not in text_of(nurse.post("/codes/", {"code": valid.serial}))
    answer = nurse.post("/api/v1/codes/read", json.dumps({"code": void.serial}), "application/json").json()
    assert answer["print"] == {"serial": void.serial, "state": "void", "replaced_by": valid.serial}
    courier = browse("courier", "courier_driver").post("/codes/", {"code": void.serial})
    assert "Voided label" not in text_of(courier)


@pytest.mark.parametrize("became", ["returned", "destroyed"])
def test_a_voided_label_ends_before_the_order_closes(world: World, browse: Browse, code: str, became: str) -> None:
    void, nurse, once = prints(world, code)[0], browse(*NURSE), str(uuid4())
    assert void.serial in text_of(nurse.get(f"/orders/{code}/labels/")).partition("What became of it</h2>")[2]
    sent = {"serial": void.serial, "became": became, "once": once}
    for _ in range(2):  # a double click
        assert nurse.post(f"/orders/{code}/labels/settle/", sent).status_code == 303
    assert prints(world, code)[0].state == became
    actor = world.actor("center", "coordinator")
    with reading(actor):
        stream = order_named(actor, code).stream_id
        events = visible(Event, actor).filter(stream_id=stream, kind="orders.label_settled")
        assert [event.payload["label"] for event in events if event.payload] == [void.serial]
    late = nurse.post(f"/orders/{code}/labels/settle/", {**sent, "once": str(uuid4())})
    assert late.status_code == 409 and f"Label {void.serial} is {became}" in text_of(late)


def test_over_rest_by_the_same_rules(world: World, browse: Browse, code: str) -> None:
    void, valid = prints(world, code)[0], prints(world, code)[-1]
    nurse = browse(*NURSE)

    def end(serial: str, **given: Any) -> Any:
        return nurse.post(
            f"/api/v1/orders/{code}/labels/end", json.dumps({"serial": serial, **given}), "application/json"
        )

    assert end(valid.serial, became="applied").status_code == 400  # a step asks for it to be scanned back
    assert end(void.serial, became="lost").status_code == 400
    assert end(f"{void.serial}9", became="destroyed").status_code == 404
    done = end(void.serial, became="destroyed").json()
    assert done["reconciliation"]["destroyed"] == 1
    driver = browse("courier", "courier_driver").post(f"/api/v1/orders/{code}/labels/end", "{}", "application/json")
    assert driver.status_code == 404
