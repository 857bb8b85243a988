"""What a partner's system sends as EPCIS events becomes acts: the same ones, with the same refusals, each once."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.urls import resolve
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from custody import queries as custody
from ledger.context import reading
from ledger.models import Replay
from orders.api.epcis.captures import GIVEN_UP, job_document
from orders.epcis.identifiers import uri
from orders.models import EpcisCapture
from personas.models import Membership
from quality import queries as quality
from tests.api.conftest import Partner, make_partner, problem
from tests.factories import PASSWORD
from tests.journeys.test_epcis import told
from tests.journeys.watching import bags, kinds_of_events, order_of, step_of
from tests.journeys.world import World

NOWHERE = uri("container", "CHA999926000001-SM1-K")


def system(world: World, organization: str, persona: str) -> Partner:
    """A system of an organization, with a key in a persona."""
    member = Membership.unwalled.get(pk=world.player(organization, persona).actor.membership_id)
    return make_partner(getattr(world, organization), persona, responsible=member)


def event(biz_step: str, *things: str, kind: str = "ObjectEvent", **more: Any) -> dict[str, Any]:
    listed = "inputEPCList" if kind == "TransformationEvent" else "epcList"
    said = {"type": kind, "bizStep": biz_step, listed: list(things)}
    said |= {"eventTime": timezone.now().isoformat(), "eventTimeZoneOffset": "+00:00"}
    if kind == "ObjectEvent":
        said["action"] = "OBSERVE"
    return said | {name.replace("cgt_", "cgt:"): value for name, value in more.items()}


def document(*events: Any) -> dict[str, Any]:
    return {"type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": list(events)}}


def sent(partner: Partner, *events: Any, behavior: str = "", once: str = "") -> dict[str, Any]:
    headers = {"GS1-Capture-Error-Behaviour": behavior} if behavior else {}
    headers |= {"Idempotency-Key": once} if once else {}
    answer = partner.post("epcis/capture", document(*events), content_type="application/ld+json", **headers)
    assert answer.status_code == 202, answer.content
    job: dict[str, Any] = answer.json()
    assert answer["Location"].endswith(f"/epcis/capture/{job['captureID']}") and not job["running"]
    assert partner.get(f"epcis/capture/{job['captureID']}").json() == job
    return job


def signed(world: World, giver: tuple[str, str], box: str) -> dict[str, Any]:
    """The credentials of both ends of a hand-over."""
    driver = world.player("courier", "courier_driver")
    other = driver if giver == ("courier", "courier_driver") else world.player(*giver)
    return {
        "cgt_signature": {"username": driver.username, "password": PASSWORD},
        "cgt_verifiers": [{"username": other.username, "password": PASSWORD, "scan": box}],
    }


@pytest.fixture
def packed(world: World) -> Journey:
    journey = world.journey()
    journey.run(before="pickup")
    return journey


@pytest.fixture
def center(world: World) -> Player:
    return world.player("center", "coordinator")


@pytest.fixture
def carrier(world: World) -> Partner:
    return system(world, "courier", "courier_driver")


def box_of(center: Player, journey: Journey) -> tuple[str, str]:
    """Return the outer code and the seal of the order's box."""
    closed = next(one for one in told(center, journey) if one["bizStep"] == "packing" and one["type"] == "ObjectEvent")
    return closed["epcList"][0].rpartition("/")[2], closed["cgt:seal"]


@pytest.mark.story("CR3", "CR5", "AP2")
def test_a_couriers_system_tells_of_the_road(world: World, packed: Journey, center: Player, carrier: Partner) -> None:
    box, seal = box_of(center, packed)
    later = (timezone.now() + dt.timedelta(hours=3)).isoformat()
    job = sent(
        carrier,
        event("void_shipping", uri("box", box), cgt_failure="nobody_there"),
        event("https://ref.gs1.org/cbv/BizStep-transporting", uri("box", box), cgt_expectedAt=later),
    )
    assert job["success"] and [one["act"] for one in job["cgt:done"]] == ["pickup_failed", "delayed"], job
    assert {"orders.pickup_failed", "orders.delayed"} <= set(kinds_of_events(center, packed))
    assert step_of(center, packed, "pickup").state == "ready"

    hands = signed(world, ("center", "cell_lab_technologist"), box)
    assert sent(carrier, event("shipping", box, cgt_seal=seal, **hands))["success"], "a bare code will do"
    assert step_of(center, packed, "pickup").state == "done"
    left = [one for one in told(center, packed) if one["bizStep"] == "shipping"]
    assert [one["disposition"] for one in left] == ["in_transit"]
    assert set(bags(center, packed, "starting_material").values()) == {"in_transit"}


