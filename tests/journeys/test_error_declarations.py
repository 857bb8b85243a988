"""A partner declares wrong what its system sent: a case beside the record, never a hole in it."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from ledger.refusals import FactsMissing
from orders.epcis import documents
from orders.epcis.identifiers import uri
from personas.models import Membership
from quality.actions.deviations import close_deviation
from tests.api.conftest import Partner
from tests.journeys.conftest import refused
from tests.journeys.telling import events, told
from tests.journeys.test_captures import box_of, event, sent, signed, system
from tests.journeys.test_epcis import told as told_in_epcis
from tests.journeys.watching import bags, kinds_of_events, open_deviations, step_of
from tests.journeys.world import World
from tests.orders.epcis.validation import faults
from tests.personas.conftest import signed_in

NAME = "urn:uuid:0b1d9d3e-5a9c-4d0e-9a1b-000000000001"


def wrong(sent_before: dict[str, Any], reason: str = "did_not_occur", **more: Any) -> dict[str, Any]:
    declaration = {"declarationTime": timezone.now().isoformat(), "reason": reason}
    return sent_before | {"errorDeclaration": declaration | more}


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


@pytest.fixture
def failed(packed: Journey, center: Player, carrier: Partner) -> dict[str, Any]:
    """A failed pickup that the courier's system sent under an id of its own."""
    box, _ = box_of(center, packed)
    said = event("void_shipping", uri("box", box), cgt_failure="not_ready", eventID=NAME)
    assert sent(carrier, said)["success"]
    return said


def named(center: Player, journey: Journey, step: str) -> list[dict[str, Any]]:
    return [one for one in told_in_epcis(center, journey) if one["bizStep"] == step]


@pytest.mark.story("AP2", "RG6")
def test_what_a_partner_declares_wrong_stands_beside_it_and_opens_a_case(
    world: World, packed: Journey, center: Player, carrier: Partner, failed: dict[str, Any]
) -> None:
    before = open_deviations(world.player("center", "site_quality"), packed)
    job = sent(carrier, wrong(failed, **{"cgt:note": "The driver scanned the wrong entry."}))
    assert job["success"], job["errors"]
    assert [(one["act"], one["order"]) for one in job["cgt:done"]] == [("declared_wrong", packed.code)]
    opened = [one for one in open_deviations(world.player("center", "site_quality"), packed) if one not in before]
    assert [(one.kind, one.severity, one.automatic) for one in opened] == [("declared_wrong", "critical", True)]
    assert "did not occur" in opened[0].text and "wrong entry" in opened[0].text and "Pickup failed" in opened[0].text
    assert kinds_of_events(center, packed).count("orders.pickup_failed") == 1, "what is on the record stays"
    (said,) = events(center, packed, "orders.error_declared")
    assert said.reason == "The driver scanned the wrong entry." and said.key_name
    heard = told(world.center.pk, said)
    assert heard[world.player("center", "site_quality").username].critical
    plain, declared = named(center, packed, "void_shipping")
    assert plain["eventID"] == declared["eventID"] and "errorDeclaration" not in plain
    assert declared["errorDeclaration"]["reason"] == "did_not_occur"
    differing = ("errorDeclaration", "recordTime")
    assert {k: v for k, v in plain.items() if k not in differing} == {
        k: v for k, v in declared.items() if k not in differing
    }
    assert faults(documents.document([plain, declared])) == [] == faults(documents.alone(declared))


