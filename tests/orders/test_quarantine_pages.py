"""The quarantine list: what is held, since when, where, whose decision; nothing of the tenant next door (QA1)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from custody import material
from custody.models import Container
from ledger import queries as record
from ledger.context import reading
from ledger.recording import acting
from notifications.recipients import recipients_of
from orders.epcis.events import epcis_events
from orders.flow import order_named
from personas.queries import organization_actor
from quality.actions.deviations import open_deviation
from tests.custody.factories import a_person  # noqa: F401 - registers the kind of event that a test's own step has
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("QA1")]
QUALITY, NURSE, REVIEWER = ("center", "site_quality"), ("center", "apheresis_nurse"), ("maker", "qa_reviewer")


def hold(world: World, code: str, reason: str) -> list[Container]:
    """Put the collected bags of an order into quarantine; return them as they are now."""
    actor = world.actor(*NURSE)
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    with acting(actor, "tests.custody_step", stream_id=stream_id):
        bags = list(Container.unwalled.filter(stream_id=stream_id, kind="starting_material"))
        return [material.quarantine(bag, reason) for bag in bags]


@pytest.fixture
def code(world: World) -> str:
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    return journey.code


def row_of(text: str, bag: Container) -> str:
    assert bag.code in text
    return text.split(bag.code, 1)[1].split("</tr>", 1)[0]


def test_the_list_says_why_since_when_where_and_whose_decision_it_is(world: World, browse: Browse, code: str) -> None:
    before = timezone.now()
    bag = hold(world, code, "The box was warm.")[0]
    assert before <= bag.quarantined_at <= timezone.now() + dt.timedelta(seconds=1)
    row = row_of(text_of(browse(*QUALITY).get("/quarantine/")), bag)
    assert "The box was warm." in row and code in row and world.clinic.name in row
    assert f"Quality of {world.center.name} or {world.maker.name}" in row and "Your decision" in row
    assert "Your decision" not in row_of(text_of(browse(*NURSE).get("/quarantine/")), bag)
    assert "Your decision" in row_of(text_of(browse(*REVIEWER).get("/quarantine/")), bag)
    assert f"/orders/{code}/#material" in row


def test_an_open_deviation_stands_before_the_decision(world: World, browse: Browse, code: str) -> None:
    bag = hold(world, code, "Damaged.")[0]
    actor = world.actor(*QUALITY)
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    number = open_deviation(actor, stream_id, kind="damage", severity="critical", text="torn bag").number
    told = browse(*QUALITY).get("/api/v1/quarantine").json()["results"]
    mine = next(one for one in told if one["container"] == bag.code)
    assert (mine["waits_for"], mine["deviations"], mine["mine"]) == ("deviation", [number], True)
    assert (mine["order"], mine["went_on_as"], mine["reason"]) == (code, "collected", "Damaged.")
    assert number in row_of(text_of(browse(*QUALITY).get("/quarantine/")), bag)


def test_what_was_decided_leaves_the_list(world: World, browse: Browse, code: str) -> None:
    quality = browse(*QUALITY)
    bag = hold(world, code, "Looked cloudy.")[0]
    decided = {"decision": "release", "reason": "looked at again"}
    assert quality.post(f"/orders/{code}/material/{bag.code}/decide/", decided).status_code == 303
    held = [one["container"] for one in quality.get("/api/v1/quarantine").json()["results"]]
    assert bag.code not in held
    with reading(world.actor(*NURSE)):
        assert Container.unwalled.get(pk=bag.pk).quarantined_at is None


def test_strangers_and_couriers_read_nothing_of_it(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    bag = hold(world, code, "The box was warm.")[0]
    stranger = signed_in(make_member(make_organization("treatment_center"), "site_quality"))
    for browser in (stranger, browse("courier", "courier_driver")):
        assert bag.code not in text_of(browser.get("/quarantine/"))
        assert browser.get("/api/v1/quarantine").json()["results"] == []


def test_more_rows_take_no_more_queries(world: World, browse: Browse, code: str) -> None:
    quality = browse(*QUALITY)

    def cost() -> int:
        quality.get("/quarantine/")
        with CaptureQueriesContext(connection) as captured:
            assert quality.get("/quarantine/").status_code == 200
        return len(captured)

    hold(world, code, "first")
    once = cost()
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    hold(world, journey.code, "second")
    assert cost() == once


PUT = "/orders/{}/material/{}/decide/"


def bag_of(world: World, code: str) -> Container:
    actor = world.actor(*NURSE)
    with reading(actor):
        found = Container.unwalled.filter(stream_id=order_named(actor, code).stream_id, kind="starting_material")
        return found.earliest("code")


def put(reason: str = "The port leaks.") -> dict[str, str]:
    return {"decision": "quarantine", "reason": reason}


def events_of(world: World, code: str, kind: str = "orders.material_put_aside") -> list[Any]:
    actor = world.actor(*QUALITY)
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
        return list(record.events_of(actor, stream_id).filter(kind=kind))


def test_quality_puts_a_bag_aside_and_the_decision_ends_it(world: World, browse: Browse, code: str) -> None:
    quality, bag = browse(*QUALITY), bag_of(world, code)
    assert "Put into quarantine" in text_of(quality.get(f"/orders/{code}/"))
    assert quality.post(PUT.format(code, bag.code), put()).status_code == 303
    held = bag_of(world, code)
    assert (held.state, held.quarantine_reason) == ("quarantined", "Put aside: The port leaks.")
    assert f"{bag.code} is quarantined." in text_of(quality.get(f"/orders/{code}/"))
    row = row_of(text_of(quality.get("/quarantine/")), bag)
    assert "Put aside: The port leaks." in row and "Your decision" in row
    (event,) = events_of(world, code)
    assert event.reason == "The port leaks." and event.payload["container"] == bag.code
    for organization, (_, persona) in ((world.center, QUALITY), (world.maker, REVIEWER)):
        told = organization_actor(organization.pk, "tests")
        with reading(told):
            heard = [one for one in recipients_of(told, event) if "Material was put aside" in one.title]
            assert any(one.critical for one in heard), f"{persona} of {organization.name} hears of it"
    released = {"decision": "release", "reason": "the drop came from outside"}
    assert quality.post(PUT.format(code, bag.code), released).status_code == 303
    assert bag_of(world, code).state == "collected"


def test_one_bag_is_put_aside_once(world: World, browse: Browse, code: str) -> None:
    quality, bag = browse(*QUALITY), bag_of(world, code)
    once = put() | {"once": str(uuid4())}
    assert [quality.post(PUT.format(code, bag.code), once).status_code for _ in range(2)] == [303, 303]
    again = quality.post(PUT.format(code, bag.code), put("It is cloudy, too."))
    told = text_of(again)
    assert again.status_code == 409 and f"{bag.code} is in quarantine already: Put aside: The port leaks." in told
    assert "belongs into a deviation of the order" in told
    assert len(events_of(world, code)) == 1


def test_who_may_not_put_it_aside_is_told_what_to_do(world: World, browse: Browse, code: str) -> None:
    bag = bag_of(world, code)
    path, address = PUT.format(code, bag.code), f"/api/v1/orders/{code}/material/{bag.code}/quarantine"
    for browser, status, words in (
        (browse(*REVIEWER), 403, "Call quality of whoever has it now"),
        (browse(*NURSE), 403, "Ask a colleague whose persona has this right"),
        (browse(*QUALITY), 400, "Say why"),
    ):
        sent = put("" if status == 400 else "It leaks.")
        assert browser.post(path, sent).status_code == status
        answer = browser.post(
            address, {"reason": sent["reason"]}, "application/json", HTTP_IDEMPOTENCY_KEY=str(uuid4())
        )
        assert answer.status_code == status and words in answer.content.decode()
    stranger = signed_in(make_member(make_organization("treatment_center"), "site_quality"))
    assert stranger.post(path, put()).status_code == 404
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid4())}
    assert stranger.post(address, {"reason": "It leaks."}, "application/json", **key).status_code == 404
    assert bag_of(world, code).state == "collected" and not events_of(world, code)


def test_a_partner_system_puts_a_bag_aside_once(world: World, browse: Browse, code: str) -> None:
    quality, bag = browse(*QUALITY), bag_of(world, code)
    address = f"/api/v1/orders/{code}/material/{bag.code}/quarantine"
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid4())}
    for _ in range(2):
        assert quality.post(address, {"reason": "It leaks."}, "application/json", **key).status_code == 200
    refused = quality.post(address, {"reason": "More."}, "application/json", HTTP_IDEMPOTENCY_KEY=str(uuid4()))
    assert (refused.status_code, refused.json()["code"]) == (409, "already_quarantined")
    (event,) = events_of(world, code)
    with reading(reader := world.actor(*QUALITY)):
        said = [one for _, one in epcis_events(reader, [event])]
    assert [(one["bizStep"], one["disposition"]) for one in said] == [("holding", "unavailable")]


def test_what_has_ended_is_not_put_aside(world: World, browse: Browse, code: str) -> None:
    quality, bag = browse(*QUALITY), bag_of(world, code)
    assert quality.post(PUT.format(code, bag.code), {"decision": "lost", "reason": "Gone."}).status_code == 303
    answer = quality.post(PUT.format(code, bag.code), put())
    assert answer.status_code == 409 and "Record that it was found" in text_of(answer)