def test_a_key_alone_takes_no_custody_and_no_password_is_kept(
    world: World, packed: Journey, center: Player, carrier: Partner
) -> None:
    box, seal = box_of(center, packed)
    hands = signed(world, ("center", "cell_lab_technologist"), box)
    job = sent(carrier, event("shipping", uri("box", box), cgt_seal=seal))
    assert not job["success"] and {"signature", "verifiers"} <= set(job["errors"][0]["fields"])
    wrong = hands | {"cgt_signature": hands["cgt_signature"] | {"password": "guessed-it-wrong"}}
    job = sent(carrier, event("shipping", uri("box", box), cgt_seal=seal, **wrong), once="a-key")
    assert not job["success"] and step_of(center, packed, "pickup").state == "ready"
    with reading(world.player("courier", "courier_driver").actor):
        kept = json.dumps([[job.errors, job.done] for job in EpcisCapture.unwalled.all()])
        kept += json.dumps(list(Replay.unwalled.values_list("result", flat=True)), default=str)
    assert "captureID" in kept and "guessed-it-wrong" not in kept and PASSWORD not in kept


@pytest.mark.story("AP1")
def test_a_key_captures_and_asks_within_its_scopes(world: World, packed: Journey, center: Player) -> None:
    """The same keys and scopes as the rest of the API: reading the record is one, taking custody another."""
    box, seal = box_of(center, packed)
    member = Membership.unwalled.get(pk=world.player("courier", "courier_driver").actor.membership_id)
    hands = signed(world, ("center", "cell_lab_technologist"), box)

    def partner(*scopes: str) -> Partner:
        return make_partner(world.courier, "courier_driver", scopes, responsible=member)

    reader, blind = partner("view_orders", "view_record"), partner("view_orders", "take_custody")
    assert reader.get("epcis/events?EQ_bizStep=packing").status_code == 200
    (error,) = sent(reader, event("shipping", box, cgt_seal=seal, **hands))["errors"]
    assert error["status"] == 403 and step_of(center, packed, "pickup").state == "ready"
    problem(blind.get("epcis/events?EQ_bizStep=packing"), 403, "scope_missing")
    said = document(event("shipping", box, cgt_seal=seal, **hands))
    assert blind.post("epcis/capture", said, content_type="application/ld+json").status_code == 403
    assert sent(partner("view_orders", "view_record", "take_custody"), event("shipping", box, cgt_seal=seal, **hands))[
        "success"
    ]


def test_an_event_that_comes_again_is_done_once(
    world: World, packed: Journey, center: Player, carrier: Partner
) -> None:
    box, _ = box_of(center, packed)
    failed = event("void_shipping", uri("box", box), cgt_failure="not_ready", eventID="urn:uuid:7c0f0b52")
    assert sent(carrier, failed)["success"] and sent(carrier, failed)["success"]
    assert sent(carrier, failed, once="k") == sent(carrier, failed, once="k"), "the same job again"
    quality_reader = world.player("center", "site_quality").actor
    with reading(quality_reader):
        opened = quality.deviations_of(quality_reader, order_of(center, packed).stream_id)
        assert opened.filter(text__contains="not ready").count() == 1
    job = sent(carrier, failed | {"cgt:failure": "damaged"})
    assert job["errors"][0]["code"] == "idempotency_key_reused" and job["errors"][0]["status"] == 409


