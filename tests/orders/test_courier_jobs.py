"""Kits to centers and empty shippers back: a courier is booked with window and contact, told before and after."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from custody.actions.job_telling import due_jobs, tell_job
from custody.actions.jobs import fetch
from custody.models import CourierJob, JobDue
from ledger.context import reading
from ledger.models import Event
from ledger.refusals import WrongState
from notifications.recipients import recipients_of
from orders import attempts, way_points
from orders.flow import order_named
from orders.tasks import tell_courier_jobs
from personas.queries import organization_actor
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.orders.test_returns import Emptied
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
CONTROL, DRIVER, DOCK = ("courier", "courier_dispatcher"), ("courier", "courier_driver"), ("maker", "operator")
LOGISTICS, NURSE = ("maker", "logistics_manager"), ("center", "apheresis_nurse")
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Any:
    """A world of its own: a register changes how everybody in it packs."""
    with django_db_blocker.unblock():
        yield make_world()


def window(begin: dt.datetime | None = None, **more: Any) -> dict[str, Any]:
    begin = begin or timezone.now() + 2 * HOUR
    times = {"window_from": begin, "window_until": begin + 2 * HOUR, "deliver_by": begin + 20 * HOUR}
    given = {name: at.isoformat() for name, at in times.items()}
    return {**given, "contact": "Cell lab, 555-0100", "door": "Ramp 3", "once": str(uuid4()), **more}


def job_named(world: World, number: str) -> CourierJob:
    with reading(world.actor(*CONTROL)):
        return CourierJob.unwalled.filter(number=number).latest("booked_at")


def told_to(world: World, firm: str, job: CourierJob, at: dt.datetime) -> list[str]:
    """Run one organization's sweep of a job until nothing is left to tell at that time; return the words."""
    owner = getattr(world, firm).pk
    relay, words = organization_actor(owner, "relay"), []
    while tell_job(JobDue.unwalled.get(organization_id=owner, job_id=job.pk), at):
        with reading(relay):
            event = Event.unwalled.filter(kind="custody.job_told", subject_id=str(job.pk)).latest("seq")
            found = recipients_of(relay, event)
        assert found and all(one.path == f"/jobs/{job.pk}/" for one in found)
        words.append(found[0].title)
    return words


@pytest.fixture
def emptied(world: World) -> Emptied:
    for person in (CONTROL, DRIVER, DOCK, LOGISTICS, NURSE):
        world.member(*person)
    return Emptied(world)


@pytest.mark.story("LM2")
def test_the_way_back_of_an_empty_shipper_is_booked_told_fetched_and_brought(
    world: World, browse: Browse, emptied: Emptied
) -> None:
    dock, driver = browse(*DOCK), browse(*DRIVER)
    assert "Book the courier" in text_of(dock.get(emptied.page))
    sent = window()
    for _ in range(2):
        assert dock.post(f"{emptied.page}book/", sent).status_code == 303, "the same form twice books once"
    job = job_named(world, emptied.serial)
    assert (job.sender_id, job.receiver_id, job.courier_id) == (world.maker.pk, world.courier.pk, world.courier.pk)
    shown = text_of(driver.get("/jobs/"))
    assert emptied.serial in shown and "Ramp 3" in shown and "Cell lab, 555-0100" in shown
    assert "Kit and return pickups: " in text_of(driver.get("/?days=week"))
    assert dock.post(f"{emptied.page}book/", window()).status_code == 409, "it is booked already"
    assert "Courier booked, from" in text_of(dock.get("/equipment/returns/"))
    start = job.window_from
    assert told_to(world, "courier", job, start - 90 * MINUTE) == [f"New job: empty shipper {emptied.serial}"]
    assert told_to(world, "maker", job, start - 90 * MINUTE) == [], "who booked it knows"
    assert told_to(world, "courier", job, start - HOUR) == [f"To be fetched: empty shipper {emptied.serial}"]
    assert told_to(world, "maker", job, start - HOUR) == [f"To be fetched: empty shipper {emptied.serial}"]
    late = job.window_until + 16 * MINUTE
    assert told_to(world, "maker", job, late) == [f"Missed, not fetched: empty shipper {emptied.serial}"]
    page = f"/jobs/{job.pk}/"
    other = driver.post(f"{page}fetch/", {"number": "OTHER-1", "at": timezone.now().isoformat(), "once": str(uuid4())})
    assert other.status_code == 400 and "not what was booked" in text_of(other) and "OTHER-1" in text_of(other)
    took = {"number": f" {emptied.serial.lower()}", "at": timezone.now().isoformat(), "once": str(uuid4())}
    for _ in range(2):
        assert driver.post(f"{page}fetch/", took).status_code == 303
    row = emptied.row()
    assert row.handed_over_at is not None and row.handed_over_by == world.courier.name
    assert driver.post(f"{page}deliver/", {"at": timezone.now().isoformat()}).status_code == 303
    assert f"Delivered: empty shipper {emptied.serial}" in told_to(world, "maker", job, timezone.now())
    assert emptied.serial in text_of(driver.get("/jobs/?show=closed"))
    assert emptied.serial not in text_of(driver.get("/jobs/"))


