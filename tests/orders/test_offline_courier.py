"""A driver without network notes that nothing was picked up, or that it comes later: told once, in order (CR3, CR5)."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from orders import queries
from orders.flow import order_named
from tests.factories import PASSWORD
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import packed
from tests.orders.test_offline import DRIVER, entry, events_of, send, state_of


@pytest.fixture
def code(world: World, committed_db: None) -> str:
    """An order whose box waits for the driver."""
    return packed(world, **patient())


@pytest.mark.story("CR3")
def test_a_failed_pickup_is_recorded_once_with_its_time_and_stays_open(world: World, browse: Browse, code: str) -> None:
    driver = browse(*DRIVER)
    sent = entry(code, "pickup", {"failure": "nobody_there", "note": "Gate shut"}) | {"act": "failed"}
    found, again = send(driver, sent), send(driver, sent)
    assert (found.status_code, found.json()["state"]) == (200, "recorded"), found.content
    assert again.json() == found.json()
    assert found.json()["title"].startswith("Cannot pick up: ")
    (event,) = events_of(world, code, "orders.pickup_failed")
    assert (event.payload["failure"], event.reason) == ("Nobody is there", "Gate shut")
    assert event.payload["offline_entry"] == sent["key"]
    assert event.device_time == dt.datetime.fromisoformat(sent["device_time"])
    assert abs(event.occurred_at - (timezone.now() - dt.timedelta(minutes=30))) < dt.timedelta(minutes=1)
    assert state_of(world, code, "pickup") == "ready"


@pytest.mark.story("CR5")
def test_a_delay_counts_from_when_it_was_noted_by_the_right_clock(world: World, browse: Browse, code: str) -> None:
    driver = browse(*DRIVER)
    sent = entry(code, "pickup", {"in": "120"}, minutes_ago=20, ahead=45) | {"act": "delay"}
    assert send(driver, sent).json()["state"] == "recorded"
    (event,) = events_of(world, code, "orders.delayed")
    at = dt.datetime.strptime(event.payload["expected_at"], "%Y-%m-%d %H:%M UTC").replace(tzinfo=dt.UTC)
    assert abs(at - (timezone.now() + dt.timedelta(minutes=100))) < dt.timedelta(minutes=2)
    assert event.payload["clock_off"] is True


def test_a_time_at_the_place_is_read_there(world: World, browse: Browse, code: str) -> None:
    there = timezone.now().astimezone(ZoneInfo("Europe/Berlin")) + dt.timedelta(hours=3)
    sent = entry(code, "pickup", {"expected_at": f"{there:%Y-%m-%dT%H:%M}", "zone": "Europe/Berlin"}) | {"act": "delay"}
    assert send(browse(*DRIVER), sent).json()["state"] == "recorded"
    (event,) = events_of(world, code, "orders.delayed")
    assert event.payload["expected_at"] == f"{there.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def test_a_new_time_that_is_past_when_it_comes_in_stays_with_the_words_and_is_given_anew(
    world: World, browse: Browse, code: str
) -> None:
    driver = browse(*DRIVER)
    sent = entry(code, "pickup", {"in": "30"}, minutes_ago=90) | {"act": "delay"}
    found = send(driver, sent).json()
    assert found["state"] == "refused" and "a time to come" in found["words"]
    assert not events_of(world, code, "orders.delayed")
    address = f"/orders/{code}/steps/pickup/delay/"
    page = text_of(driver.get(f"{address}?entry={sent['key']}"))
    assert "Noted without network" in page and sent["key"] in page
    form = {"in": "60", "offline_entry": sent["key"], "once": str(uuid4())}
    assert driver.post(address, form).status_code == 303
    (event,) = events_of(world, code, "orders.delayed")
    assert event.payload["offline_entry"] == sent["key"]
    assert send(driver, sent).json()["state"] == "recorded"


def test_a_failure_of_what_was_picked_up_meanwhile_is_a_conflict_that_says_so(
    world: World, browse: Browse, code: str
) -> None:
    driver, coordinator = browse(*DRIVER), world.actor("center", "coordinator")
    with reading(coordinator):
        (box,) = queries.boxes_of(coordinator, order_named(coordinator, code))
    form = {
        "outer_code": box.code,
        "seal_seen": box.seal_code,
        "condition": "good",
        "handed_over_at": timezone.now().isoformat(),
        "signature.password": PASSWORD,
        "verifiers[0]username": world.username("center", "cell_lab_technologist", 1),
        "verifiers[0]password": PASSWORD,
        "verifiers[0]scan": box.code,
    }
    answer = driver.post(f"/orders/{code}/steps/pickup/", form)
    assert answer.status_code == 303, text_of(answer)
    sent = entry(code, "pickup", {"failure": "not_ready"}) | {"act": "failed"}
    found = send(driver, sent).json()
    assert found["state"] == "conflict" and "Recorded meanwhile by" in found["words"]
    assert not events_of(world, code, "orders.pickup_failed")


def test_what_cannot_be_reported_of_a_step_is_refused(world: World, browse: Browse, code: str) -> None:
    driver = browse(*DRIVER)
    assert send(driver, entry(code, "delivery", {"failure": "not_ready"}) | {"act": "failed"}).status_code == 403
    refused = send(driver, entry(code, "pickup", {"nonsense": 1}) | {"act": "failed"})
    assert refused.status_code == 400 and "inputs.nonsense" in refused.json()["fields"]
    odd = {"expected_at": "2030-01-01T10:00", "zone": "../../etc"}
    assert send(driver, entry(code, "pickup", odd) | {"act": "delay"}).json()["state"] == "refused"
    nothing = send(driver, entry(code, "pickup", {}) | {"act": "delay"}).json()
    assert nothing["state"] == "refused" and "Give a day and a time." in nothing["words"]
    other = send(driver, entry(code, "pickup", {"failure": "other"}) | {"act": "failed"}).json()
    assert other["state"] == "refused" and "Say what it was." in other["words"]
    nurse = browse("center", "apheresis_nurse", 1)
    assert send(nurse, entry(code, "pickup", {"in": "30"}) | {"act": "delay"}).status_code == 403


def test_the_page_whose_answer_was_lost_and_its_entry_are_one(world: World, browse: Browse, code: str) -> None:
    driver = browse(*DRIVER)
    sent = entry(code, "pickup", {"failure": "not_ready"}) | {"act": "failed"}
    form = {"failure": "not_ready", "once": sent["key"]}
    assert driver.post(f"/orders/{code}/steps/pickup/failed/", form).status_code == 303
    assert send(driver, sent).json()["state"] == "recorded"
    assert len(events_of(world, code, "orders.pickup_failed")) == 1


def test_a_drivers_device_has_forms_for_it(browse: Browse, code: str) -> None:
    told = browse(*DRIVER).get("/offline/session/").json()
    acts = [one["act"] for one in told["sheets"] if (one["order"], one["step"]) == (code, "pickup")]
    assert acts == ["", "failed", "delay"]
    forms = {key.split()[0]: text for key, text in told["forms"].items()}
    assert 'name="failure"' in forms["failed"] and 'value="nobody_there"' in forms["failed"]
    assert 'name="in"' in forms["delay"] and 'name="expected_at"' in forms["delay"]