@pytest.mark.parametrize(("behavior", "done"), [("", []), ("rollback", []), ("proceed", ["pickup_failed"])])
def test_what_is_not_known_here_is_refused_and_never_made(
    packed: Journey, center: Player, carrier: Partner, behavior: str, done: list[str]
) -> None:
    box, _ = box_of(center, packed)
    before = bags(center, packed)
    known = event("void_shipping", uri("box", box), cgt_failure="not_ready")
    job = sent(carrier, known, event("storing", NOWHERE, cgt_location="A1"), behavior=behavior)
    assert [one["act"] for one in job["cgt:done"]] == done and not job["success"]
    (error,) = job["errors"]
    assert (error["cgt:event"], error["code"]) == (2, "unknown_identifier") and NOWHERE in error["detail"]
    assert error["type"] == "epcisException:ValidationException" and error["remedy"]
    assert bags(center, packed) == before
    assert ("orders.pickup_failed" in kinds_of_events(center, packed)) is bool(done)


def test_a_later_refusal_ends_a_document_and_what_happened_stays(
    packed: Journey, center: Player, carrier: Partner
) -> None:
    box, _ = box_of(center, packed)
    failed = event("void_shipping", uri("box", box), cgt_failure="not_ready")
    late = event("transporting", uri("box", box), cgt_expectedAt="2020-01-01T00:00:00Z")
    again = event("void_shipping", uri("box", box), cgt_failure="damaged")
    job = sent(carrier, failed, late, again)
    assert [one["event"] for one in job["cgt:done"]] == [1]
    assert job["errors"][0]["cgt:event"] == 2 and "expected_at" in job["errors"][0]["fields"]
    assert kinds_of_events(center, packed).count("orders.pickup_failed") == 1
    job = sent(carrier, failed, late, again, behavior="proceed")
    assert [one["event"] for one in job["cgt:done"]] == [1, 3]
    assert kinds_of_events(center, packed).count("orders.pickup_failed") == 2, "the first one was there already"


def test_a_laboratory_stores_and_a_plant_begins(world: World, center: Player) -> None:
    journey, other = world.journey(), world.journey()
    other.run(before="start")
    assert journey.run(before="start") == "start"
    material = list(bags(center, journey, "starting_material"))
    plant = system(world, "maker", "operator")
    begun = event(
        "commissioning", *(uri("container", code) for code in material),
        kind="TransformationEvent", cgt_batchRecord="BR-77",
    )  # fmt: skip
    foreign = [uri("container", code) for code in bags(center, other, "starting_material")]
    mixed = event("storing", *begun["inputEPCList"], foreign[0], cgt_location="A1")
    assert "one order" in json.dumps(sent(plant, mixed)["errors"])
    assert step_of(center, journey, "start").state == "ready"
    alone = sent(plant, begun)["errors"][0]
    assert alone["status"] == 403 and "person" in alone["detail"], "a machine does not answer for a batch"
    operator = {"username": world.player("maker", "operator").username, "password": PASSWORD}
    job = sent(plant, begun | {"cgt:signature": operator})
    assert job["success"], job["errors"]
    assert step_of(center, journey, "start").state == "done"

    assert journey.run(before="store") == "store"
    product = [code for code, state in bags(center, journey, "drug_product").items() if state == "accepted"]
    lab = system(world, "center", "cell_lab_technologist")
    places = {uri("container", code): f"Tank 2 / {number}" for number, code in enumerate(product)}
    job = sent(lab, event("storing", *places, cgt_location=places))
    assert job["success"], job["errors"]
    assert set(bags(center, journey, "drug_product").values()) == {"stored"}
    assert [one["bizStep"] for one in told(center, journey)][-1] == "storing"


def test_two_patients_bags_in_one_manufacture_stop_the_line(world: World, center: Player) -> None:
    journey, other = world.journey(), world.journey()
    other.run(before="start")
    journey.run(before="start")
    mine, foreign = (list(bags(center, one, "starting_material")) for one in (journey, other))
    operator = {"username": world.player("maker", "operator").username, "password": PASSWORD}
    things = [uri("container", code) for code in (*mine, foreign[0])]
    mixed = event("commissioning", *things, kind="TransformationEvent", cgt_batchRecord="BR-78", cgt_signature=operator)
    job = sent(system(world, "maker", "operator"), mixed)
    assert not job["success"] and job["errors"][0]["title"].startswith("Stop"), job["errors"]
    assert step_of(center, journey, "start").state == "ready"
    assert "custody.identity_mismatch" in kinds_of_events(center, journey)
    with reading(center.actor):
        stopped = custody.identity_of(center.actor, order_of(center, journey).stream_id)
    assert stopped is not None and stopped.state == "under_query"


