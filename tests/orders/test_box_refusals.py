"""A receiver does not accept a box: custody stays with the courier, everybody is told, the delivery stays open."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from custody.models import Container, Shipment
from ledger.context import reading
from ledger.models import Event
from notifications.recipients import recipients_of
from orders.flow import order_named
from personas.queries import organization_actor
from quality.queries import deviations_of
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
DRIVER, DOCK, QA = ("courier", "courier_driver"), ("maker", "operator"), ("maker", "qa_reviewer")


class AtTheDoor:
    """An order whose box is with the courier."""

    def __init__(self, world: World, until: str = "pickup") -> None:
        self.journey = journey_of(world, **patient())
        self.journey.run(until=until)
        self.code, self.actor = self.journey.code, world.actor(*DOCK)
        with reading(self.actor):
            self.box = Shipment.unwalled.get(stream_id=order_named(self.actor, self.code).stream_id)
        self.page = f"/orders/{self.code}/boxes/{self.box.code}/refuse/"
        self.rest = f"/api/v1/orders/{self.code}/shipments/{self.box.code}/refuse"

    def given(self, **changes: Any) -> dict[str, Any]:
        return {"refusal": "seal_broken", "refused_at": timezone.now().isoformat(), "note": "Cut through"} | changes

    def events(self) -> list[Event]:
        with reading(self.actor):
            return list(Event.unwalled.filter(stream_id=self.box.stream_id, kind="orders.box_refused"))


def test_a_refused_box_stays_with_the_courier_and_everybody_is_told_once(world: World, browse: Browse) -> None:
    way, dock = AtTheDoor(world), browse(*DOCK)
    assert "Do not accept it" in text_of(dock.get(way.page.removesuffix("refuse/")))
    refused = dock.post(way.page, way.given(refusal="other", note=""))
    assert refused.status_code == 400 and "Say what it was" in text_of(refused)
    sent = way.given(once=str(uuid4()))
    for _ in range(2):
        assert dock.post(way.page, sent).status_code == 303
    (event,) = way.events()
    assert event.reason == "Cut through" and "seal" in event.payload["refusal"]
    with reading(way.actor):
        bags = list(Container.unwalled.filter(shipment_items__shipment=way.box))
        now = Shipment.unwalled.get(pk=way.box.pk)
    assert {bag.custodian_id for bag in bags} == {world.courier.pk} and now.state == "picked_up"
    for person in (("courier", "courier_dispatcher"), ("center", "coordinator"), QA):
        actor = world.actor(*person)
        relay = organization_actor(actor.organization_id, "relay")
        with reading(relay):
            told = {one.user.pk: one.title for one in recipients_of(relay, event)}
        assert told[actor.user_id] == f"Box not accepted at delivery · {way.code}"  # type: ignore[index]
    quality = world.actor(*QA)
    with reading(quality):
        assert any("Cut through" in one.text for one in deviations_of(quality, way.box.stream_id))
    way.journey.perform("delivery")  # a second look: it is taken after all


def test_over_rest_and_what_does_not_fit(world: World, browse: Browse) -> None:
    way, dock = AtTheDoor(world), browse(*DOCK)
    header = {"Idempotency-Key": str(uuid4())}
    body = way.given()
    answers = [dock.post(way.rest, body, content_type="application/json", headers=header) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201] and len(way.events()) == 1
    early = (timezone.now() - dt.timedelta(days=3)).isoformat()
    assert dock.post(way.rest, way.given(refused_at=early), content_type="application/json").status_code == 400
    assert browse(*DRIVER).post(way.rest, way.given(), content_type="application/json").status_code == 403
    assert browse(*DRIVER).get(way.page).status_code == 404
    taken = AtTheDoor(world, until="delivery")
    late = dock.post(taken.rest, taken.given(), content_type="application/json")
    assert (late.status_code, late.json()["code"]) == (409, "box_state")
    for role, persona in (("courier", "courier_driver"), ("manufacturer", "operator")):
        stranger = signed_in(make_member(make_organization(role), persona))
        for body in (way.given(), {}):
            assert stranger.post(way.rest, body, content_type="application/json").status_code == 404
            assert stranger.post(way.page, body).status_code == 404