def test_the_declaration_comes_out_as_it_went_in_and_goes_in_again_once(
    world: World, packed: Journey, center: Player, carrier: Partner, failed: dict[str, Any]
) -> None:
    """Corrected by an event of the same document; declared by its exported text once more, nothing is added."""
    box, _ = box_of(center, packed)
    right = event("void_shipping", uri("box", box), cgt_failure="nobody_there", eventID=f"{NAME}-right")
    at = (timezone.now() - dt.timedelta(milliseconds=5)).isoformat()
    declaration = wrong(failed, "incorrect_data", declarationTime=at, correctiveEventIDs=[right["eventID"]])
    job = sent(carrier, right, declaration)
    assert job["success"], job["errors"]
    query = "epcis/events?EQ_bizStep=void_shipping&EXISTS_errorDeclaration=true"
    answer = carrier.get(query)
    (declared,) = [
        one for one in answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"] if box in str(one)
    ]
    first, second = [one for one in named(center, packed, "void_shipping") if "errorDeclaration" not in one]
    said = declared["errorDeclaration"]
    assert declared["eventID"] == first["eventID"] and said["correctiveEventIDs"] == [second["eventID"]]
    assert said["declarationTime"][:23] == dt.datetime.fromisoformat(at).isoformat(timespec="milliseconds")[:23]
    assert faults(answer.json()) == []
    again = sent(carrier, declared)
    assert again["success"], again["errors"]
    assert sent(carrier, declaration)["success"]
    assert kinds_of_events(center, packed).count("orders.error_declared") == 1
    other = sent(carrier, wrong(failed))
    assert (other["errors"][0]["status"], other["errors"][0]["code"]) == (409, "declared_wrong_already")
    assert other["errors"][0]["remedy"]
    alone = carrier.get(f"epcis/events/{first['eventID'].replace('/', '%2F').replace('?', '%3F')}").json()
    assert alone["errorDeclaration"] == said, "who asks for the event by its id learns that it is wrong"