def test_a_job_whose_server_is_gone_says_so() -> None:
    now = timezone.now()
    job = EpcisCapture(behavior="rollback", event_count=2, received_at=now)
    assert job_document(job)["running"] and not job_document(job)["success"]
    job.received_at = now - GIVEN_UP - dt.timedelta(seconds=1)
    told = job_document(job)
    assert (told["running"], told["success"]) == (False, False) and "not done twice" in told["errors"][0]["title"]


def test_a_neighbor_neither_reaches_the_box_nor_the_job(
    world: World, packed: Journey, center: Player, carrier: Partner
) -> None:
    box, _ = box_of(center, packed)
    mine = sent(carrier, event("void_shipping", uri("box", box), cgt_failure="not_ready"))
    stranger = system(world, "next_center", "coordinator")
    job = sent(stranger, event("void_shipping", uri("box", box), cgt_failure="damaged"))
    assert job["errors"][0]["code"] == "unknown_identifier", "as if there were none"
    problem(stranger.get(f"epcis/capture/{mine['captureID']}"), 404, "not_found")
    problem(stranger.get("epcis/capture/x"), 404, "not_found")
    assert [one["captureID"] for one in stranger.get("epcis/capture").json()["captureJobs"]] == [job["captureID"]]
    assert kinds_of_events(center, packed).count("orders.pickup_failed") == 1
    wrong_persona = sent(system(world, "center", "coordinator"), event("void_shipping", box, cgt_failure="damaged"))
    assert wrong_persona["errors"][0]["status"] == 403


def test_jobs_come_page_by_page_newest_first(packed: Journey, center: Player, carrier: Partner) -> None:
    box, _ = box_of(center, packed)
    reports = [event("void_shipping", box, cgt_failure="other", cgt_note=f"Report {n}") for n in range(3)]
    ids = [sent(carrier, one)["captureID"] for one in reports]
    first = carrier.get("epcis/capture?perPage=2")
    assert [one["captureID"] for one in first.json()["captureJobs"]] == [ids[2], ids[1]]
    following = first["Link"].partition("<")[2].partition(">")[0].removeprefix("http://testserver")
    rest = carrier.get(following)
    assert [one["captureID"] for one in rest.json()["captureJobs"]] == [ids[0]] and "Link" not in rest.headers
    assert carrier.get("epcis/capture?nextPageToken=abc").status_code == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bizStep": "killing"}, "bizStep"),
        ({"type": "AssociationEvent"}, "bizStep"),
        ({"action": "ADD"}, "action"),
        ({"epcList": []}, "epcList"),
        ({"epcList": ["a", "a"]}, "epcList"),
        ({"epcList": [{"id": "a"}]}, "epcList"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": "2030-01-31T14:05:00"}, "eventTime"),
        ({"eventTime": "2030-02-31T14:05:00Z"}, "eventTime"),
        ({"eventTimeZoneOffset": "CET"}, "eventTimeZoneOffset"),
        ({"eventID": 7}, "eventID"),
    ],
)
def test_an_event_that_cannot_be_read_says_which_field(carrier: Partner, change: dict[str, Any], field: str) -> None:
    job = sent(carrier, event("void_shipping", "SHP-1") | change)
    assert field in job["errors"][0]["fields"] and job["cgt:done"] == []


