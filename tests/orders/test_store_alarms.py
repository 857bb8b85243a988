"""A tank outside its limits: told at once, what lies in it listed; for too long, held by the rule of boxes (CL3)."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from custody.actions.store import add_unit
from custody.actions.store_alarms import set_limits
from custody.models import Container, StoreAlarm, StoreAlarmDue, StoreReadingBlock
from ledger.context import reading
from ledger.models import Event
from notifications.recipients import recipients_of
from orders.actions.store_readings import send_store_readings
from orders.actions.storing import move_container
from orders.flow import order_named
from orders.models import Order
from orders.tasks import follow_store_alarms
from personas.queries import organization_actor
from quality.queries import deviations_of
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, text_of
from tests.orders.factories import World
from tests.orders.test_store_pages import collected
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
LAB, NURSE, QUALITY = ("center", "cell_lab_technologist"), ("center", "apheresis_nurse"), ("center", "site_quality")
REVIEWER = ("maker", "qa_reviewer")
MINUTE = dt.timedelta(minutes=1)


class Tank:
    """A refrigerator with two bags of two orders, 2 to 8 °C, ten minutes outside allowed."""

    def __init__(self, world: World, bags: int = 2, minutes: int = 10) -> None:
        self.world, self.actor = world, world.actor(*LAB)
        self.name = f"Tank {uuid4().hex[:6]}"
        raw = {"site": world.clinic.code, "name": self.name, "kind": "nitrogen", "racks": 2, "places": 4}
        self.unit = add_unit(self.actor, raw)
        self.orders: list[str] = []
        self.bags: list[str] = []
        for place in range(1, bags + 1):
            code, bag = collected(world)
            move_container(self.actor, code, bag.code, {"unit": self.unit, "rack": 1, "place": place})
            self.orders.append(code)
            self.bags.append(bag.code)
        set_limits(self.actor, self.unit, {"minimum_c": "2", "maximum_c": "8", "minutes_allowed": minutes})
        self.begin = timezone.now() - dt.timedelta(hours=5)
        self.rest = f"/api/v1/store-units/{self.unit}"

    def rows(self, *pairs: tuple[float, float]) -> list[list[Any]]:
        return [[(self.begin + minute * MINUTE).isoformat(), degrees] for minute, degrees in pairs]

    def send(self, *pairs: tuple[float, float]) -> int:
        return send_store_readings(self.actor, self.unit, {"readings": self.rows(*pairs)})

    def alarm(self) -> StoreAlarm | None:
        with reading(self.actor):
            return StoreAlarm.unwalled.filter(unit=self.unit).order_by("-opened_at", "-pk").first()

    def states(self) -> set[str]:
        with reading(self.actor):
            streams = Order.unwalled.filter(code__in=self.orders).values("stream_id")
            found = Container.unwalled.filter(stream_id__in=streams, code__in=self.bags)
            return {str(bag.state) for bag in found}

    def events(self, kind: str, order: str = "") -> list[Event]:
        with reading(self.actor):
            found = Event.unwalled.filter(kind=kind, subject_id=str(self.unit)).order_by("occurred_at", "seq")
            stream = order_named(self.actor, order).stream_id if order else None
            return [one for one in found if (one.stream_id == stream if order else "deviation" not in one.payload)]

    def told(self, firm: UUID, event: Event) -> dict[Any, Any]:
        relay = organization_actor(firm, "relay")
        with reading(relay):
            return {one.user.pk: one for one in recipients_of(relay, event)}


def user(world: World, *person: str) -> Any:
    return world.member(*person).user_id


@pytest.mark.story("CL3")
def test_an_alarm_opens_at_once_and_lists_what_lies_in_it(world: World, browse: Browse) -> None:
    for person in (LAB, QUALITY, NURSE):
        world.member(*person)
    tank = Tank(world)
    assert tank.send((0, 5.0), (5, 6.0)) == 2 and tank.alarm() is None
    assert tank.send((10, 9.5)) == 1
    alarm = tank.alarm()
    assert alarm is not None and (alarm.state, alarm.cause, alarm.breached_at) == ("open", "temperature", None)
    assert {item["container"] for item in alarm.items} == set(tank.bags)
    (event,) = tank.events("custody.store_alarm_opened")
    told = tank.told(world.center.pk, event)
    lab = told[user(world, *LAB)]
    assert lab.critical and lab.title == f"ALARM: {tank.name}" and lab.path == f"/store/units/{tank.unit}/"
    assert user(world, *QUALITY) in told and user(world, *NURSE) not in told
    assert tank.states() == {"collected"}, "a moment outside holds nothing yet"
    page = text_of(browse(*LAB).get("/store/"))
    assert f"Alarm of {tank.name}" in page
    shown = text_of(browse(*LAB).get(f"/store/alarms/{alarm.pk}/"))
    assert all(bag in shown for bag in tank.bags) and all(code in shown for code in tank.orders)
    assert tank.send((10, 9.5)) == 0 and len(tank.events("custody.store_alarm_opened")) == 1, "the same again"


def test_outside_for_longer_than_allowed_it_is_held_and_its_manufacturer_is_told(world: World) -> None:
    for person in (LAB, REVIEWER):
        world.member(*person)
    tank = Tank(world)
    tank.send((0, 5.0), (4, 9.0))
    tank.send((8, 9.0))
    assert tank.states() == {"collected"}
    tank.send((12, 9.0))
    alarm = tank.alarm()
    assert alarm is not None and alarm.breached_at is not None and set(alarm.held) == set(tank.bags)
    assert tank.states() == {"quarantined"} and alarm.minutes_outside == 12.0
    reviewer = world.actor(*REVIEWER)
    for code in tank.orders:
        with reading(reviewer):
            (case,) = deviations_of(reviewer, order_named(reviewer, code).stream_id)
        assert (case.kind, case.severity) == ("excursion", "critical") and "9 °C" in case.text
        (event,) = tank.events("orders.store_breached", code)
        other = next(one for one in tank.orders if one != code)
        assert other not in str(event.payload) and len(event.payload["held"].split(", ")) == 1
        notice = tank.told(world.maker.pk, event)[user(world, *REVIEWER)]
        assert notice.critical and "Stored outside its limits" in notice.title
    tank.send((16, 9.0))
    assert len(tank.events("orders.store_breached")) == 1, "once"


def test_readings_out_of_order_and_by_file_amount_to_the_same(world: World, browse: Browse) -> None:
    pairs = [(0, 5.0), (4, 9.0), (8, 9.5), (12, 1.0), (16, 5.0)]
    straight, mixed = Tank(world, bags=0), Tank(world, bags=0)
    straight.send(*pairs)
    for chosen in ((3,), (1, 4), (0,), (2, 3)):
        mixed.send(*(pairs[place] for place in chosen))
    one, other = straight.alarm(), mixed.alarm()
    assert one is not None and other is not None
    for name in ("lowest", "highest", "minutes_outside", "last_outside"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.minutes_outside == 16.0 and one.breached_at and other.breached_at
    by_file = Tank(world, bags=0)
    lines = ["Timestamp;Temperature", *(f"{at};{value}" for at, value in by_file.rows(*pairs)), "rubbish;x"]
    lab = browse(*LAB)

    def post(text: str) -> Any:
        sent = {"file": SimpleUploadedFile("tank.csv", text.encode()), "once": str(uuid4())}
        return lab.post(f"/store/units/{by_file.unit}/readings/", sent)

    assert 'type="file"' in text_of(lab.get(f"/store/units/{by_file.unit}/"))
    assert post("no readings").status_code == 400 and by_file.alarm() is None
    assert post("\n".join(lines)).status_code == 303
    third = by_file.alarm()
    assert third is not None and third.minutes_outside == 16.0
    with reading(by_file.actor):
        assert StoreReadingBlock.unwalled.filter(unit=by_file.unit).count() == 1


def test_it_is_acknowledged_and_closed_with_a_reason_once_it_is_within(world: World, browse: Browse) -> None:
    tank, lab = Tank(world, bags=1, minutes=0), browse(*LAB)
    body = {"readings": tank.rows((0, 5.0), (5, 9.0))}
    key = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        answer = lab.post(f"{tank.rest}/readings", body, content_type="application/json", headers=key)
        assert answer.status_code == 201 and answer.json()["taken"] == 2
    (row,) = answer.json()["open_alarms"]
    assert row["items"] == [{"container": tank.bags[0], "order": tank.orders[0], "held": True}]
    address, page = f"/api/v1/store-alarms/{row['id']}", f"/store/alarms/{row['id']}/"
    assert "I look after it" in text_of(lab.get(page))
    assert lab.post(f"{page}acknowledge/", {"once": str(uuid4())}).status_code == 303
    again = lab.post(f"{address}/acknowledge", content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "alarm_state")
    early = lab.post(f"{page}close/", {"conclusion": "Lid was open", "once": str(uuid4())})
    assert (
        early.status_code == 409 and "outside its limits still" in text_of(early) and "Lid was open" in text_of(early)
    )
    tank.send((10, 5.0))
    nothing = lab.post(f"{address}/close", {"conclusion": " "}, content_type="application/json")
    assert nothing.status_code == 400
    closed = lab.post(f"{address}/close", {"conclusion": "Lid was open"}, content_type="application/json")
    assert (closed.json()["state"], closed.json()["conclusion"]) == ("closed", "Lid was open")
    assert tank.states() == {"quarantined"}, "quality assurance decides about what was held"
    assert row["id"] not in {one["id"] for one in lab.get("/api/v1/store-alarms").json()["results"]}
    assert row["id"] in {one["id"] for one in lab.get("/api/v1/store-alarms?closed=true").json()["results"]}
    tank.send((15, 9.0))
    newest = tank.alarm()
    assert newest is not None and str(newest.pk) != row["id"] and newest.state == "open", "a new one is a new alarm"


def test_another_alarm_is_raised_by_hand_once_and_holds_nothing(world: World, browse: Browse) -> None:
    tank, lab = Tank(world, bags=1), browse(*LAB)
    sent = {"cause": "level", "happened_at": timezone.now().isoformat(), "text": "Below 20 cm", "once": str(uuid4())}
    for _ in range(2):
        assert lab.post(f"/store/units/{tank.unit}/alarm/", sent).status_code == 303
    assert len(tank.events("custody.store_alarm_opened")) == 1 and tank.states() == {"collected"}
    body = {name: value for name, value in sent.items() if name != "once"}
    twice = lab.post(f"{tank.rest}/alarms", body, content_type="application/json")
    assert (twice.status_code, twice.json()["code"]) == (409, "alarm_stands")
    wrong = lab.post(f"{tank.rest}/alarms", body | {"cause": "temperature"}, content_type="application/json")
    assert wrong.status_code == 400
    assert "Below 20 cm" in text_of(lab.get(f"/store/units/{tank.unit}/"))


def test_without_limits_no_reading_is_taken_and_limits_are_read_strictly(world: World, browse: Browse) -> None:
    actor, lab = world.actor(*LAB), browse(*LAB)
    raw = {"site": world.clinic.code, "name": f"New {uuid4().hex[:6]}", "kind": "nitrogen", "racks": 1, "places": 1}
    rest = f"/api/v1/store-units/{add_unit(actor, raw)}"
    rows = [[timezone.now().isoformat(), 5.0]]
    refused = lab.post(f"{rest}/readings", {"readings": rows}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_limits")
    for wrong in (
        {"minutes_allowed": 5},
        {"minimum_c": "9", "maximum_c": "8", "minutes_allowed": 5},
        {"maximum_c": "8"},
    ):
        assert lab.post(f"{rest}/limits", wrong, content_type="application/json").status_code == 400, wrong
    fine = lab.post(f"{rest}/limits", {"maximum_c": "-150", "minutes_allowed": 30}, content_type="application/json")
    assert fine.json()["limits"] == "not above -150 °C"
    for bad in ([], [["yesterday", 5]], [[timezone.now().isoformat(), "warm"]], "x"):
        assert lab.post(f"{rest}/readings", {"readings": bad}, content_type="application/json").status_code == 400, bad


def test_nobody_else_sees_or_touches_it(world: World, browse: Browse) -> None:
    tank = Tank(world, bags=1, minutes=0)
    tank.send((0, 9.0))
    alarm = tank.alarm()
    assert alarm is not None
    nurse = browse(*NURSE)
    assert (
        nurse.post(
            f"{tank.rest}/readings", {"readings": tank.rows((5, 5.0))}, content_type="application/json"
        ).status_code
        == 403
    )
    assert (
        nurse.post(f"/api/v1/store-alarms/{alarm.pk}/acknowledge", content_type="application/json").status_code == 403
    )
    neighbor = signed_in(make_member(make_organization("treatment_center"), "cell_lab_technologist"))
    for browser in (neighbor, browse("maker", "operator"), browse("courier", "courier_driver")):
        assert browser.get(f"/store/units/{tank.unit}/").status_code == 404
        assert browser.get(f"/store/alarms/{alarm.pk}/").status_code == 404
        assert str(alarm.pk) not in str(browser.get("/api/v1/store-alarms").json())
        for path, body in (
            ("readings", {"readings": tank.rows((5, 5.0))}),
            ("limits", {"maximum_c": "8", "minutes_allowed": 1}),
            ("alarms", {"cause": "lid", "happened_at": timezone.now().isoformat()}),
        ):
            assert browser.post(f"{tank.rest}/{path}", body, content_type="application/json").status_code == 404, path
        for act in ("acknowledge", "close"):
            gone = browser.post(
                f"/api/v1/store-alarms/{alarm.pk}/{act}", {"conclusion": "x"}, content_type="application/json"
            )
            assert gone.status_code == 404


def test_two_senders_at_once_open_one_alarm_and_hold_once(world: World) -> None:
    tank = Tank(world, bags=1, minutes=0)
    barrier = Barrier(2)

    def work(minute: int) -> int:
        barrier.wait()
        try:
            return tank.send((minute, 9.0))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert [one.result() for one in [pool.submit(work, minute) for minute in (3, 6)]] == [1, 1]
    with reading(tank.actor):
        assert StoreAlarm.unwalled.filter(unit=tank.unit).count() == 1
    assert len(tank.events("custody.store_alarm_opened")) == 1 and len(tank.events("orders.store_breached")) == 1


def test_what_was_cut_off_is_done_by_the_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tank = Tank(world, bags=1, minutes=0)
    with monkeypatch.context() as broken:
        broken.setattr("orders.actions.store_readings.follow", lambda *_: False)
        tank.send((0, 9.0))
    alarm = tank.alarm()
    assert alarm is not None and alarm.breached_at is not None and tank.states() == {"collected"}
    StoreAlarmDue.unwalled.filter(alarm_id=alarm.pk).update(due_at=timezone.now() - MINUTE)
    follow_store_alarms()
    assert tank.states() == {"quarantined"} and len(tank.events("custody.store_alarm_opened")) == 1
    assert not StoreAlarmDue.unwalled.filter(alarm_id=alarm.pk).exists()
