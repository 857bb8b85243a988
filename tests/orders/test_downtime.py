"""A downtime pack: codes that decode, forms for two people, nothing that its reader may not see, numbered (CO9)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
import zxingcpp

from custody.schemes import printed
from ledger.context import reading
from ledger.models import Event
from ledger.walls import visible
from orders import queries
from orders.actions.downtime import packs_of
from orders.flow import order_named
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed

LAB, DRIVER = ("center", "cell_lab_technologist"), ("courier", "courier_driver")
PICTURES = os.environ.get("PICTURES")  # a folder: where to leave what was looked at


def pages_of(answer: Any, name: str = "") -> tuple[str, set[str]]:
    """Return the text of a PDF and the codes that its symbols say when they are scanned."""
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf"), text_of(answer)
    text, codes = "", set()
    for number, page in enumerate(pypdfium2.PdfDocument(answer.content)):
        text += page.get_textpage().get_text_range() + "\n"
        picture = page.render(scale=3).to_pil().convert("L")
        codes |= {found.text for found in zxingcpp.read_barcodes(picture, zxingcpp.BarcodeFormat.DataMatrix)}
        if PICTURES and name:
            picture.save(Path(PICTURES) / f"{name}-{number + 1}.png")
    return text, codes


def known(world: World, code: str) -> tuple[Any, list[str], list[Any], list[Any]]:
    """Return the order, its bags' codes, its boxes and its packs as the coordinator sees them."""
    actor = world.actor("center", "coordinator")
    with reading(actor):
        order = order_named(actor, code)
        bags = [bag.code for bag in queries.bags_of(actor, order) if not bag.is_terminal]
        return order, bags, list(queries.boxes_of(actor, order)), list(packs_of(actor, order))


@pytest.mark.story("CO9")
def test_the_pack_of_a_collection_has_codes_that_scan_and_forms_for_two(world: World, browse: Browse) -> None:
    person = patient()
    journey = journey_of(world, **person)
    journey.run(before="start_collection")
    nurse = browse("center", "apheresis_nurse")
    address = f"/orders/{journey.code}/downtime/"
    text, codes = pages_of(nurse.post(address, {"once": str(uuid4())}), "downtime-collection")
    order, bags, _, (pack,) = known(world, journey.code)
    assert {printed(order.identity_code), *bags} <= codes
    assert f"DOWNTIME PACK {journey.code}/P1" in text and "page 1" in text
    assert "Start the collection" in text and "Volume (mL)" in text and "Person 2" in text
    assert person["family_name"] in text, "the nurse may read who the patient is"
    assert "released (manufacturer's quality)" in text and "STOP" in text  # for the infusion that is still ahead
    assert "UTC" in text and "Printed for when the system is down" in text
    assert pack.number == 1 and "Start the collection" in pack.steps
    assert f"{journey.code}/P1" in text_of(nurse.get(address))


def test_each_pack_is_numbered_and_on_the_record_once(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    lab, once = browse(*LAB), str(uuid4())
    first, again = (lab.post(f"/orders/{code}/downtime/", {"once": once}) for _ in range(2))
    other = lab.post(
        f"/api/v1/orders/{code}/downtime-packs", "{}", "application/json", headers={"Idempotency-Key": str(uuid4())}
    )
    assert first.content == again.content
    assert "/P2" in pages_of(other)[0]
    order, _, _, packs = known(world, code)
    assert [pack.number for pack in packs] == [2, 1]
    assert packs[1].digest == hashlib.sha256(first.content).hexdigest()
    actor = world.actor("center", "coordinator")
    with reading(actor):
        found = visible(Event, actor).filter(stream_id=order.stream_id, kind="orders.pack_printed").order_by("seq")
        assert [event.payload["number"] for event in found] == [1, 2]
    listed = lab.get(f"/api/v1/orders/{code}/downtime-packs", headers={"Accept": "application/json"}).json()
    assert [row["number"] for row in listed["results"]] == [2, 1]


def test_a_couriers_pack_names_boxes_only(world: World, browse: Browse) -> None:
    person = patient()
    code = packed(world, **person)
    order, bags, (box,), _ = known(world, code)
    text, codes = pages_of(browse(*DRIVER).post(f"/orders/{code}/downtime/"), "downtime-courier")
    assert codes == {box.code} and box.seal_code in text
    for hidden in (person["family_name"], order.identity_code, order.therapy.name, *bags, "Wristband", "Patient"):
        assert hidden not in text, hidden


def test_a_plants_pack_names_no_patient(world: World, browse: Browse) -> None:
    person = patient()
    code = packed(world, picked_up=True, **person)
    text, codes = pages_of(browse("maker", "operator").post(f"/orders/{code}/downtime/"))
    order, bags, _, _ = known(world, code)
    assert set(bags) <= codes
    assert person["family_name"] not in text and "Receive" in text


def test_a_hold_stands_on_the_pack(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    assert browse("center", "coordinator").post(f"/orders/{code}/hold/", {"reason": "Fever"}).status_code == 303
    assert "On hold when this was printed: Fever" in pages_of(browse(*LAB).post(f"/orders/{code}/downtime/"))[0]
    courier = pages_of(browse(*DRIVER).post(f"/orders/{code}/downtime/"))[0]
    assert "STOP: this box must not move" in courier and "Fever" not in courier


def test_the_days_ahead_are_one_file_each_order_on_its_own_record(world: World, browse: Browse) -> None:
    codes = [packed(world, **patient()) for _ in range(2)]
    text, _ = pages_of(browse(*DRIVER).post("/downtime/", {"days": "7"}))
    for code in codes:
        assert f"DOWNTIME PACK {code}/P1" in text
        assert [pack.number for pack in known(world, code)[3]] == [1]
    for days in ("0", "8", "x", ""):
        refused = browse(*DRIVER).post("/downtime/", {"days": days})
        assert refused.status_code == 400 and "cgt-error" in text_of(refused)
    answer = browse(*DRIVER).post("/api/v1/downtime-packs", {"days": 9}, content_type="application/json")
    assert answer.status_code == 400 and "days" in answer.json()["fields"]


def test_who_has_nothing_to_do_or_is_a_stranger_gets_none(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    nothing = browse("maker", "planner").post(f"/orders/{code}/downtime/")
    assert nothing.status_code in (404, 422)
    assert browse(*DRIVER).post(f"/orders/{code}/downtime/").status_code == 404
    assert known(world, code)[3] == []