@pytest.mark.parametrize(
    ("change", "field", "path"),
    [
        ({"bizStep": "sampling", "action": "ADD"}, "bizStep", "orders/{code}/lineage"),
        ({"bizStep": "repackaging"}, "bizStep", "shipments/{box}/swaps"),
        ({"type": "TransformationEvent", "bizStep": "replacing"}, "bizStep", "orders/{code}/lineage"),
        (
            {"type": "TransformationEvent", "bizStep": "commissioning", "inputEPCList": ["A"], "outputEPCList": ["B"]},
            "outputEPCList",
            "orders/{code}/lineage",
        ),
    ],
)
def test_what_is_no_act_of_capture_is_refused_with_the_act_to_use(
    carrier: Partner, change: dict[str, Any], field: str, path: str
) -> None:
    """Conversions have acts of their own; each that is named can be called."""
    job = sent(carrier, event("void_shipping", "SHP-1") | change)
    (words,) = job["errors"][0]["fields"][field]
    assert f"POST /api/v1/orders/{{code}}/{path.removeprefix('orders/{code}/')}" in words and job["cgt:done"] == []
    for address in re.findall(r"POST (/api/v1/[^ ,.]*)", words):
        assert resolve(address.format(code="CT-AAAA-AAAA", container="C", box="B"))


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"type": "EPCISQueryDocument"}, 400, "ValidationException"),
        ({"type": "EPCISDocument", "epcisBody": {"eventList": []}}, 400, "ValidationException"),
        ({"type": "EPCISDocument", "epcisBody": []}, 400, "ValidationException"),
        (document(*[1] * 101), 413, "CaptureLimitExceededException"),
    ],
)
def test_another_document_is_refused_whole(carrier: Partner, body: Any, status: int, word: str) -> None:
    answer = carrier.post("epcis/capture", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"epcisException:{word}")
    assert answer["GS1-EPCIS-Capture-Limit"] == "100"
    assert carrier.get("epcis/capture").json()["captureJobs"] == []
    assert sent(carrier, 7)["errors"][0]["fields"], "no object at all"


def test_an_unknown_behavior_is_refused(carrier: Partner) -> None:
    answer = carrier.post("epcis/capture", document(1), **{"GS1-Capture-Error-Behaviour": "maybe"})
    assert answer.status_code == 400 and "GS1-Capture-Error-Behaviour" in answer.json()["fields"]


