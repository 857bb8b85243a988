"""What is printed beside a filled bag is put on it and scanned back by two people before the bag goes on (T33, AN2)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from custody.states import ContainerKind
from ledger.context import reading
from ledger.models import Event, Signature
from ledger.walls import visible
from orders.flow import order_named
from tests.factories import PASSWORD, make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.test_label_ends import prints
from tests.orders.test_lineage_pages import Collected, form, now
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("AN2")]
LAB, COLLEAGUE, NURSE = (
    ("center", "cell_lab_technologist", 1),
    ("center", "cell_lab_technologist", 2),
    ("center", "apheresis_nurse", 1),
)


@pytest.fixture
def split(world: World, browse: Browse) -> Collected:
    """An order whose bag was split in two at the center; the labels of both lie on the bench."""
    order = Collected(world)
    (bag,) = order.bags(kind=ContainerKind.STARTING_MATERIAL)
    half = bag.volume_ml / 2
    assert browse(*LAB).post(order.page, form("split", [bag], half, half, at=now())).status_code == 303
    return order


def waiting(order: Collected) -> list[Any]:
    return [label for label in prints(order.world, order.code) if label.state == "printed"]


def both(order: Collected, serials: list[str], seconds: list[str] | None = None, **changes: str) -> dict[str, str]:
    sent = {f"bags[{place}]scan": serial for place, serial in enumerate(serials)}
    sent |= {"signature.username": "", "signature.password": PASSWORD, "once": str(uuid4())}
    sent |= {"second.username": order.world.username(*COLLEAGUE), "second.password": PASSWORD}
    return sent | {"second.scan": ", ".join(serials if seconds is None else seconds)} | changes


def test_a_split_leads_to_its_labels_and_nothing_goes_on_before_they_are_on_the_bags(
    browse: Browse, split: Collected
) -> None:
    lab, address = browse(*LAB), f"/orders/{split.code}/labels/scan-back/"
    serials = [label.serial for label in waiting(split)]
    assert len(serials) == 2
    page = text_of(lab.get(f"/orders/{split.code}/labels/"))
    assert "To scan back" in page and all(serial in page for serial in serials)
    parts = [label.container for label in waiting(split)]
    sampled = form("sampled", [parts[0]], 2, at=now())
    refused = lab.post(split.page, sampled)
    assert refused.status_code == 400 and f"The label of {parts[0].code} was not scanned back" in text_of(refused)
    assert lab.post(address, both(split, serials)).status_code == 303
    assert waiting(split) == []
    assert lab.post(split.page, {**sampled, "once": str(uuid4())}).status_code == 303
    actor = split.world.actor("center", "coordinator")
    with reading(actor):
        stream = order_named(actor, split.code).stream_id
        (event,) = visible(Event, actor).filter(stream_id=stream, kind="orders.labels_scanned_back")
        signatures = list(visible(Signature, actor).filter(event_id=event.pk))
    assert event.payload is not None and event.payload["labels"] == ", ".join(sorted(serials))
    assert {one.meaning for one in signatures} == {"labels applied", "labels verified on their bags"}
    assert len({one.person_id for one in signatures}) == 2


def test_what_is_not_on_its_bag_stays_open(browse: Browse, split: Collected) -> None:
    first, second = [label.serial for label in waiting(split)]
    assert browse(*LAB).post(f"/orders/{split.code}/labels/scan-back/", both(split, [first])).status_code == 303
    assert [label.serial for label in waiting(split)] == [second]


def test_each_wrong_scan_is_refused_beside_it_and_nothing_is_lost(browse: Browse, split: Collected) -> None:
    lab, address = browse(*LAB), f"/orders/{split.code}/labels/scan-back/"
    (first, second), bag = [label.serial for label in waiting(split)], waiting(split)[0].container.code
    used = prints(split.world, split.code)[0].serial

    def refused(status: int, words: str, sent: dict[str, str]) -> None:
        answer = lab.post(address, sent)
        assert answer.status_code == status and words in text_of(answer), text_of(answer)
        assert len(waiting(split)) == 2

    refused(400, "This label was scanned already", both(split, [first, first]))
    refused(400, "That is no label that waits here", both(split, [bag]))
    refused(400, "Expected:", both(split, [used]))
    refused(400, "Scan the same labels as the first person", both(split, [first, second], [first]))
    alone = {"second.username": split.world.username(*LAB)}
    refused(422, "The second person must be somebody else", both(split, [first, second], **alone))
    again = lab.post(address, both(split, [first, second], **{"second.password": "wrong"}))
    assert again.status_code in (400, 403) and first in text_of(again)


def test_another_patients_label_stops_the_line(world: World, browse: Browse, split: Collected) -> None:
    other = Collected(world)
    foreign = prints(world, other.code)[0].serial
    answer = browse(*LAB).post(f"/orders/{split.code}/labels/scan-back/", both(split, [foreign]))
    assert answer.status_code == 422 and "another chain of identity" in text_of(answer)
    states = {bag.state for bag in split.bags(kind=ContainerKind.STARTING_MATERIAL)} - {"consumed"}
    assert states == {"quarantined"}


def test_a_smeared_label_is_printed_again_and_the_new_one_scanned_back(world: World, browse: Browse) -> None:
    order = Collected(world)
    nurse, address = browse(*NURSE), f"/orders/{order.code}/labels/reprint/"
    (bag,) = order.bags(kind=ContainerKind.STARTING_MATERIAL)
    assert "Print a label again" in text_of(nurse.get(f"/orders/{order.code}/labels/"))
    assert nurse.post(address, {"container": bag.code, "reason": ""}).status_code == 400
    sent = {"container": bag.code, "reason": "smeared", "once": str(uuid4())}
    for _ in range(2):  # a double click
        assert nurse.post(address, sent).status_code == 303
    former, fresh = prints(world, order.code)
    assert (former.state, fresh.state, fresh.reason) == ("void", "printed", "smeared")
    pdf = nurse.get(f"/orders/{order.code}/labels.pdf")
    assert pdf.status_code == 200 and pdf["Content-Type"] == "application/pdf"
    signed = both(order, [fresh.serial], **{"second.username": world.username("center", "apheresis_nurse", 2)})
    old = nurse.post(f"/orders/{order.code}/labels/scan-back/", {**signed, "bags[0]scan": former.serial})
    assert old.status_code == 400 and f"Label {former.serial} is void" in text_of(old)
    assert nurse.post(f"/orders/{order.code}/labels/scan-back/", {**signed, "once": str(uuid4())}).status_code == 303
    assert [label.state for label in prints(world, order.code)] == ["void", "applied"]


def test_only_who_has_the_bag_in_hand_prints_and_scans(world: World, browse: Browse, split: Collected) -> None:
    serials = [label.serial for label in waiting(split)]
    operator = browse("maker", "operator")
    given = {"container": waiting(split)[0].container.code, "reason": "to try"}
    assert operator.post(f"/orders/{split.code}/labels/reprint/", given).status_code == 403
    assert operator.post(f"/orders/{split.code}/labels/scan-back/", both(split, serials)).status_code == 409
    assert "Print a label again" not in text_of(operator.get(f"/orders/{split.code}/labels/"))
    for address in ("labels/reprint/", "labels/scan-back/"):
        assert browse("courier", "courier_driver").post(f"/orders/{split.code}/{address}", given).status_code == 404
        stranger = signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
        assert stranger.post(f"/orders/{split.code}/{address}", given).status_code == 404
    assert len(waiting(split)) == 2


def test_over_rest_by_the_same_rules(world: World, browse: Browse, split: Collected) -> None:
    lab = browse(*LAB)
    serials = [label.serial for label in waiting(split)]

    def post(what: str, **given: Any) -> Any:
        address = f"/api/v1/orders/{split.code}/labels/{what}"
        return lab.post(address, json.dumps(given), "application/json", headers={"Idempotency-Key": str(uuid4())})

    second = {"username": world.username(*COLLEAGUE), "password": PASSWORD, "scan": ",".join(serials)}
    sent = {"bags": [{"scan": serial} for serial in serials], "signature": {"password": PASSWORD}, "second": second}
    assert post("scan-back", **{**sent, "bags": [{"scan": serials[0]}]}).json()["fields"]["second.scan"]
    done = post("scan-back", **sent)
    assert done.status_code == 200 and done.json()["reconciliation"]["open"] == 0
    assert post("scan-back", **sent).json()["code"] == "no_label_waits"
    assert post("reprint", container="XX", reason="torn").status_code == 404
    again = post("reprint", container=serials[0].rpartition("/")[0], reason="torn")
    assert again.status_code == 201 and again.json()["reconciliation"]["void"] == 1


def test_filled_product_waits_for_its_labels_before_review_and_packing(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(until="finish")
    assert journey.next_step().key == "label_product"  # type: ignore[union-attr]
    operator = browse("maker", "operator", 1)
    filled = [label for label in prints(world, journey.code) if label.state == "printed"]
    assert len(filled) == 2 and {label.template for label in filled} == {"product"}
    page = text_of(operator.get(f"/orders/{journey.code}/steps/label_product/"))
    assert all(label.container.code in page for label in filled)
    assert "Filled, to label" in text_of(operator.get("/"))
    journey.perform("qc")
    assert journey.next_step().key == "label_product"  # type: ignore[union-attr]
    journey.run(until="label_product")
    assert {label.state for label in prints(world, journey.code)} == {"applied"}
    assert journey.run() == ""
