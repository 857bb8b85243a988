"""What a device kept without network comes in once, by the same rules, and says what became of it (AN6, CR2)."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from custody.schemes import printed
from ledger.context import reading
from ledger.models import Event
from ledger.walls import visible
from orders import queries
from orders.device_clock import FARTHEST_OFF, OLDEST, read_clock
from orders.flow import order_named
from orders.models import OfflineEntry
from orders.offline_sheets import kinds
from orders.states import WithoutNetwork
from orders.step_kinds import all_kinds
from tests.factories import PASSWORD
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed

NURSE, OTHER_NURSE = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)
DRIVER = ("courier", "courier_driver", 1)
KIT = {"kit_code": "KIT-7", "complete": "yes", "condition": "good"}


def entry(code: str, step: str, inputs: dict[str, Any], *, minutes_ago: float = 30, ahead: float = 0) -> dict[str, Any]:
    """An entry as a device sends it whose clock is some minutes ahead."""
    now = timezone.now() + dt.timedelta(minutes=ahead)
    made = now - dt.timedelta(minutes=minutes_ago)
    times = {"device_time": made.isoformat(), "sent_at": now.isoformat()}
    return {"key": str(uuid4()), "order": code, "step": step, "inputs": inputs, **times}


def send(client: Client, sent: dict[str, Any]) -> Any:
    return client.post("/api/v1/offline-entries", json.dumps(sent), content_type="application/json")


def events_of(world: World, code: str, *kinds: str) -> list[Event]:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        stream = order_named(actor, code).stream_id
        return list(visible(Event, actor).filter(stream_id=stream, kind__in=kinds).order_by("seq"))


def state_of(world: World, code: str, key: str) -> str:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return str(queries.step_of(actor, order_named(actor, code), key).state)


@pytest.fixture
def kit(world: World, committed_db: None) -> str:
    """An order whose kit waits to be checked."""
    journey = journey_of(world, **patient())
    journey.run(before="kit")
    return journey.code


def test_every_kind_of_step_that_decides_is_left_to_the_network_or_to_paper() -> None:
    paper = {"issue_product", "prepare_product", "check_bedside", "infuse"}
    assert set(kinds(WithoutNetwork.PAPER)) == paper
    kept = set(kinds(WithoutNetwork.KEPT))
    assert kept == {
        "check_kit", "apply_labels", "start_collection", "collect", "hand_over", "receive_material", "receive_product",
    }  # fmt: skip
    assert not {key for key in all_kinds() if "release" in key or "review" in key} & (kept | paper)


def test_clocks() -> None:
    now = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
    hour = dt.timedelta(hours=1)
    ahead = read_clock(now, now + hour, now)
    assert (ahead.skew, ahead.happened_at, ahead.fault) == (hour, now - hour, "")
    behind = read_clock(now - 3 * hour, now - hour, now)
    assert (behind.happened_at, behind.fault) == (now - 2 * hour, "")
    for device, sent, words in (
        (now + hour, now, "set back"),
        (now + 13 * hour, now + 13 * hour, "13 hours ahead"),
        (now - 14 * hour, now - 14 * hour, "14 hours behind"),
        (now - OLDEST - hour, now, "more than 14 days ago"),
    ):
        found = read_clock(device, sent, now)
        assert words in found.fault, device
        assert now - OLDEST <= found.happened_at <= now
    assert dt.timedelta(hours=6) < FARTHEST_OFF < dt.timedelta(days=1)


@pytest.mark.story("AN6")
def test_what_nobody_signs_is_recorded_once_with_its_device_time(world: World, browse: Browse, kit: str) -> None:
    nurse, sent = browse(*NURSE), entry(kit, "kit", KIT, ahead=2)
    first, again = send(nurse, sent), send(nurse, sent)
    assert (first.status_code, first.json()["state"]) == (200, "recorded")
    assert again.json() == first.json()
    assert first.json()["clock_off"] is False
    (event,) = [e for e in events_of(world, kit, "orders.step_done") if e.payload["step"] == "kit"]
    assert event.payload["offline_entry"] == sent["key"]
    assert event.device_time == dt.datetime.fromisoformat(sent["device_time"])
    assert abs(event.occurred_at - (timezone.now() - dt.timedelta(minutes=30))) < dt.timedelta(seconds=60)
    assert "clock_off" not in event.payload
    assert 110 < event.payload["clock_skew_s"] < 125


def test_a_clock_that_is_off_is_marked_and_corrected(world: World, browse: Browse, kit: str) -> None:
    found = send(browse(*NURSE), entry(kit, "kit", KIT, minutes_ago=1, ahead=120)).json()
    assert (found["state"], found["clock_off"]) == ("recorded", True)
    (event,) = [e for e in events_of(world, kit, "orders.step_done") if e.payload["step"] == "kit"]
    assert event.payload["clock_off"] is True
    assert event.occurred_at < timezone.now() < event.device_time


def test_a_clock_that_cannot_be_believed_keeps_the_entry_to_be_corrected(
    world: World, browse: Browse, kit: str
) -> None:
    nurse, sent = browse(*NURSE), entry(kit, "kit", KIT, ahead=60 * 24)
    found = send(nurse, sent).json()
    assert found["state"] == "refused" and "24 hours ahead" in found["words"]
    assert state_of(world, kit, "kit") == "ready"
    page = text_of(nurse.get(f"/orders/{kit}/steps/kit/?entry={sent['key']}"))
    assert 'value="KIT-7"' in page and sent["key"] in page
    form = {**KIT, "once": str(uuid4()), "offline_entry": sent["key"]}
    assert nurse.post(f"/orders/{kit}/steps/kit/", form).status_code == 303
    assert send(nurse, sent).json()["state"] == "recorded"
    refused = nurse.post(f"/orders/{kit}/steps/kit/", {**form, "once": str(uuid4())})
    assert refused.status_code == 409 and "nothing was entered twice" in text_of(refused)


def test_a_form_whose_answer_was_lost_and_its_entry_are_one(world: World, browse: Browse, kit: str) -> None:
    nurse, sent = browse(*NURSE), entry(kit, "kit", KIT)
    assert nurse.post(f"/orders/{kit}/steps/kit/", {**KIT, "once": sent["key"]}).status_code == 303
    found = send(nurse, sent).json()
    assert found["state"] == "recorded" and "nothing was entered twice" in found["words"]
    done = [e for e in events_of(world, kit, "orders.step_done") if e.payload["step"] == "kit"]
    assert len(done) == 1


def test_somebody_else_recorded_it_meanwhile(world: World, browse: Browse, kit: str) -> None:
    other = browse(*OTHER_NURSE)
    assert other.post(f"/orders/{kit}/steps/kit/", {**KIT, "kit_code": "KIT-8"}).status_code == 303
    nurse, sent = browse(*NURSE), entry(kit, "kit", KIT)
    found = send(nurse, sent).json()
    assert found["state"] == "conflict"
    assert "Recorded meanwhile by" in found["words"] and "The kit is complete." in found["words"]
    address = f"/api/v1/offline-entries/{sent['key']}/discard"
    told = nurse.post(address, json.dumps({"reason": "The same kit"}), content_type="application/json")
    assert told.status_code == 204
    (row,) = nurse.get("/api/v1/offline-entries").json()["results"][:1]
    assert (row["state"], row["reason"]) == ("discarded", "The same kit")
    assert [e.reason for e in events_of(world, kit, "orders.offline_discarded")] == ["The same kit"]
    assert nurse.post(address, json.dumps({"reason": "x"}), content_type="application/json").status_code == 409


def test_a_hold_refuses_with_words_and_the_entry_stays(world: World, browse: Browse, kit: str) -> None:
    coordinator = browse("center", "coordinator")
    assert coordinator.post(f"/orders/{kit}/hold/", {"reason": "Fever"}).status_code == 303
    found = send(browse(*NURSE), entry(kit, "kit", KIT)).json()
    assert found["state"] == "refused" and "on hold: Fever" in found["words"]
    assert state_of(world, kit, "kit") == "ready"


@pytest.mark.parametrize("inputs", [{"signature": {"password": "x"}}, {"bags": [{"password": "x"}]}, {"verifiers": []}])
def test_secrets_are_never_taken_from_a_device(browse: Browse, kit: str, inputs: dict[str, Any]) -> None:
    sent = entry(kit, "kit", {**KIT, **inputs})
    refused = send(browse(*NURSE), sent)
    assert refused.status_code == 400 and refused.json()["code"] == "secret_on_device"
    assert not OfflineEntry.unwalled.filter(key=sent["key"]).exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"inputs": {"nonsense": 1}}, "inputs.nonsense"),
        ({"inputs": ["x"]}, "inputs"),
        ({"inputs": {"note": "x" * 20_000}}, "inputs"),
        ({"key": "7"}, "key"),
        ({"device_time": "2030-01-01T10:00:00"}, "device_time"),
        ({"sent_at": ""}, "sent_at"),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(browse: Browse, kit: str, change: dict[str, Any], field: str) -> None:
    refused = send(browse(*NURSE), entry(kit, "kit", KIT) | change)
    assert refused.status_code == 400 and field in refused.json()["fields"]


@pytest.mark.story("CR2")
def test_a_hand_over_waits_for_both_to_sign(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        (box,) = queries.boxes_of(coordinator, order_named(coordinator, code))
    driver = browse(*DRIVER)
    inputs = {"outer_code": box.code, "seal_seen": box.seal_code, "condition": "good"}
    sent = entry(code, "pickup", inputs, minutes_ago=0)
    found = send(driver, sent).json()
    assert (found["state"], state_of(world, code, "pickup")) == ("to_sign", "ready"), found["words"]
    address = f"/orders/{code}/steps/pickup/"
    page = text_of(driver.get(f"{address}?entry={sent['key']}"))
    assert f'value="{box.code}"' in page and "Noted without network" in page
    at = dt.datetime.fromisoformat(found["happened_at"])
    form = {
        **inputs,
        "handed_over_at": at.isoformat(),
        "signature.password": PASSWORD,
        "verifiers[0]username": world.username("center", "cell_lab_technologist", 1),
        "verifiers[0]password": PASSWORD,
        "verifiers[0]scan": box.code,
        "offline_entry": sent["key"],
        "once": str(uuid4()),
    }
    answer = driver.post(address, form)
    assert answer.status_code == 303, text_of(answer)
    assert send(driver, sent).json()["state"] == "recorded"
    (event,) = [e for e in events_of(world, code, "orders.step_done") if e.payload["step"] == "pickup"]
    assert event.payload["offline_entry"] == sent["key"]
    assert event.device_time == dt.datetime.fromisoformat(sent["device_time"])


@pytest.mark.story("AN6")
def test_steps_that_wait_for_each_other_are_kept_and_signed_in_order(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="apply_labels")
    found = send(browse(*NURSE), entry(journey.code, "collect", {"bags": [{"scan": "X", "volume_ml": "250"}]})).json()
    assert (found["state"], found["words"]) == ("to_sign", "It waits for the steps before it.")


def test_another_patients_code_stops_the_line_when_it_comes_in(world: World, browse: Browse) -> None:
    journey, other = journey_of(world, **patient()), journey_of(world, **patient())
    journey.run(before="start_collection")
    other.run(before="start_collection")
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        foreign = printed(order_named(coordinator, other.code).identity_code)
    found = send(browse(*NURSE), entry(journey.code, "start_collection", {"wristband": foreign})).json()
    assert found["state"] == "refused"
    assert events_of(world, journey.code, "custody.identity_mismatch")


@pytest.mark.parametrize(("step", "code_word"), [("infuse", "paper_only"), ("issue", "paper_only"), ("release", "")])
def test_nothing_is_issued_thawed_or_infused_from_a_device(
    world: World, browse: Browse, kit: str, step: str, code_word: str
) -> None:
    nurse = browse("center", "infusion_nurse") if step == "infuse" else browse("center", "pharmacist")
    answer = send(nurse, entry(kit, step, {}))
    assert answer.status_code in (403, 409)
    if answer.status_code == 409:
        assert answer.json()["code"] == code_word
        assert "release and quarantine status" in answer.json()["detail"]


def test_another_person_and_another_organization_learn_nothing(world: World, browse: Browse, kit: str) -> None:
    nurse, sent = browse(*NURSE), entry(kit, "kit", KIT, ahead=60 * 24)
    assert send(nurse, sent).json()["state"] == "refused"
    other = browse(*OTHER_NURSE)
    assert sent["key"] not in text_of(other.get("/api/v1/offline-entries"))
    assert send(other, sent).status_code == 404
    assert other.get(f"/orders/{kit}/steps/kit/?entry={sent['key']}").status_code == 404
    stolen = other.post(f"/orders/{kit}/steps/kit/", {**KIT, "offline_entry": sent["key"]})
    assert stolen.status_code == 404
    body = json.dumps({"reason": "x"})
    address = f"/api/v1/offline-entries/{sent['key']}/discard"
    assert other.post(address, body, content_type="application/json").status_code == 404
    maker = browse("maker", "planner")
    assert maker.get("/api/v1/offline-entries").json()["results"] == []
    assert send(browse(*DRIVER), entry("CT-0000-0000", "pickup", {})).status_code == 404


def test_what_never_arrived_is_discarded_on_the_organizations_record(world: World, browse: Browse) -> None:
    nurse, key = browse(*NURSE), str(uuid4())
    body = {"reason": "Scanned by mistake", "order": "CT-0000-0000", "step": "check_kit"}
    address = f"/api/v1/offline-entries/{key}/discard"
    assert nurse.post(address, json.dumps(body), content_type="application/json").status_code == 204
    actor = world.actor(*NURSE)
    with reading(actor):
        (event,) = visible(Event, actor).filter(kind="orders.offline_discarded", subject_id=key)
    assert (event.reason, event.payload["order"]) == ("Scanned by mistake", "CT-0000-0000")


def test_an_entry_is_not_taken_from_somebody_else_who_signed_in_meanwhile(
    world: World, browse: Browse, kit: str
) -> None:
    mine, other = world.actor(*NURSE), browse(*OTHER_NURSE)
    sent = entry(kit, "kit", KIT) | {"membership": str(mine.membership_id)}
    refused = send(other, sent)
    assert (refused.status_code, refused.json()["code"]) == (409, "other_membership")
    body = json.dumps({"reason": "x", "membership": str(mine.membership_id)})
    address = f"/api/v1/offline-entries/{sent['key']}/discard"
    assert other.post(address, body, content_type="application/json").json()["code"] == "other_membership"
    assert not OfflineEntry.unwalled.filter(key=sent["key"]).exists()
    assert send(browse(*NURSE), sent).json()["state"] == "recorded"


def test_a_correction_that_comes_after_its_entry_is_not_dropped_silently(
    world: World, browse: Browse, kit: str
) -> None:
    nurse, sent = browse(*NURSE), entry(kit, "kit", KIT)
    assert send(nurse, sent).json()["state"] == "recorded"
    refused = send(nurse, sent | {"inputs": {**KIT, "kit_code": "KIT-9"}})
    assert (refused.status_code, refused.json()["code"]) == (409, "entry_differs")
    assert "is recorded as it was then" in refused.json()["detail"]
    assert send(nurse, sent).json()["state"] == "recorded"


def test_what_a_device_discarded_without_network_is_told_once_with_its_time(world: World, browse: Browse) -> None:
    nurse, key, now = browse(*NURSE), str(uuid4()), timezone.now()
    told = {"reason": "Twice", "order": "CT-0000-0000", "step": "kit"}
    address = f"/api/v1/offline-entries/{key}/discard"
    for minutes in (0, 5):  # its answer was lost: told again, later
        sent_at = now + dt.timedelta(minutes=minutes)
        body = told | {"discarded_at": (now - dt.timedelta(hours=2)).isoformat(), "sent_at": sent_at.isoformat()}
        assert nurse.post(address, json.dumps(body), content_type="application/json").status_code == 204
    with reading(world.actor(*NURSE)):
        (event,) = visible(Event, world.actor(*NURSE)).filter(kind="orders.offline_discarded", subject_id=key)
    assert event.device_time == now - dt.timedelta(hours=2)
    assert abs(event.occurred_at - event.device_time) < dt.timedelta(minutes=1)
    half = told | {"discarded_at": now.isoformat()}
    refused = nurse.post(
        f"/api/v1/offline-entries/{uuid4()}/discard", json.dumps(half), content_type="application/json"
    )
    assert refused.status_code == 400 and "sent_at" in refused.json()["fields"]


def test_a_device_learns_steps_and_codes_but_no_patient(world: World, browse: Browse, kit: str) -> None:
    told = browse(*NURSE).get("/offline/session/").json()
    sheet = next(one for one in told["sheets"] if (one["order"], one["step"]) == (kit, "kit"))
    assert sheet["way"] == "kept" and "kit_code" in told["forms"][sheet["form"]]
    assert "password" not in json.dumps(told["forms"])
    assert told["seal"] != browse(*OTHER_NURSE).get("/offline/session/").json()["seal"]
    driver = browse(*DRIVER)
    code = packed(world, **patient())
    told = driver.get("/offline/session/").json()
    (sheet,) = [one for one in told["sheets"] if (one["order"], one["step"], one["act"]) == (code, "pickup", "")]
    assert all(known.startswith("SHP-") for known in sheet["expects"]), "a courier knows boxes only"


def test_the_page_on_the_device_holds_nothing_of_anybody(world: World, browse: Browse) -> None:
    stranger, nurse = Client(), browse(*NURSE)
    assert text_of(stranger.get("/offline/")) == text_of(nurse.get("/offline/"))
    assert "csrf" not in text_of(nurse.get("/offline/"))
    worker = nurse.get("/worker.js")
    assert worker["Content-Type"].startswith("text/javascript") and worker["Cache-Control"] == "no-cache"
    for file in json.loads(text_of(worker).split("FILES = ")[1].split(";")[0]):
        assert nurse.get(file).status_code == 200, file
