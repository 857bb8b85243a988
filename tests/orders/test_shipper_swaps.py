"""A box is moved into another shipper on its way: the same box, the same bags, no gap, both shippers on the record."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cgt.demo.journey import Journey
from custody.actions.equipment import add_equipment, charge_shipper
from custody.custody_periods import gaps, periods_of
from custody.models import Container, SealCheck, Shipment
from ledger.context import reading
from ledger.models import Event
from ledger.refusals import InvalidInput, Mismatch
from notifications.recipients import recipients_of
from orders import dossier_parts
from orders.actions.excursions import send_readings
from orders.actions.shipper_swaps import swap_shipper
from orders.actions.stops import stop_units
from orders.epcis.events import epcis_events, sources
from orders.flow import order_named
from orders.packing_lists import of_box
from personas.queries import organization_actor
from quality.queries import deviations_of
from tests.factories import PASSWORD, make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.epcis.validation import faults
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
DRIVER, CONTROL, DOCK = ("courier", "courier_driver"), ("courier", "courier_dispatcher"), ("maker", "operator")
NURSE, QA = ("center", "apheresis_nurse"), ("maker", "qa_reviewer")
SECOND = dt.timedelta(seconds=1)


class OnTheWay:
    """An order whose starting material is with the courier, or still waits for it."""

    def __init__(self, world: World, until: str = "pickup") -> None:
        self.world = world
        self.journey: Journey = journey_of(world, **patient())
        self.journey.run(until=until)
        self.code, self.actor = self.journey.code, world.actor(*DOCK)
        self.box = self.now()
        self.page = f"/orders/{self.code}/boxes/{self.box.code}/shipper/"
        self.rest = f"/api/v1/orders/{self.code}/shipments/{self.box.code}/swaps"

    def now(self) -> Shipment:
        with reading(self.actor):
            return Shipment.unwalled.get(stream_id=order_named(self.actor, self.code).stream_id)

    def bags(self) -> list[Container]:
        with reading(self.actor):
            return list(Container.unwalled.filter(shipment_items__shipment=self.box))

    def given(self, **changes: Any) -> dict[str, Any]:
        mark = uuid4().hex[:8]
        new = {"shipper_code": f"SPARE-{mark}", "seal_code": f"SEAL-{mark}", "logger_code": f"LOG-{mark}"}
        seen = {"outer_code": self.box.code, "seal_seen": self.box.seal_code, "units": len(self.bags())}
        at = {"swapped_at": timezone.now().isoformat(), "logger_running": "yes"}
        return new | seen | at | {"place": "Cargo terminal", "reason": "Held at customs, nitrogen low"} | changes

    def swap(self, who: tuple[str, str] = DRIVER, **changes: Any) -> dict[str, Any]:
        given = self.given(**changes)
        swap_shipper(self.world.actor(*who), self.code, self.box.code, given)
        return given

    def deviations(self) -> list[Any]:
        actor = self.world.actor(*QA)
        with reading(actor):
            found = deviations_of(actor, self.box.stream_id)
            return [one for one in found if "moved from shipper" in one.text]

    def told(self) -> Event:
        with reading(self.actor):
            return Event.unwalled.filter(stream_id=self.box.stream_id, kind="orders.shipper_swapped").get()


@pytest.mark.story("CC3")
def test_a_driver_moves_a_box_and_identity_and_custody_go_on(world: World, browse: Browse) -> None:
    way = OnTheWay(world)
    before = {(bag.code, bag.coi_id, bag.custodian_id, bag.state) for bag in way.bags()}
    driver, sent = browse(*DRIVER), way.given(once=str(uuid4()))
    assert "Moved into another shipper" in text_of(driver.get(way.page.removesuffix("shipper/")))
    form = text_of(driver.get(way.page))
    assert way.box.shipper_code in form and "New seal" in form
    assert not [bag for bag in way.bags() if bag.code in form]
    for _ in range(2):
        assert driver.post(way.page, sent).status_code == 303  # sent again after a lost answer: once
    now = way.now()
    assert now.code == way.box.code and now.state == way.box.state
    assert (now.shipper_code, now.seal_code, now.logger_code) == (
        sent["shipper_code"],
        sent["seal_code"],
        sent["logger_code"],
    )
    assert {(bag.code, bag.coi_id, bag.custodian_id, bag.state) for bag in way.bags()} == before
    with reading(way.actor):
        for bag in way.bags():
            assert gaps(bag, periods_of(bag)) == []
        assert SealCheck.unwalled.get(shipment=way.box, stage="swap").matches
    way.journey.perform("delivery", {"seal_seen": sent["seal_code"]})
    with reading(way.actor):
        assert SealCheck.unwalled.get(shipment=way.box, stage="delivery").matches
        assert of_box(way.actor, order_named(way.actor, way.code), way.box.code).shipment.seal_code == sent["seal_code"]
    page = text_of(browse(*DOCK).get(way.page.removesuffix("shipper/")))
    assert way.box.shipper_code in page and sent["shipper_code"] in page and "Held at customs" in page
    (deviation,) = way.deviations()
    assert deviation.severity == "minor" and deviation.automatic


def test_it_is_told_on_the_record_in_epcis_and_in_the_dossier(world: World, browse: Browse) -> None:
    way = OnTheWay(world)
    with reading(way.actor):
        rows = sources(way.actor).filter(stream=way.box.stream_id)
        before = {event["eventID"] for _, event in epcis_events(way.actor, rows)}
    sent = way.swap()
    event = way.told()
    assert event.reason == sent["reason"] and event.payload["was_shipper"] == way.box.shipper_code
    text = text_of(browse("center", "coordinator").get(f"/orders/{way.code}/record/"))
    assert f"was moved from shipper {way.box.shipper_code} into {sent['shipper_code']}" in text
    for organization, persona in (("center", "coordinator"), ("maker", "planner"), ("courier", "courier_dispatcher")):
        actor = world.actor(organization, persona)
        relay = organization_actor(actor.organization_id, "relay")
        with reading(relay):
            told = {one.user.pk: one.title for one in recipients_of(relay, event)}
        assert told[actor.user_id] == f"Shipper changed on the way · {way.code}"  # type: ignore[index]
    with reading(way.actor):
        order = order_named(way.actor, way.code)
        rows = sources(way.actor).filter(stream=way.box.stream_id).order_by("seq")
        events = [event for _, event in epcis_events(way.actor, rows)]
        (row,) = dossier_parts.parts_of(way.actor, order, [], [])["shippers_changed"]
    assert before < {event["eventID"] for event in events}  # what was said before is said the same
    new = [event for event in events if event["eventID"] not in before]
    assert [(one["type"], one["action"], one["bizStep"]) for one in new] == [
        ("ObjectEvent", "OBSERVE", "repackaging"),
        ("AggregationEvent", "DELETE", "repackaging"),
        ("AggregationEvent", "ADD", "repackaging"),
    ]
    assert [one.get("cgt:shipper") for one in new] == [sent["shipper_code"], way.box.shipper_code, sent["shipper_code"]]
    from orders.epcis import documents

    assert faults(documents.document(events)) == []
    assert (row["from_shipper"], row["into_shipper"]) == (way.box.shipper_code, sent["shipper_code"])
    driver = world.actor(*DRIVER)
    with reading(driver):
        seen = [one for _, one in epcis_events(driver, sources(driver).filter(stream=way.box.stream_id))]
    assert [one["type"] for one in seen if one["bizStep"] == "repackaging"] == ["ObjectEvent"]


def test_each_logger_counts_for_its_own_part_of_the_way(world: World) -> None:
    way = OnTheWay(world)
    old, packed = way.box.logger_code, way.box.packed_at
    sent = way.swap()
    moved = dt.datetime.fromisoformat(sent["swapped_at"])

    def send(logger: str, value: int, *moments: dt.datetime) -> Any:
        rows = [[moment.isoformat(), value] for moment in moments]
        return send_readings(way.actor, way.code, way.box.code, {"logger": logger, "readings": rows})

    first = send(old, 5, packed, moved + 2 * SECOND)
    assert (first.taken, first.elsewhen, first.logger_code) == (1, 1, old)
    second = send(sent["logger_code"], 6, moved - 2 * SECOND, moved)
    assert (second.taken, second.elsewhen) == (1, 1) and second.logger_code == sent["logger_code"]
    with pytest.raises(InvalidInput) as refused:
        send("OTHER-1", 5, moved)
    assert refused.value.code == "wrong_logger"


def test_over_rest_by_control_once_and_before_the_pickup_by_the_sender(world: World, browse: Browse) -> None:
    way, control = OnTheWay(world), browse(*CONTROL)
    sent, header = way.given(), {"Idempotency-Key": str(uuid4())}
    first = control.post(way.rest, sent, content_type="application/json", headers=header)
    again = control.post(way.rest, sent, content_type="application/json", headers=header)
    assert first.status_code == again.status_code == 201
    assert [row["shipper_code"] for row in again.json()["shippers"]] == [way.box.shipper_code, sent["shipper_code"]]
    assert control.get(way.rest).json() == again.json()
    late = browse(*NURSE).post(way.rest, way.given(seal_seen=sent["seal_code"]), content_type="application/json")
    assert (late.status_code, late.json()["code"]) == (403, "not_the_holder")
    waits = OnTheWay(world, until="pack")
    driver = browse(*DRIVER)
    assert driver.get(waits.page).status_code == 404
    early = driver.post(waits.rest, waits.given(), content_type="application/json")
    assert (early.status_code, early.json()["code"]) == (403, "not_the_holder")
    assert browse(*NURSE).post(waits.page, waits.given()).status_code == 303


def test_what_does_not_fit_is_refused_in_words_beside_its_field(world: World, browse: Browse) -> None:
    way, driver = OnTheWay(world), browse(*DRIVER)
    wrong = {
        "shipper_code": (way.box.shipper_code.lower(), "in that shipper already"),
        "seal_code": (way.box.seal_code, "close the other shipper with a new one"),
        "units": ("7", "7 were counted"),
        "swapped_at": ((way.box.packed_at - dt.timedelta(hours=1)).isoformat(), "not in your hands then"),
        "logger_running": ("no", "Start the logger"),
        "reason": ("", "needed"),
    }
    for name, (value, words) in wrong.items():
        page = driver.post(way.page, way.given(**{name: value}))
        assert page.status_code in (400, 403, 422) and words.lower() in text_of(page).lower(), name
        assert 'value="Cargo terminal"' in text_of(page)
    with pytest.raises(Mismatch):
        way.swap(outer_code=OnTheWay(world).box.code)
    assert way.now().shipper_code == way.box.shipper_code and way.deviations() == []
    finding = way.swap(seal_seen="ANOTHER")
    (deviation,) = way.deviations()
    assert deviation.severity == "major" and "ANOTHER" in deviation.text and finding["shipper_code"] in deviation.text


def test_what_was_delivered_is_not_moved_but_what_happened_before_is_recorded(world: World, browse: Browse) -> None:
    way = OnTheWay(world, until="delivery")
    after = way.given()
    refused = browse(*DOCK).post(way.rest, after, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "box_state")
    assert browse(*DRIVER).get(way.page).status_code == 404
    assert way.box.picked_up_at is not None and way.box.delivered_at is not None
    between = way.box.picked_up_at + (way.box.delivered_at - way.box.picked_up_at) / 2
    sent = way.given(swapped_at=between.isoformat())
    driver = browse(*DRIVER)
    answer = driver.post(way.rest, sent, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "box_state")
    assert driver.post(way.rest, sent | {"happened": True}, content_type="application/json").status_code == 201


def test_strangers_find_nothing(world: World) -> None:
    way = OnTheWay(world)
    for role, persona in (("courier", "courier_driver"), ("treatment_center", "apheresis_nurse")):
        stranger: Client = signed_in(make_member(make_organization(role), persona))
        assert stranger.get(way.page).status_code == 404
        assert stranger.post(way.page, way.given()).status_code == 404
        assert stranger.get(way.rest).status_code == 404
        assert stranger.post(way.rest, way.given(), content_type="application/json").status_code == 404
    assert way.now().shipper_code == way.box.shipper_code


@pytest.mark.story("DE2")
def test_the_other_shipper_must_be_fit_for_the_rest_of_the_way() -> None:
    world = make_world()  # of its own: a register binds everybody in it
    way = OnTheWay(world)
    keeper, mark = world.actor(*CONTROL), uuid4().hex[:8]
    valid = {"valid_until": (timezone.now() + dt.timedelta(days=90)).isoformat()}
    numbers = {"shipper_code": f"DRY-{mark}", "logger_code": f"LOG-{mark}"}
    shipper = {"kind": "shipper", "serial": f"DRY-{mark}", "model": "Vapor 10", "hold_hours": "240"}
    piece = add_equipment(keeper, valid | shipper)
    add_equipment(keeper, valid | {"kind": "logger", "serial": f"LOG-{mark}", "model": "Tiny 2"})
    browser = signed_in(world.member(*DRIVER))

    def codes(**changes: Any) -> set[str]:
        answer = browser.post(way.rest, way.given(**numbers | changes), content_type="application/json")
        assert answer.status_code == 422, answer.content
        return {fact["code"] for fact in answer.json()["facts"]}

    assert codes(shipper_code="SPARE-1", logger_code="LOG-1") == {"unknown_shipper", "unknown_logger"}
    assert codes() == {"shipper_uncharged"}
    charge_shipper(keeper, piece, {"charged_at": (timezone.now() - dt.timedelta(hours=235)).isoformat()})
    assert codes() == {"hold_too_short"}
    forced = browser.post(way.rest, way.given(**numbers, happened=True), content_type="application/json")
    assert forced.status_code == 201
    (deviation,) = way.deviations()
    assert deviation.severity == "major" and "too short" in deviation.text
    charge_shipper(keeper, piece, {"charged_at": timezone.now().isoformat()})
    second = OnTheWay.__new__(OnTheWay)
    second.__dict__ |= way.__dict__ | {"box": way.now()}
    more = add_equipment(keeper, valid | shipper | {"serial": f"DRZ-{mark}"})
    charge_shipper(keeper, more, {"charged_at": timezone.now().isoformat()})
    given = second.given(shipper_code=f"DRZ-{mark}", logger_code=f"LOG-{mark}")
    assert browser.post(way.rest, given, content_type="application/json").status_code == 201
    now = way.now()
    assert now.shipper_id == more and now.holds_until is not None


def stop_shipper(world: World, serial: str) -> str:
    reviewer = world.actor(*QA)
    signature = {"username": world.username(*QA), "password": PASSWORD}
    return stop_units(reviewer, {"shipper": serial, "reason": "Lost its vacuum", "signature": signature})


@pytest.mark.story("QA4")
def test_a_stopped_shipper_is_refused_with_words_and_used_all_the_same_the_bags_wait(
    world: World, browse: Browse
) -> None:
    way, serial = OnTheWay(world), f"BAD-{uuid4().hex[:8]}"
    number = stop_shipper(world, serial)
    driver = browse(*DRIVER)
    page = driver.post(way.page, way.given(shipper_code=serial.lower(), once=str(uuid4())))
    assert page.status_code == 422 and "is stopped" in text_of(page) and number in text_of(page)
    rest = driver.post(way.rest, way.given(shipper_code=serial), content_type="application/json")
    assert (rest.status_code, rest.json()["facts"][0]["code"]) == (422, "source_stopped")
    assert way.now().shipper_code == way.box.shipper_code
    assert {bag.state for bag in way.bags()} == {"in_transit"}
    way.swap(shipper_code=serial, happened=True)
    assert {bag.state for bag in way.bags()} == {"quarantined"}
    (deviation,) = way.deviations()
    assert deviation.severity == "major" and number in deviation.text
    other = OnTheWay(world)
    other.swap()
    assert {bag.state for bag in other.bags()} == {"in_transit"}
