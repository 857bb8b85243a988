"""The courier's pages: stops, failed pickups, delays; never a patient, a therapy or a chain of identity on them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from custody import queries as custody
from ledger.context import reading
from ledger.queries import events_of
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from ledger.states import Role
from notifications.recipients import recipients_of
from orders import queries, transit
from orders.actions import pickups
from orders.flow import order_named
from personas.queries import organization_actor
from quality.queries import deviations_of
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, booked, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import packed
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
DRIVER = ("courier", "courier_driver")


def order_of(world: World, code: str) -> Any:
    actor = world.actor("maker", "planner")
    with reading(actor):
        return order_named(actor, code)


def secrets_of(world: World, code: str, person: dict[str, str]) -> list[str]:
    """What a courier must never read, with bags whose codes hold the chain of identity."""
    actor = world.actor("maker", "qa_reviewer")
    with reading(actor):
        order = order_named(actor, code)
        bags = [bag.code for bag in custody.containers_of(actor, order.stream_id)]
    assert bags and order.identity_code in bags[0]
    return [*person.values(), "1961-04-05", order.identity_code, world.therapy.name, world.therapy.code, *bags]


def test_the_second_person_of_a_hand_over_is_asked_for_the_boxs_outer_code(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    page = text_of(browse(*DRIVER).get(f"/orders/{code}/steps/pickup/"))
    assert "Scan the outer code of the box yourself" in page


@pytest.mark.story("CR1", "CR4")
def test_no_page_of_a_courier_tells_who_or_what_is_in_the_box(world: World, browse: Browse) -> None:
    person = patient()
    code = packed(world, **person)
    secrets = secrets_of(world, code, person)
    pages = [
        "/",
        "/?days=week",
        "/orders/",
        "/worklist/",
        "/inbox/",
        f"/orders/{code}/",
        f"/orders/{code}/steps/pickup/",
        f"/orders/{code}/steps/pickup/failed/",
        f"/orders/{code}/steps/pickup/delay/",
        f"/orders/{code}/steps/delivery/delay/",
        "/record/verify/",
    ]
    for persona in ("courier_driver", "courier_dispatcher", "inspector"):
        client = browse("courier", persona)
        for address in pages:
            page = client.get(address)
            assert page.status_code in (200, 404), address
            for secret in secrets:
                assert secret not in text_of(page), (persona, address, secret)
        for address in ("labels.pdf", "certificate.pdf", "dossier.zip", "record/"):
            assert client.get(f"/orders/{code}/{address}").status_code in (403, 404)
        assert f"/orders/{code}/record/" not in text_of(client.get(f"/record/?code={code}"))
    assert code in text_of(browse(*DRIVER).get("/?days=week"))  # the pages were not empty
    assert code in text_of(browse(*DRIVER).get(f"/orders/{code}/"))


@pytest.mark.story("CR1")
def test_a_stop_tells_door_number_box_and_seal(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    response = browse(*DRIVER).get("/?days=week")
    row = next(row for row in response.context["stops"] if row["code"] == code)
    assert row["verb"] == "Pick up" and row["stop"].window is not None and row["stop"].cutoff is not None
    assert row["take_url"] == f"/orders/{code}/steps/pickup/"
    page = text_of(response)
    assert row["stop"].box.code in page and row["stop"].box.seal_code in page
    assert world.clinic.name in page and world.plant.name in page


def test_a_planned_stop_shows_before_it_is_packed_and_strangers_see_none(world: World, browse: Browse) -> None:
    code = booked(world, **patient())
    rows = browse(*DRIVER).get("/?days=week").context["stops"]
    row = next((row for row in rows if row["code"] == code), None)
    assert row is None or (row["take_url"] == "" and row["stop"].box is None)
    with reading(world.actor(*DRIVER)):
        everything = queries.stops(world.actor(*DRIVER))
    assert code in {stop.step.order.code for stop in everything}
    stranger = signed_in(make_member(make_organization("courier"), "courier_driver"))
    assert stranger.get("/?days=week").context["stops"] == []
    for tail in ("failed/", "delay/"):
        assert stranger.get(f"/orders/{code}/steps/pickup/{tail}").status_code == 404
        assert stranger.post(f"/orders/{code}/steps/pickup/{tail}", {"failure": "damaged"}).status_code == 404


@pytest.mark.story("CR3")
def test_a_failed_pickup_is_told_at_once_and_can_be_tried_again(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    answer = browse(*DRIVER).post(f"/orders/{code}/steps/pickup/failed/", {"failure": "damaged"})
    assert answer.status_code == 303
    order = order_of(world, code)
    for organization, persona in (("center", "coordinator"), ("maker", "planner"), ("courier", "courier_dispatcher")):
        actor = world.actor(organization, persona)
        with reading(actor):
            event = events_of(actor, order.stream_id).last()
        assert event is not None and event.kind == "orders.pickup_failed"
        relay = organization_actor(actor.organization_id, "relay")
        with reading(relay):
            told = {recipient.user.pk: recipient.title for recipient in recipients_of(relay, event)}
        assert told[actor.user_id] == f"Pickup failed · {code}"  # type: ignore[index]
    maker = world.actor("maker", "qa_reviewer")
    with reading(maker):
        deviation = deviations_of(maker, order.stream_id).last()
    assert deviation is not None and deviation.automatic and "damaged" in deviation.text
    assert "It can wait" in deviation.text and "20 h on the way" in deviation.text
    page = text_of(browse(*DRIVER).get("/?days=week"))
    assert "The box is damaged" in page and "It can wait" not in page
    again = browse(*DRIVER).get("/?days=week").context["stops"]
    assert next(row for row in again if row["code"] == code)["take_url"]


def test_a_reason_is_needed_and_what_was_typed_stays(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    address = f"/orders/{code}/steps/pickup/failed/"
    page = browse(*DRIVER).post(address, {"note": "Gate closed"})
    assert page.status_code == 400 and "choose one" in text_of(page) and 'value="Gate closed"' in text_of(page)
    page = browse(*DRIVER).post(address, {"failure": "other"})
    assert page.status_code == 400 and 'id="id_note-error"' in text_of(page)
    page = browse(*DRIVER).post(address, {"failure": "other", "note": "x" * 301})
    assert page.status_code == 400
    assert browse(*DRIVER).post(address, {"failure": "no such reason"}).status_code == 400


def test_a_report_sent_twice_is_recorded_once(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    sent = {"failure": "nobody_there", "once": "a-key"}
    for _ in range(2):
        assert browse(*DRIVER).post(f"/orders/{code}/steps/pickup/failed/", sent).status_code == 303
    maker = world.actor("maker", "planner")
    with reading(maker):
        kinds = list(events_of(maker, order_of(world, code).stream_id).values_list("kind", flat=True))
    assert kinds.count("orders.pickup_failed") == 1


def test_who_may_not_report(world: World) -> None:
    code = packed(world, **patient())
    with pytest.raises(NotAllowed):
        pickups.report_failed_pickup(world.actor("center", "apheresis_nurse"), code, "pickup", "damaged")
    with pytest.raises(NotAllowed):
        pickups.report_failed_pickup(world.actor("courier", "courier_dispatcher"), code, "pickup", "damaged")
    with pytest.raises(NotFound):
        pickups.report_failed_pickup(world.actor(*DRIVER), code, "delivery", "damaged")
    with pytest.raises(NotFound):
        pickups.report_failed_pickup(world.actor(*DRIVER), code, "collect", "damaged")
    soon = timezone.now() + dt.timedelta(hours=1)
    with pytest.raises(NotAllowed):
        pickups.report_delay(world.actor("maker", "planner"), code, "pickup", soon)
    with pytest.raises(NotAllowed):
        pickups.report_delay(world.actor("courier", "inspector"), code, "pickup", soon)
    with pytest.raises(WrongState):
        pickups.report_delay(world.actor(*DRIVER), packed(world, picked_up=True, **patient()), "pickup", soon)


@pytest.mark.story("CR5")
def test_a_delay_is_told_and_moves_what_follows(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    order = order_of(world, code)
    planned = dt.datetime.fromisoformat(order.plan["pickup"])
    expected = planned + dt.timedelta(hours=3)
    if expected < timezone.now():
        pytest.fail("the factory's plan lies in the past")
    pickups.report_delay(world.actor(*DRIVER), code, "pickup", expected, "Motorway closed")
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, code)
        moved = {row["step"].key: row["expected"] - row["planned"] for row in queries.delays(coordinator, order)}
        last = events_of(coordinator, order.stream_id).last()
    assert order.plan["pickup"] == planned.isoformat()  # what was agreed stays beside it
    assert moved["pickup"] == moved["delivery"] == moved["start"] == dt.timedelta(hours=3)
    assert last is not None and (last.kind, last.reason) == ("orders.delayed", "Motorway closed")
    page = text_of(browse("center", "coordinator").get(f"/orders/{code}/"))
    assert "The courier is late" in page and "can wait" in page
    page = text_of(browse(*DRIVER).get(f"/orders/{code}/"))
    assert "The courier is late" in page and "can wait" not in page and "Start manufacture" not in page


@pytest.mark.parametrize("moment", [None, dt.timedelta(hours=-1), dt.timedelta(days=15)])
def test_a_delay_needs_a_time_to_come(world: World, moment: dt.timedelta | None) -> None:
    code = booked(world, **patient())
    when = timezone.now() + moment if moment else None
    with pytest.raises(InvalidInput) as refused:
        pickups.report_delay(world.actor(*DRIVER), code, "pickup", when)
    assert "expected_at" in refused.value.fields


def test_one_tap_reports_a_delay_and_a_bad_time_is_said_beside_its_field(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    address = f"/orders/{code}/steps/pickup/delay/"
    assert browse(*DRIVER).post(address, {"in": "120"}).status_code == 303
    expected = transit.expected_at(order_of(world, code), "pickup")
    assert expected is not None
    assert abs(expected - timezone.now() - dt.timedelta(hours=2)) < dt.timedelta(minutes=5)
    for bad in ("", "soon", "2026-13-45T10:00", "0001-01-01T00:00"):
        page = browse(*DRIVER).post(address, {"expected_at": bad})
        assert page.status_code == 400 and 'id="id_expected_at-error"' in text_of(page), bad


def test_stops_cost_the_same_queries_for_more_rows(world: World, browse: Browse) -> None:
    client = browse(*DRIVER)

    def cost() -> tuple[int, int]:
        with reading(world.actor(*DRIVER)), CaptureQueriesContext(connection) as asked:
            found = len(queries.stops(world.actor(*DRIVER)))
        return len(asked), found

    packed(world, **patient())
    few, short = cost()
    packed(world, **patient())
    packed(world, **patient())
    many, long = cost()
    assert long >= short + 2
    assert many == few
    page = client.get("/?days=week")
    assert len(page.content) < 60_000


def test_a_phone_number_becomes_a_call(world: World, browse: Browse) -> None:
    from orders.views.desks.driver import card
    from personas.models import Site

    site = Site(name="Dock", phone="+49 (0)30 / 123-45", zone="Europe/Berlin")
    code = packed(world, **patient())
    actor = world.actor(*DRIVER)
    with reading(actor):
        stop = next(stop for stop in queries.stops(actor) if stop.step.order.code == code)
        row = card(actor, stop.__class__(**{**stop.__dict__, "site": site}), timezone.now())
    assert re.fullmatch(r"\+?[0-9]+", row["dial"]) and row["dial"] == "+4903012345"
    assert actor.organization_role == Role.COURIER