def test_only_who_sent_an_event_declares_it_wrong_and_only_as_it_was(
    world: World, packed: Journey, center: Player, carrier: Partner, failed: dict[str, Any]
) -> None:
    before = kinds_of_events(center, packed)
    (seen,) = named(center, packed, "void_shipping")
    lab = system(world, "center", "cell_lab_technologist")
    carrier.get("epcis/events?EQ_bizStep=void_shipping"), lab.get("epcis/events?EQ_bizStep=void_shipping")
    for partner in (lab, system(world, "next_center", "coordinator")):
        for said in (failed, seen):
            error = sent(partner, wrong(said))["errors"][0]
            assert (error["status"], error["code"]) == (400, "unknown_event") and "eventID" in error["fields"]
    assert sent(carrier, wrong(failed | {"eventID": "urn:uuid:another"}))["errors"][0]["code"] == "unknown_event"
    changed = sent(carrier, wrong(failed | {"cgt:failure": "damaged"}))["errors"][0]
    assert "eventID" in changed["fields"]
    assert "eventID" in sent(carrier, wrong(seen | {"cgt:failure": "Damaged"}))["errors"][0]["fields"]
    unknown = sent(carrier, wrong(failed, correctiveEventIDs=["urn:uuid:nowhere"]))["errors"][0]
    assert unknown["code"] == "unknown_event" and "errorDeclaration" in unknown["fields"]
    itself = sent(carrier, wrong(failed, correctiveEventIDs=[NAME]))["errors"][0]
    assert itself["code"] == "unknown_event"
    dispatcher = sent(system(world, "courier", "courier_dispatcher"), wrong(failed))["errors"][0]
    assert dispatcher["status"] == 403, "it takes who may do the act itself"
    assert kinds_of_events(center, packed) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"errorDeclaration": 7}, "errorDeclaration"),
        ({"errorDeclaration": {"reason": "did_not_occur"}}, "errorDeclaration"),
        ({"errorDeclaration": {"declarationTime": "2020-01-31T14:05:00Z"}}, "errorDeclaration"),
        ({"errorDeclaration": {"declarationTime": "2020-01-31T14:05:00Z", "reason": "oops"}}, "errorDeclaration"),
        ({"errorDeclaration": {"declarationTime": "x", "reason": "did_not_occur"}}, "errorDeclaration"),
        ({"errorDeclaration": {"declarationTime": "2020-01-31T14:05Z", "reason": "did_not_occur"}}, "errorDeclaration"),
        ({"errorDeclaration": {"declarationTime": "2999-01-31T14:05Z", "reason": "did_not_occur"}}, "errorDeclaration"),
        ({"eventID": ""}, "eventID"),
        ({"eventID": ["x"]}, "eventID"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_read_says_which_field(
    packed: Journey, center: Player, carrier: Partner, failed: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    job = sent(carrier, wrong(failed) | change)
    assert field in job["errors"][0]["fields"] and job["cgt:done"] == [], job
    assert "orders.error_declared" not in kinds_of_events(center, packed)


def test_a_hand_over_that_was_signed_stays_until_people_put_it_right(
    world: World, packed: Journey, center: Player, carrier: Partner
) -> None:
    """A single event does it, too; a courier reads the declaration about its box and nothing of what is inside."""
    box, seal = box_of(center, packed)
    hands = signed(world, ("center", "cell_lab_technologist"), box)
    taken = event("shipping", box, cgt_seal=seal, eventID=NAME, **hands)
    assert carrier.post("epcis/events", taken).status_code == 201
    said = {name: value for name, value in taken.items() if name not in ("cgt:signature", "cgt:verifiers")}
    answer = carrier.post("epcis/events", wrong(said, "incorrect_data"))
    assert (answer.status_code, answer.json()) == (201, {"order": packed.code, "act": "declared_wrong"}), answer.content
    assert step_of(center, packed, "pickup").state == "done"
    assert set(bags(center, packed, "starting_material").values()) == {"in_transit"}
    assert "major" in {one.severity for one in open_deviations(world.player("center", "site_quality"), packed)}
    found = carrier.get("epcis/events?EQ_errorReason=incorrect_data&EQ_bizStep=shipping").json()
    declared = [one for one in found["epcisBody"]["queryResults"]["resultsBody"]["eventList"] if box in str(one)]
    assert [one["epcList"] for one in declared] == [[uri("box", box)]]
    day = timezone.now() + dt.timedelta(days=1)
    later = carrier.get(f"epcis/events?EXISTS_errorDeclaration=true&GE_eventTime={day:%Y-%m-%dT%H:%M:%SZ}").json()
    assert later["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []


@pytest.mark.story("QA1", "CO8")
def test_both_sites_read_it_on_the_orders_page_and_nothing_is_released_until_quality_closes_it(
    world: World, packed: Journey, center: Player, carrier: Partner, failed: dict[str, Any]
) -> None:
    packed.run(before="release")
    assert sent(carrier, wrong(failed))["success"]
    found = open_deviations(world.player("maker", "qa_reviewer"), packed)
    (case,) = [one for one in found if one.kind == "declared_wrong"]
    told_here = "an event of this order did not occur"

    def page(organization: str, persona: str) -> str:
        member = Membership.unwalled.get(pk=world.player(organization, persona).actor.membership_id)
        answer = signed_in(member).get(f"/orders/{packed.code}/")
        return html.unescape(answer.content.decode()) if answer.status_code == 200 else str(answer.status_code)

    both = (("center", "coordinator"), ("center", "treating_physician"), ("maker", "planner"), ("maker", "qa_reviewer"))
    for who in both:
        assert told_here in page(*who) and case.text in page(*who), who
    assert told_here not in page("courier", "courier_dispatcher") and case.number not in page(
        "courier", "courier_driver"
    )
    assert page("next_center", "coordinator") == "404" == page("next_maker", "qa_reviewer")
    with refused(FactsMissing) as refusal:
        packed.perform("release")
    assert case.number in str([fact.text for fact in refusal.value.facts])
    quality = world.player("maker", "qa_reviewer").actor
    words = "The driver scanned the wrong entry; the box was picked up later."
    for one in found:
        close_deviation(quality, one.pk, conclusion=words, person_id=quality.person_id)
    for who in both:
        assert told_here not in page(*who), who
    assert packed.perform("release").state == "done"
