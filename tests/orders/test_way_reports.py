"""A box's route leg by leg, customs, and a route agreed for contingency: the arrival moves, everybody hears."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from custody.models import Shipment
from ledger.context import reading
from ledger.models import Event
from network.actions.lane_plans import plan_lane
from network.models import Lane
from notifications.recipients import recipients_of
from orders import attempts, dossier_parts, transit, way_points, way_shown
from orders.actions.way_reports import report_way
from orders.epcis import documents
from orders.epcis.events import epcis_events, sources
from orders.flow import order_named
from personas.queries import organization_actor
from quality.queries import deviations_of
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.epcis.validation import faults
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
DRIVER, CONTROL, DOCK = ("courier", "courier_driver"), ("courier", "courier_dispatcher"), ("maker", "operator")
QA = ("maker", "qa_reviewer")
HOUR = dt.timedelta(hours=1)


def leg(origin: str, destination: str, mode: str, after: float, hours: float, route: str = "") -> dict[str, Any]:
    ends = {"origin": origin, "destination": destination, "mode": mode}
    return ends | {"starts_after": after, "hours": hours, "route": route}


LEGS = [
    leg("Clinic", "Airport A", "road", 0, 2),
    leg("Airport A", "Airport B", "air", 5, 9),
    leg("Airport B", "Plant", "road", 16, 3),
    leg("Clinic", "Plant", "hand", 0, 30, "By train"),
]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """A world of its own: its lane has legs, papers and a route for contingency."""
    with django_db_blocker.unblock():
        made = make_world()
        keeper = made.actor("maker", "logistics_manager")
        with reading(keeper):
            lane = Lane.unwalled.get(manufacturer_id=made.maker.pk, direction="inbound", until__isnull=True)
        plan_lane(keeper, lane.pk, {"legs": LEGS, "papers": "Commercial invoice\nExport declaration"})
        yield made


class OnTheWay:
    """An order whose box has been picked up."""

    def __init__(self, world: World, until: str = "pickup") -> None:
        self.world, self.journey = world, journey_of(world, **patient())
        self.journey.run(until=until)
        self.code, self.actor = self.journey.code, world.actor(*DOCK)
        with reading(self.actor):
            self.box = Shipment.unwalled.get(stream_id=order_named(self.actor, self.code).stream_id)
        self.box_page = f"/orders/{self.code}/boxes/{self.box.code}/"
        self.page, self.rest = f"{self.box_page}way/", f"/api/v1/orders/{self.code}/shipments/{self.box.code}/way"

    def report(self, kind: str, who: tuple[str, str] = CONTROL, **given: Any) -> str:
        at = {"report": kind, "happened_at": timezone.now().isoformat()}
        return report_way(self.world.actor(*who), self.code, self.box.code, at | given)

    def expected(self) -> dt.datetime | None:
        with reading(self.actor):
            return transit.expected_at(order_named(self.actor, self.code), "delivery")

    def events(self) -> list[Event]:
        with reading(self.actor):
            rows = Event.unwalled.filter(stream_id=self.box.stream_id).order_by("seq")
            wanted = ("orders.customs", "orders.route", "orders.leg")
            return [row for row in rows if row.kind.startswith(wanted)]

    def told(self, organization: str, persona: str) -> str:
        actor = self.world.actor(organization, persona)
        relay = organization_actor(actor.organization_id, "relay")
        with reading(relay):
            found = {one.user.pk: one.title for one in recipients_of(relay, self.events()[-1])}
        return found.get(actor.user_id, "")  # type: ignore[call-overload, no-any-return]

    def deviations(self) -> list[str]:
        actor = self.world.actor(*QA)
        with reading(actor):
            return [one.text for one in deviations_of(actor, self.box.stream_id)]


@pytest.mark.story("CC4")
def test_customs_hold_a_box_move_its_arrival_and_clear_it(world: World, browse: Browse) -> None:
    way, control = OnTheWay(world), browse(*CONTROL)
    eta = (timezone.now() + 60 * HOUR).replace(second=0, microsecond=0)
    sent = {"report": "customs_held", "happened_at": timezone.now().isoformat(), "once": str(uuid4())}
    refused = control.post(way.page, sent | {"expected_at": eta.isoformat()})
    assert refused.status_code == 400 and "Say why" in text_of(refused)
    sent |= {"reason": "Invoice without a value", "expected_at": eta.isoformat()}
    for _ in range(2):
        assert control.post(way.page, sent).status_code == 303
    assert way.expected() == eta and [one.kind for one in way.events()] == ["orders.customs_held"]
    for person in (("center", "coordinator"), ("maker", "planner"), CONTROL):
        assert way.told(*person) == f"Held at customs · {way.code}"
    (text,) = way.deviations()
    assert "Invoice without a value" in text and "over its limit by" in text  # 48 h of age, 60 h away
    page = text_of(browse(*DOCK).get(way.box_page))
    assert "Held" in page and "Export declaration" in page and "arrives too late" in page
    driver = text_of(browse(*DRIVER).get(way.box_page))
    assert "Held" in driver and "arrives too late" in driver  # how much is left, never of what
    assert "What is inside keeps" not in driver and "What is inside keeps" in page
    again = control.post(way.rest, {**sent, "once": ""}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "known_already")
    way.report("customs_cleared")
    assert browse(*DOCK).get(way.rest).json()["held_at_customs"] is False
    assert way.told("maker", "planner") == f"Cleared by customs · {way.code}"


def test_a_box_that_left_after_its_plan_comes_no_sooner_than_its_route_ends(world: World) -> None:
    way = OnTheWay(world)
    assert way.box.picked_up_at is not None
    before, arrival = way.box.picked_up_at - HOUR, way.box.picked_up_at + 19 * HOUR
    with reading(way.actor):
        order = order_named(way.actor, way.code)
        steps = list(attempts.latest_attempts(order).values())
        known = way_points.known_of(order, steps, "inbound", way.box)
        shown = way_shown.of_box(order, way.box, known, before)
        said = way_shown.of_box(order, way.box, replace(known, expected_end=before), before)
    assert shown.expected_at == arrival and shown.legs[-1].arrives == arrival
    assert said.expected_at == before, "its courier said so"


def test_legs_are_shown_planned_and_as_they_were_and_a_late_one_moves_the_arrival(world: World, browse: Browse) -> None:
    way = OnTheWay(world)
    start = way.box.picked_up_at
    assert start is not None
    way.report("leg_departed", DRIVER, leg=1, happened_at=start.isoformat())
    assert [one.kind for one in way.events()] == ["orders.leg_reported"] and way.told("maker", "planner") == ""
    told = browse(*DOCK).get(way.rest).json()
    assert [one["words"] for one in told["legs"]][1] == "Airport A to Airport B, air"
    assert told["legs"][0]["departed"] and told["legs"][0]["arrived"] is None and told["other_routes"] == ["By train"]
    names = [one["milestone"] for one in told["milestones"]]
    assert [names[0], names[1], *names[8:]] == ["Packed", "Picked up", "Delivered", "Opened"] and len(names) == 10
    assert "hours_left_on_arrival" not in browse(*CONTROL).get(way.rest).json()
    assert told["hours_left_on_arrival"] is not None
    page = text_of(browse(*DOCK).get(way.box_page))
    assert "1. Clinic to Airport A, road" in page and "Departed" in page
    wrong = browse(*DRIVER).post(way.page, {"report": "leg_arrived", "leg": "9", "happened_at": start.isoformat()})
    assert wrong.status_code == 400 and "Its route has 3 legs" in text_of(wrong)
    body = {"report": "leg_departed", "leg": 1, "happened_at": timezone.now().isoformat()}
    twice = browse(*DRIVER).post(way.rest, body, content_type="application/json")
    assert (twice.status_code, twice.json()["code"]) == (409, "known_already")
    early = {"report": "leg_arrived", "leg": 1, "happened_at": (start - HOUR).isoformat()}
    assert browse(*DRIVER).post(way.rest, early, content_type="application/json").status_code == 400


@pytest.mark.story("CC2")
def test_a_late_leg_and_another_route_within_the_agreed_ones_move_the_arrival(world: World, browse: Browse) -> None:
    way = OnTheWay(world)
    start = way.box.picked_up_at
    assert start is not None
    for bad in ("By balloon", ""):
        answer = browse(*CONTROL).post(
            way.rest,
            {"report": "route_changed", "route": bad, "reason": "Fog", "happened_at": timezone.now().isoformat()},
            content_type="application/json",
        )
        assert answer.status_code in (400, 409)
    way.report("route_changed", route="By train", reason="Airport closed by fog")
    assert way.expected() == start + 30 * HOUR
    assert way.told("center", "coordinator") == f"The box goes another route · {way.code}"
    told = browse(*DOCK).get(way.rest).json()
    assert told["route"] == "By train" and [one["words"] for one in told["legs"]] == [
        "Clinic to Plant, hand-carried by a courier on board"
    ]
    assert any("Airport closed by fog" in text and "keeps" in text for text in way.deviations())
    page = text_of(browse(*DOCK).get(way.box_page))
    assert "By train, agreed for contingency" in page
    with reading(way.actor):
        order = order_named(way.actor, way.code)
        rows = sources(way.actor).filter(stream=way.box.stream_id).order_by("seq")
        events = [event for _, event in epcis_events(way.actor, rows)]
        (row,) = dossier_parts.parts_of(way.actor, order, [], [])["on_the_way"]
    assert events[-1]["bizStep"] == "transporting" and events[-1]["cgt:route"] == "By train"
    assert faults(documents.document(events)) == [] and row["because"] == "Airport closed by fog"
    way.journey.perform("delivery")
    assert browse(*DOCK).get(way.rest).json()["expected_at"] is None


def test_only_the_courier_that_carries_it_reports_and_only_on_the_way(world: World, browse: Browse) -> None:
    way, given = OnTheWay(world), {"report": "customs_cleared", "happened_at": timezone.now().isoformat()}
    dock = browse(*DOCK)
    assert dock.get(way.page).status_code == 404
    assert dock.post(way.rest, given, content_type="application/json").status_code == 403
    for role, persona in (("courier", "courier_driver"), ("manufacturer", "logistics_manager")):
        stranger = signed_in(make_member(make_organization(role), persona))
        assert stranger.get(way.page).status_code == 404 and stranger.get(way.rest).status_code == 404
        for body in (given, {}):
            assert stranger.post(way.page, body).status_code == 404
            assert stranger.post(way.rest, body, content_type="application/json").status_code == 404
    waits = OnTheWay(world, until="pack")
    early = browse(*DRIVER).post(waits.rest, given, content_type="application/json")
    assert (early.status_code, early.json()["code"]) == (409, "box_state")
    assert browse(*DRIVER).get(waits.page).status_code == 404