def at_opening(celsius: float) -> dict[str, Any]:
    return {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": celsius, "uom": "CEL"}]}]}


def both_sign(one: Player, other: Player, scan: str) -> dict[str, Any]:
    """The credentials of two people in the lab."""
    return {
        "cgt:signature": {"username": one.username, "password": PASSWORD},
        "cgt:verifiers": [{"username": other.username, "password": PASSWORD, "scan": scan}],
    }


def test_a_labs_system_tells_of_receipt_thaw_and_infusion(world: World, center: Player) -> None:
    journey, lab = world.journey(), system(world, "center", "cell_lab_technologist")
    journey.run(before="receive_product")
    product = list(bags(center, journey, "drug_product"))
    people = [world.player("center", "cell_lab_technologist", number) for number in (1, 2)]
    uris = [uri("container", code) for code in product]
    unsigned = event("accepting", *uris) | at_opening(-150.0)
    assert not sent(lab, unsigned)["success"], "a key alone receives nothing"
    told_no = sent(lab, event("accepting", *uris) | both_sign(*people, ", ".join(product)))
    assert "temperature_c" in told_no["errors"][0]["fields"], "what was measured at opening is part of it"
    assert sent(lab, unsigned | both_sign(*people, ", ".join(product)))["success"]
    assert step_of(center, journey, "receive_product").state == "done"
    journey.run(before="thaw")
    assert sent(lab, event("other", *uris))["success"]
    assert set(bags(center, journey, "drug_product").values()) == {"thawed"}
    journey.run(before="infuse")
    ward, nurse = system(world, "center", "infusion_nurse"), world.player("center", "infusion_nurse")
    started = timezone.now().isoformat()
    given = {"action": "DELETE", "disposition": "dispensed", "cgt:started": started, "cgt:milliliters": "60"}
    signature = {"cgt:signature": {"username": nurse.username, "password": PASSWORD}}
    assert not sent(ward, event("dispensing", uris[0]) | given)["success"], "nobody signed"
    assert not sent(ward, event("dispensing", uris[0]) | given | signature | {"action": "OBSERVE"})["success"]
    assert not sent(ward, event("dispensing", *uris) | given | signature)["success"], "bag by bag"
    for one in uris:
        assert sent(ward, event("dispensing", one) | given | signature)["success"]
    assert set(bags(center, journey, "drug_product").values()) == {"infused"}
    assert step_of(center, journey, "infuse").state == "done"


@pytest.mark.story("CR3")
def test_a_leg_of_the_way_is_no_hand_over(world: World, packed: Journey, center: Player, carrier: Partner) -> None:
    """A courier's standard ``departing`` and ``arriving`` say where the box is; nobody else has it by them."""
    box, seal = box_of(center, packed)
    hands = signed(world, ("center", "cell_lab_technologist"), box)
    refused = sent(carrier, event("departing", uri("box", box), cgt_leg=1, cgt_seal=seal, **hands))
    assert not refused["success"] and step_of(center, packed, "pickup").state == "ready"
    assert sent(carrier, event("shipping", uri("box", box), cgt_seal=seal, **hands))["success"]
    signed_for = signed(world, ("courier", "courier_driver"), box)
    job = sent(carrier, event("arriving", uri("box", box), cgt_leg=1, cgt_seal=seal, **signed_for))
    assert "leg" in job["errors"][0]["fields"], "the lane of this journey has no legs"
    assert step_of(center, packed, "delivery").state == "ready"
    assert set(bags(center, packed, "starting_material").values()) == {"in_transit"}


def packing(inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The aggregation that a partner's packing bench sends of the step's own inputs."""
    said = {"type": "AggregationEvent", "action": "ADD", "bizStep": "packing", "disposition": "container_closed"}
    said |= {"eventTime": timezone.now().isoformat(), "eventTimeZoneOffset": "+00:00"}
    said |= {"parentID": inputs["shipper_code"], "childEPCs": [uri("container", b["scan"]) for b in inputs["bags"]]}
    said |= {"cgt:seal": inputs["seal_code"], "cgt:logger": inputs["logger_code"], "cgt:loggerRunning": True}
    said |= {"cgt:checklist": inputs.get("checklist", [])}
    signature = {"cgt:signature": inputs["signature"]} if "signature" in inputs else {}
    return said | signature | more


@pytest.mark.story("AP2", "CL6")
def test_a_packing_bench_tells_what_it_closed(world: World, center: Player) -> None:
    journey = world.journey()
    journey.run(before="pack")
    player, _, inputs = journey.prepared("pack")
    bench = system(world, "center", "cell_lab_technologist")
    assert player.actor.organization_id == world.center.pk
    whole = packing(inputs, eventID="urn:uuid:closed-1")
    for change, field in (
        ({"parentID": ""}, "parentID"),
        ({"action": "OBSERVE"}, "action"),
        ({"childEPCs": []}, "childEPCs"),
        ({"cgt:seal": ""}, "seal_code"),
        ({"childEPCs": [NOWHERE]}, "childEPCs"),
    ):
        error = sent(bench, whole | {"eventID": "", **change})["errors"][0]
        assert field in error["fields"], (field, error)
    off = sent(bench, whole | {"eventID": "", "cgt:loggerRunning": False})["errors"][0]
    assert "logger" in off["detail"] and off["status"] == 422, off
    assert not sent(system(world, "courier", "courier_driver"), whole)["success"], "a courier packs nothing"
    assert step_of(center, journey, "pack").state == "ready"
    for _ in range(2):
        job = sent(bench, whole)
        assert job["success"], job["errors"]
    (done,) = job["cgt:done"]
    box, seal = box_of(center, journey)
    assert done == {"event": 1, "order": journey.code, "act": "packed", "box": box}
    assert seal == inputs["seal_code"] and step_of(center, journey, "pack").state == "done"
    (said,) = [one for one in told(center, journey) if one["type"] == "AggregationEvent"]
    assert said["childEPCs"] == whole["childEPCs"] and said["parentID"] == uri("box", box)
    hands = signed(world, ("center", "cell_lab_technologist"), box)
    carrier = system(world, "courier", "courier_driver")
    assert sent(carrier, event("shipping", uri("box", box), cgt_seal=seal, **hands))["success"]


def test_a_plants_bench_packs_product_for_the_center(world: World, center: Player) -> None:
    journey = world.journey()
    journey.run(before="ship")
    _, _, inputs = journey.prepared("ship")
    bench = system(world, "maker", "operator")
    answer = bench.post("epcis/events", packing(inputs))
    assert answer.status_code == 201, answer.content
    assert step_of(center, journey, "ship").state == "done" and answer.json()["act"] == "packed"
    closed = [one for one in told(center, journey) if one["bizStep"] == "packing" and one["type"] == "ObjectEvent"]
    assert closed[-1]["epcList"] == [uri("box", answer.json()["box"])]