def test_what_could_not_be_fetched_comes_again_and_is_told_anew(world: World, browse: Browse, emptied: Emptied) -> None:
    control, driver = browse(*CONTROL), browse(*DRIVER)
    rest = f"/api/v1/equipment/returns/{emptied.row().pk}/jobs"
    key = {"Idempotency-Key": str(uuid4())}
    body = {name: value for name, value in window().items() if name != "once"}
    answers = [control.post(rest, body, content_type="application/json", headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201] and answers[0].json() == answers[1].json()
    job = job_named(world, emptied.serial)
    at, address = job.window_until + HOUR, f"/api/v1/courier-jobs/{job.pk}"
    assert "Missed, not fetched" in told_to(world, "maker", job, at)[-1]
    begin = timezone.now() + 30 * HOUR
    again = {"window_from": begin.isoformat(), "window_until": (begin + HOUR).isoformat()}
    missing = driver.post(f"{address}/fail", {"failure": "other"}, content_type="application/json")
    assert missing.status_code == 400 and "note" in missing.json()["fields"]
    said = driver.post(f"{address}/fail", {"failure": "not_ready", **again}, content_type="application/json").json()
    assert said["failure"] == "Not ready." and dt.datetime.fromisoformat(said["window_from"]) == begin
    words = told_to(world, "maker", job_named(world, emptied.serial), begin - 30 * MINUTE)
    assert words == [
        f"Could not be fetched: empty shipper {emptied.serial}",
        f"To be fetched: empty shipper {emptied.serial}",
    ]
    dock = browse(*DOCK)
    assert dock.post(f"{address}/cancel", {"reason": "x"}, content_type="application/json").status_code == 403
    gone = control.post(f"{address}/cancel", {"reason": "Taken along"}, content_type="application/json")
    assert gone.json()["state"] == "cancelled"
    assert "Cancelled: " in told_to(world, "maker", job, timezone.now())[0]
    assert not JobDue.unwalled.filter(organization_id=world.maker.pk, job_id=job.pk).exists()
    taken = driver.post(f"{address}/fetch", {"number": "x", "at": body["window_from"]}, content_type="application/json")
    assert (taken.status_code, taken.json()["code"]) == (409, "job_state")


def test_handing_it_over_or_receiving_it_by_itself_closes_the_job(
    world: World, browse: Browse, emptied: Emptied
) -> None:
    assert browse(*DOCK).post(f"{emptied.page}book/", window()).status_code == 303
    job = job_named(world, emptied.serial)
    back = {"outcome": "fit", "received_at": timezone.now().isoformat()}
    assert browse(*CONTROL).post(f"{emptied.page}receive/", back).status_code == 303
    assert job_named(world, emptied.serial).state == "delivered"
    assert "Missed" not in " ".join(told_to(world, "maker", job, job.deliver_by + HOUR))


class WithKit:
    """An order whose collection kit is to be checked."""

    def __init__(self, world: World) -> None:
        self.world, self.journey = world, journey_of(world, **patient())
        self.journey.run(before="kit")
        self.code = self.journey.code
        center = world.actor("center", "coordinator")
        with reading(center):
            order = order_named(center, self.code)
            steps = list(attempts.latest_attempts(order).values())
            self.checked = way_points.times(order, steps)[next(one.pk for one in steps if one.key == "kit")]

    def sent(self, **more: Any) -> dict[str, Any]:
        begin = min(timezone.now() + HOUR, self.checked - 4 * HOUR)
        kit = {"number": f"KIT-{uuid4().hex[:6]}", "deliver_by": (self.checked - HOUR).isoformat()}
        return window(begin, **kit) | more


@pytest.mark.story("LM2")
def test_a_kit_is_sent_in_time_for_its_check_and_everybody_on_its_way_is_told(world: World, browse: Browse) -> None:
    for person in (CONTROL, DRIVER, LOGISTICS, NURSE):
        world.member(*person)
    order, logistics = WithKit(world), browse(*LOGISTICS)
    page = f"/orders/{order.code}/kit/"
    late = logistics.post(page, order.sent(deliver_by=(order.checked + HOUR).isoformat()))
    assert late.status_code == 400 and "has to be there before" in text_of(late)
    sent = order.sent()
    for _ in range(2):
        answer = logistics.post(page, sent)
        assert answer.status_code == 303, text_of(answer)
    job = job_named(world, sent["number"])
    assert (job.receiver_id, job.order, job.kind) == (world.center.pk, order.code, "kit")
    assert sent["number"] in text_of(browse(*NURSE).get(page)) and "Booked" in text_of(browse(*NURSE).get(page))
    assert told_to(world, "center", job, job.booked_at) == [f"Courier booked: collection kit {sent['number']}"]
    driver = browse(*DRIVER)
    fetched = driver.post(
        f"/api/v1/courier-jobs/{job.pk}/fetch",
        {"number": sent["number"], "at": timezone.now().isoformat()},
        content_type="application/json",
    )
    assert fetched.json()["state"] == "picked_up"
    assert told_to(world, "center", job, job.deliver_by - HOUR) == [f"To be delivered: collection kit {sent['number']}"]
    missed = told_to(world, "maker", job, job.deliver_by + 16 * MINUTE)
    assert missed == [f"Missed, not delivered: collection kit {sent['number']}"]
    driver.post(f"/jobs/{job.pk}/deliver/", {"at": timezone.now().isoformat()})
    assert "Delivered late" not in text_of(driver.get(f"/jobs/{job.pk}/"))
    order.journey.run(until="kit")
    checked = logistics.post(page, order.sent())
    assert checked.status_code == 409 and "No collection kit waits" in text_of(checked)


def test_nobody_next_door_sees_books_or_changes_a_job(world: World, browse: Browse, emptied: Emptied) -> None:
    order = WithKit(world)
    assert browse(*LOGISTICS).post(f"/orders/{order.code}/kit/", order.sent()).status_code == 303
    assert browse(*DOCK).post(f"{emptied.page}book/", window()).status_code == 303
    job = job_named(world, emptied.serial)
    strangers = [
        signed_in(make_member(make_organization(role), persona))
        for role, persona in (("courier", "courier_driver"), ("manufacturer", "logistics_manager"))
    ]
    for stranger in strangers:
        assert stranger.get(f"/jobs/{job.pk}/").status_code == 404
        assert emptied.serial not in text_of(stranger.get("/jobs/"))
        for act in ("fetch", "deliver", "fail", "cancel"):
            refused = stranger.post(f"/api/v1/courier-jobs/{job.pk}/{act}", {}, content_type="application/json")
            assert refused.status_code == 404, act
        assert (
            stranger.post(f"/api/v1/orders/{order.code}/kit-jobs", {}, content_type="application/json").status_code
            == 404
        )
        assert stranger.post(f"{emptied.rest}/jobs", {}, content_type="application/json").status_code == 404
    center, planner = browse(*NURSE), browse("maker", "planner")
    assert center.get(f"/jobs/{job.pk}/").status_code == 404, "another center's or a plant's shipper is not theirs"
    body = {name: value for name, value in order.sent().items() if name != "once"}
    for other in (center, planner):
        answer = other.post(f"/api/v1/orders/{order.code}/kit-jobs", body, content_type="application/json")
        assert answer.status_code == 403
    wrong = browse(*DOCK).post(f"{emptied.rest}/jobs", {}, content_type="application/json")
    assert wrong.status_code == 400 and {"window_from", "contact"} <= set(wrong.json()["fields"])


def test_two_drivers_fetch_one_box_and_two_workers_tell_one_word(
    world: World, browse: Browse, emptied: Emptied
) -> None:
    assert browse(*DOCK).post(f"{emptied.page}book/", window()).status_code == 303
    job, driver = job_named(world, emptied.serial), world.actor(*DRIVER)
    due = JobDue.unwalled.get(organization_id=world.courier.pk, job_id=job.pk)
    barrier = Barrier(4)

    def work(number: int) -> bool:
        barrier.wait()
        try:
            if number < 2:
                return tell_job(due, job.booked_at)
            fetch(driver, job.pk, {"number": emptied.serial, "at": timezone.now().isoformat()})
            return True
        except WrongState:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = [one.result() for one in [pool.submit(work, number) for number in range(4)]]
    assert sorted(answers[:2]) == [False, True] and sorted(answers[2:]) == [False, True]


def test_the_sweep_tells_what_is_due(world: World, browse: Browse, emptied: Emptied) -> None:
    assert browse(*DOCK).post(f"{emptied.page}book/", window()).status_code == 303
    job = job_named(world, emptied.serial)
    assert {row.organization_id for row in due_jobs(timezone.now()) if row.job_id == job.pk} == job.parties
    tell_courier_jobs()
    with reading(world.actor(*CONTROL)):
        told = Event.unwalled.filter(kind="custody.job_told", subject_id=str(job.pk)).count()
    assert told == 1 and isinstance(job.pk, UUID)
