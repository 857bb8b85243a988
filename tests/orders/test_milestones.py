"""Milestones of a box: told before each to whoever must act, once; missed ones escalate; a delay moves what follows."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from network.actions.lane_plans import plan_lane, set_alert_default
from network.models import Lane
from notifications.recipients import recipients_of
from orders import attempts, way_points
from orders.actions.interruptions import put_on_hold
from orders.actions.pickups import report_delay
from orders.actions.way_points import due_milestones, tell_milestone
from orders.actions.way_reports import report_way
from orders.flow import order_named
from orders.models import Order, OrderStep, WayPointDue
from orders.tasks import tell_milestones
from personas.queries import organization_actor
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
DRIVER, CONTROL, NURSE = ("courier", "courier_driver"), ("courier", "courier_dispatcher"), ("center", "apheresis_nurse")
LOGISTICS = ("maker", "logistics_manager")
MINUTE = dt.timedelta(minutes=1)


class OnItsWay:
    """An order with a milestone that somebody waits for."""

    def __init__(self, world: World, before: str = "pickup") -> None:
        self.world, self.journey = world, journey_of(world, **patient())
        self.journey.run(before=before)
        self.code, self.center = self.journey.code, world.actor("center", "coordinator")
        with reading(self.center):
            self.stream_id = order_named(self.center, self.code).stream_id

    def order(self) -> Order:
        return order_named(self.center, self.code)

    def step(self, key: str) -> OrderStep:
        with reading(self.center):
            return OrderStep.unwalled.filter(stream_id=self.stream_id, key=key).order_by("-attempt")[0]

    def row(self, key: str) -> WayPointDue:
        return WayPointDue.unwalled.get(step_id=self.step(key).pk)

    def expected(self, key: str) -> dt.datetime:
        with reading(self.center):
            steps = list(attempts.latest_attempts(self.order()).values())
            return way_points.times(self.order(), steps)[next(one.pk for one in steps if one.key == key)]

    def events(self, kind: str = "orders.milestone_ahead") -> list[Event]:
        with reading(self.center):
            return list(Event.unwalled.filter(stream_id=self.stream_id, kind=kind).order_by("seq"))

    def told(self, organization: str, event: Event) -> dict[Any, str]:
        relay = organization_actor(getattr(self.world, organization).pk, "relay")
        with reading(relay):
            return {one.user.pk: one.title for one in recipients_of(relay, event)}


def user(world: World, *person: str) -> Any:
    return world.member(*person).user_id


def test_before_a_pickup_both_ends_are_told_once(world: World) -> None:
    for person in (DRIVER, CONTROL, NURSE, LOGISTICS):
        world.member(*person)
    way = OnItsWay(world)
    at = way.expected("pickup")
    assert not tell_milestone(way.row("pickup"), at - 61 * MINUTE) and way.events() == []
    assert way.row("pickup").due_at == at - 60 * MINUTE
    assert tell_milestone(way.row("pickup"), at - 60 * MINUTE)
    assert not tell_milestone(way.row("pickup"), at - 59 * MINUTE)
    (event,) = way.events()
    assert (event.payload["step"], event.payload["minutes_before"], event.payload["level"]) == ("pickup", 60, 1)
    courier, center = way.told("courier", event), way.told("center", event)
    assert user(world, *DRIVER) in courier and user(world, *CONTROL) in courier and user(world, *NURSE) in center
    assert "Pick up the starting material" in courier[user(world, *DRIVER)] and "At " in courier[user(world, *DRIVER)]
    assert user(world, "center", "treating_physician") not in center and way.told("maker", event) == {}


def test_a_missed_milestone_is_told_to_whom_it_concerns_then_to_who_answers(world: World) -> None:
    way, planner = OnItsWay(world), user(world, "maker", "planner")
    at = way.expected("pickup")
    assert not tell_milestone(way.row("pickup"), at + 14 * MINUTE), "quarter of an hour is on time"
    assert tell_milestone(way.row("pickup"), at + 16 * MINUTE)
    assert not tell_milestone(way.row("pickup"), at + 17 * MINUTE)
    assert tell_milestone(way.row("pickup"), at + 76 * MINUTE)
    assert not tell_milestone(way.row("pickup"), at + 300 * MINUTE)
    first, second = way.events("orders.milestone_missed")
    assert (first.payload["level"], second.payload["level"]) == (2, 3)
    assert way.told("maker", first)[planner].startswith("Missed: Pick up")
    assert way.told("courier", second)[user(world, *CONTROL)].startswith("Missed, nobody acted")
    assert user(world, *DRIVER) not in way.told("courier", second)
    assert not tell_milestone(way.row("delivery"), at), "the delivery is not due yet"


@pytest.mark.story("CR5")
def test_a_delay_moves_this_milestone_and_those_after_it_and_is_told_anew(world: World, browse: Browse) -> None:
    way = OnItsWay(world)
    at, arrival = way.expected("pickup"), way.expected("delivery")
    assert tell_milestone(way.row("pickup"), at - 30 * MINUTE)
    report_delay(world.actor(*DRIVER), way.code, "pickup", at + dt.timedelta(hours=5), "Motorway closed")
    assert way.expected("pickup") == at + dt.timedelta(hours=5)
    assert way.expected("delivery") == arrival + dt.timedelta(hours=5)
    assert not tell_milestone(way.row("pickup"), at + 20 * MINUTE), "it is not missed: it comes later"
    assert tell_milestone(way.row("pickup"), at + dt.timedelta(hours=4, minutes=30))
    assert not tell_milestone(way.row("delivery"), arrival), "the arrival has moved, too"
    assert tell_milestone(way.row("delivery"), arrival + dt.timedelta(hours=4, minutes=10))
    assert [one.payload["step"] for one in way.events()] == ["pickup", "pickup", "delivery"]
    with reading(way.center):
        (box,) = {one.code for one in _boxes(way)}
    page = text_of(browse("center", "coordinator").get(f"/orders/{way.code}/boxes/{box}/"))
    assert "Told before" in page and "1 h" in page


def _boxes(way: OnItsWay) -> Any:
    from custody.queries import shipments_of

    return shipments_of(way.center, way.stream_id)


def test_what_is_done_on_hold_or_over_is_not_told(world: World) -> None:
    way = OnItsWay(world)
    at, row = way.expected("pickup"), way.row("pickup")
    put_on_hold(way.center, way.code, "Fever")
    assert not tell_milestone(way.row("pickup"), at + dt.timedelta(hours=2)) and way.events() == []
    other = OnItsWay(world)
    done = other.row("pickup")
    other.journey.run(until="pickup")
    assert not tell_milestone(done, other.expected("delivery"))
    assert not WayPointDue.unwalled.filter(pk=done.pk).exists() and WayPointDue.unwalled.filter(pk=row.pk).exists()


def test_two_workers_tell_once(world: World) -> None:
    way = OnItsWay(world)
    row, at = way.row("pickup"), way.expected("pickup") - 10 * MINUTE
    barrier = Barrier(2)

    def work() -> bool:
        barrier.wait()
        try:
            return tell_milestone(row, at)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = [one.result() for one in [pool.submit(work) for _ in range(2)]]
    assert sorted(answers) == [False, True] and len(way.events()) == 1


def test_the_sweep_looks_at_due_rows_only_and_one_failure_stops_no_other(world: World) -> None:
    way = OnItsWay(world)
    WayPointDue.unwalled.filter(pk=way.row("pickup").pk).update(due_at=timezone.now() - dt.timedelta(days=400))
    assert due_milestones(timezone.now())[0].step_id == way.step("pickup").pk
    tell_milestones()
    assert way.row("pickup").due_at == way.expected("pickup") - 60 * MINUTE and way.events() == []


@pytest.fixture
def own() -> World:
    """A world of its own: what its sponsor sets counts for every order in it."""
    return make_world()


def lane(world: World, direction: str = "inbound") -> Lane:
    actor = world.actor(*LOGISTICS)
    with reading(actor):
        return Lane.unwalled.get(manufacturer_id=world.maker.pk, direction=direction, until__isnull=True)


def test_how_long_before_is_the_sponsor_s_or_the_lane_s(own: World) -> None:
    way = OnItsWay(own)
    at = way.expected("pickup")
    set_alert_default(own.actor(*LOGISTICS), {"picked_up": 240})
    assert not tell_milestone(way.row("pickup"), at - 241 * MINUTE)
    assert way.row("pickup").due_at == at - 240 * MINUTE
    plan_lane(own.actor(*LOGISTICS), lane(own).pk, {"picked_up": 30})
    assert not tell_milestone(way.row("pickup"), at - 240 * MINUTE)
    assert way.row("pickup").due_at == at - 30 * MINUTE
    plan_lane(own.actor(*LOGISTICS), lane(own).pk, {"picked_up": 0})
    assert not tell_milestone(way.row("pickup"), at - 1 * MINUTE) and way.events() == []


LEGS = [
    {"origin": "Clinic", "destination": "Airport A", "mode": "road", "starts_after": "0", "hours": "2"},
    {"origin": "Airport A", "destination": "Airport B", "mode": "air", "starts_after": "5", "hours": "9.5"},
    {"origin": "Airport B", "destination": "Plant", "mode": "road", "starts_after": "16", "hours": "3"},
]
DETOUR = [
    {"route": "Detour", "origin": "Clinic", "destination": "Port", "mode": "road", "starts_after": 0, "hours": 6},
    {"route": "Detour", "origin": "Port", "destination": "Plant", "mode": "sea", "starts_after": 8, "hours": 30},
]
BY_NIGHT = {"route": "By night", "origin": "Clinic", "destination": "Plant", "mode": "hand", "starts_after": 0}


@pytest.mark.story("LM1")
def test_a_lane_s_plan_is_its_next_version_by_page_and_rest(own: World) -> None:
    keeper, before = signed_in(own.member(*LOGISTICS)), lane(own)
    sent = {f"legs[{n}]{key}": value for n, leg in enumerate(LEGS) for key, value in leg.items()}
    more = {"papers": "Commercial invoice\nStatement of contents", "delivered": "90", "once": str(uuid4())}
    page = keeper.post(f"/lanes/{before.pk}/", sent | more | {"legs[2]starts_after": "12"})
    assert page.status_code == 400 and "Begins before the leg before it ends" in text_of(page)
    assert keeper.post(f"/lanes/{before.pk}/", sent | more).status_code == 303
    now = lane(own)
    assert (now.version, now.transit_hours) == (before.version + 1, before.transit_hours)
    shown = text_of(keeper.get(f"/lanes/{now.pk}/"))
    assert "Airport A to Airport B, air" in shown and "Commercial invoice" in shown and "90 min" in shown
    assert "3 legs" in text_of(keeper.get("/lanes/"))
    ended = keeper.post(f"/lanes/{before.pk}/", sent | more | {"once": str(uuid4())})
    assert ended.status_code == 404  # the page of a version that has ended is nobody's to change
    rest, header = f"/api/v1/lanes/{now.pk}/plan", {"Idempotency-Key": str(uuid4())}
    body = {"legs": [*LEGS, BY_NIGHT | {"hours": 30}], "minimum_c": "2", "maximum_c": "8", "minutes_outside": 15}
    answers = [keeper.post(rest, body, content_type="application/json", headers=header).json() for _ in range(2)]
    assert answers[0] == answers[1] and [one["name"] for one in answers[0]["routes"]] == ["", "By night"]
    late = keeper.post(
        f"/api/v1/lanes/{lane(own).pk}/plan",
        {"legs": [*LEGS, BY_NIGHT | {"hours": 80}]},
        content_type="application/json",
    )
    assert late.status_code == 400 and "qualified" in str(late.json())
    gone = keeper.post(rest, body, content_type="application/json")
    assert (gone.status_code, gone.json()["code"]) == (409, "lane_ended")


def test_others_change_no_lane_and_see_only_their_own(own: World) -> None:
    row = lane(own)
    control = signed_in(own.member(*CONTROL))
    assert "How it is run" not in text_of(control.get(f"/lanes/{row.pk}/"))
    assert control.post(f"/api/v1/lanes/{row.pk}/plan", {}, content_type="application/json").status_code == 404
    assert control.post("/api/v1/lanes/alerts", {"packed": 5}, content_type="application/json").status_code == 404
    planner = signed_in(own.member("maker", "planner"))
    assert planner.get("/lanes/").status_code == 404
    assert planner.post(f"/api/v1/lanes/{row.pk}/plan", {}, content_type="application/json").status_code == 403
    stranger = signed_in(make_member(make_organization("manufacturer"), "logistics_manager"))
    assert stranger.get(f"/lanes/{row.pk}/").status_code == 404
    assert stranger.post(f"/api/v1/lanes/{row.pk}/plan", {}, content_type="application/json").status_code == 404
    keeper = signed_in(own.member(*LOGISTICS))
    assert keeper.post("/lanes/", {"packed": "9999"}).status_code == 400
    assert keeper.post("/lanes/", {"packed": "90", "picked_up": "45"}).status_code == 303
    read = keeper.get("/api/v1/lanes/alerts").json()
    assert (read["packed"], read["picked_up"], read["opened"]) == (90, 45, 60)


class OnLegs(OnItsWay):
    """A box that was picked up on a lane with legs."""

    def __init__(self, world: World) -> None:
        plan_lane(world.actor(*LOGISTICS), lane(world).pk, {"legs": [*LEGS, *DETOUR], "leg_arrived": 45})
        super().__init__(world, before="delivery")
        with reading(self.center):
            (self.box,) = _boxes(self)
        self.began = self.box.picked_up_at
        self.look()

    def look(self) -> None:
        tell_milestone(self.row("delivery"), self.began + MINUTE)

    def row(self, key: str, point: int = 0) -> WayPointDue:
        return WayPointDue.unwalled.get(step_id=self.step(key).pk, point=point)

    def points(self) -> list[int]:
        rows = WayPointDue.unwalled.filter(step_id=self.step("delivery").pk).exclude(point=0)
        return sorted(rows.values_list("point", flat=True))

    def report(self, kind: str, **given: Any) -> None:
        report_way(self.world.actor(*CONTROL), self.code, self.box.code, {"report": kind, **given})

    def at(self, hours: float) -> dt.datetime:
        return self.began + dt.timedelta(hours=hours)


def test_each_leg_has_its_departure_and_arrival_told_before_and_after(own: World, browse: Browse) -> None:
    for person in (DRIVER, CONTROL, NURSE, LOGISTICS):
        own.member(*person)
    way = OnLegs(own)
    assert way.points() == [1, 2, 3, 4, 5, 6]
    assert not tell_milestone(way.row("delivery", 1), way.at(0.1)), "the first leg begins with the pick-up"
    assert way.points() == [2, 3, 4, 5, 6]
    assert not tell_milestone(way.row("delivery", 2), way.at(1))
    assert way.row("delivery", 2).due_at == way.at(2) - 45 * MINUTE, "the lane's own lead"
    assert tell_milestone(way.row("delivery", 2), way.at(1.5)) and not tell_milestone(
        way.row("delivery", 2), way.at(1.6)
    )
    (ahead,) = way.events()
    assert (ahead.payload["leg"], ahead.payload["milestone"], ahead.payload["level"]) == (1, "A leg ends", 1)
    courier = way.told("courier", ahead)
    assert "Leg 1 ends: Clinic to Airport A, road" in courier[user(own, *DRIVER)] and user(own, *CONTROL) in courier
    assert way.told("center", ahead) == {} and way.told("maker", ahead) == {}
    assert tell_milestone(way.row("delivery", 2), way.at(2.3)) and tell_milestone(way.row("delivery", 2), way.at(3.6))
    missed, escalated = way.events("orders.milestone_missed")
    assert way.told("maker", missed)[user(own, *LOGISTICS)].startswith("Missed: Leg 1 ends")
    assert user(own, *NURSE) not in way.told("center", missed)
    assert way.told("courier", escalated)[user(own, *CONTROL)].startswith("Missed, nobody acted: Leg 1 ends")


def test_a_leg_that_was_late_moves_those_after_it_and_all_are_on_the_page_and_in_rest(own: World) -> None:
    way = OnLegs(own)
    early = way.began + dt.timedelta(seconds=1)
    way.report("leg_arrived", leg=1, happened_at=early.isoformat())
    way.look()
    assert not tell_milestone(way.row("delivery", 2), way.at(2)), "it is known"
    assert way.points() == [1, 3, 4, 5, 6]
    control = signed_in(own.member(*CONTROL))
    address = f"/api/v1/orders/{way.code}/shipments/{way.box.code}/way"
    told = control.get(address).json()
    rows = {row["milestone"]: row for row in told["milestones"]}
    first, second = rows["Leg 1 ends: Clinic to Airport A, road"], rows["Leg 2 begins: Airport A to Airport B, air"]
    assert (first["state"], second["state"], second["told_before_minutes"]) == ("done", "next", 30)
    assert dt.datetime.fromisoformat(second["planned_at"]) == way.at(5)
    assert [list(rows).index(name) for name in ("Picked up", first["milestone"], "Delivered")] == [1, 3, 8]
    page = text_of(control.get(f"/orders/{way.code}/boxes/{way.box.code}/"))
    assert "Leg 3 ends: Airport B to Plant, road" in page and "2 h 0 min earlier" in page
    later = (way.expected("delivery") + dt.timedelta(hours=6)).isoformat()
    way.report("customs_held", happened_at=timezone.now().isoformat(), reason="Form missing", expected_at=later)
    way.look()
    moved = {row["number"]: row for row in control.get(address).json()["legs"]}[2]
    assert dt.datetime.fromisoformat(moved["departs"]) == way.at(5)
    assert dt.datetime.fromisoformat(moved["expected_departure"]) > way.at(5) + dt.timedelta(hours=1)
    assert not tell_milestone(way.row("delivery", 3), way.at(5.3)), "it is not missed: it comes later"


def test_another_route_has_other_legs_and_a_delivered_box_has_none_to_wait_for(own: World) -> None:
    way = OnLegs(own)
    way.report("route_changed", route="Detour", reason="Strike", happened_at=timezone.now().isoformat())
    way.look()
    assert tell_milestone(way.row("delivery", 2), way.at(5.5))
    (event,) = way.events()
    assert event.payload["title"] == "Leg 1 ends: Clinic to Port, road"
    assert not tell_milestone(way.row("delivery", 6), way.at(20)), "the detour has no third leg"
    way.journey.run(until="delivery")
    for point in way.points():
        assert not tell_milestone(way.row("delivery", point), way.at(60))
    assert way.points() == [] and len(way.events("orders.milestone_missed")) == 0


def test_of_the_kit_whoever_checks_it_is_told_a_day_before(own: World) -> None:
    for person in (NURSE, LOGISTICS):
        own.member(*person)
    way = OnItsWay(own, before="kit")
    at = way.expected("kit")
    assert not tell_milestone(way.row("kit"), at - 1441 * MINUTE)
    assert tell_milestone(way.row("kit"), at - 1400 * MINUTE)
    (event,) = way.events()
    assert event.payload["milestone"] == "Collection kit checked" and user(own, *NURSE) in way.told("center", event)
    assert tell_milestone(way.row("kit"), at + 16 * MINUTE)
    (missed,) = way.events("orders.milestone_missed")
    assert way.told("maker", missed)[user(own, *LOGISTICS)].startswith("Missed: ")
