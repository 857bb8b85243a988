"""Who signs: different human beings, each with their own right and password, and never a key alone."""

from __future__ import annotations

from typing import Any

import pytest

from cgt.demo.journey import Journey, Player
from ledger.context import Actor, reading
from ledger.models import Event
from ledger.queries import signatures_of
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed
from network.actions.places import authorize_site, suspend_site
from orders import flow, flow_files
from personas.actions.people import issue_api_key
from personas.models import User
from personas.queries import actor_of_key
from personas.states import Capability
from tests.factories import PASSWORD, operator
from tests.journeys.conftest import refused
from tests.journeys.test_flow_engine import live, step
from tests.journeys.watching import bags, order_of, rows_through_the_wall, step_of
from tests.journeys.world import World


@pytest.fixture
def chair(world: World) -> Journey:
    journey = world.journey()
    journey.run(before="apply_labels")
    return journey


def labeled_by(world: World, journey: Journey, second: dict[str, Any], **first: str) -> Any:
    nurse = world.player("center", "apheresis_nurse")
    scan = list(bags(nurse, journey))[0]
    verifier = {"password": PASSWORD, "scan": scan, **second}
    signature = {"username": nurse.username, "password": PASSWORD, **first}
    return journey.perform("apply_labels", {"signature": signature, "verifiers": [verifier]}, nurse)


def record_of(world: World, journey: Journey) -> tuple[Any, dict[str, int], dict[str, str]]:
    """All that a refused step must leave as it was."""
    player = world.player("center", "coordinator")
    order = order_of(player, journey)
    with reading(player.actor):
        events = Event.unwalled.filter(stream_id=order.stream_id).count()
    return events, rows_through_the_wall(player.actor, order.stream_id), bags(player, journey)


@pytest.mark.story("AN1", "AN2")
def test_two_accounts_of_one_human_count_as_one(world: World, chair: Journey) -> None:
    person = User.objects.get(username=world.player("center", "apheresis_nurse").username).person
    twin = world.add("center", "apheresis_nurse", person=person)
    before = record_of(world, chair)
    with refused(FactsMissing, "second_person_needed"):
        labeled_by(world, chair, {"username": twin.username})
    assert record_of(world, chair) == before


def test_the_performer_cannot_be_the_second_person(world: World, chair: Journey) -> None:
    with refused(FactsMissing, "second_person_needed"):
        labeled_by(world, chair, {"username": world.player("center", "apheresis_nurse").username})


@pytest.mark.parametrize(
    ("organization", "persona"),
    [
        ("next_center", "apheresis_nurse"),
        ("maker", "operator"),
        ("center", "coordinator"),
        ("courier", "courier_driver"),
    ],
)
def test_the_second_person_has_the_right_at_this_center(
    world: World, chair: Journey, organization: str, persona: str
) -> None:
    before = record_of(world, chair)
    with refused(NotAllowed, "signer_not_allowed"):
        labeled_by(world, chair, {"username": world.player(organization, persona).username})
    assert record_of(world, chair) == before


@pytest.mark.parametrize("whose", ["first", "second", "unknown"])
def test_a_wrong_password_signs_nothing(world: World, chair: Journey, whose: str) -> None:
    second = {"username": world.player("center", "apheresis_nurse", 2).username}
    before = record_of(world, chair)
    with refused(InvalidInput, "signature_not_accepted") as refusal:
        if whose == "first":
            labeled_by(world, chair, second, password="Wrong-horse-1")
        else:
            second = {"username": "nobody@example.org"} if whose == "unknown" else second
            labeled_by(world, chair, {**second, "password": "Wrong-horse-1"})
    assert set(refusal.value.fields) == {"signature" if whose == "first" else "verifiers[0].password"}
    assert record_of(world, chair) == before
    right = {"username": world.player("center", "apheresis_nurse", 2).username}
    assert labeled_by(world, chair, right).state == "done"


def test_nobody_signs_with_a_colleagues_name(world: World, chair: Journey) -> None:
    colleague = world.player("center", "apheresis_nurse", 2).username
    with refused(NotAllowed, "signer_is_somebody_else"):
        labeled_by(world, chair, {"username": colleague}, username=colleague)


def test_both_signatures_stand_on_exactly_what_was_signed(world: World, chair: Journey) -> None:
    first, second = (world.player("center", "apheresis_nurse", n) for n in (1, 2))
    labeled_by(world, chair, {"username": second.username})
    order = order_of(first, chair)
    with reading(first.actor):
        event = Event.unwalled.filter(stream_id=order.stream_id).latest("seq")
        signed = list(signatures_of(first.actor, order.stream_id).filter(event=event).order_by("position"))
    assert [signature.person_id for signature in signed] == [first.actor.person_id, second.actor.person_id]
    assert [signature.meaning for signature in signed] == ["labels applied", "verified"]
    assert len({signature.content_hash for signature in signed}) == 1 and signed[0].zone == "Europe/Berlin"
    with reading(second.actor):
        assert step_of(second, chair, "apply_labels").done_by == first.actor.person_name


def key_of(world: World, organization: str, persona: str) -> Actor:
    owner = world.player(organization, persona)
    _, token = issue_api_key(
        operator(getattr(world, organization)),
        name="Partner system",
        persona_key=persona,
        scopes=Capability.values,
        responsible=User.objects.get(username=owner.username),
    )
    return actor_of_key(token)


def prescribe_with(actor: Actor, journey: Journey, **signature: Any) -> Any:
    return flow.perform(actor, journey.code, "prescribe", {"indication": "Relapsed lymphoma", **signature})


def test_a_key_alone_never_signs_but_carries_a_persons_signature(world: World) -> None:
    journey, physician = world.journey(), world.player("center", "treating_physician")
    journey.run(before="prescribe")
    key = key_of(world, "center", "treating_physician")
    before = record_of(world, journey)

    with refused(InvalidInput) as refusal:
        prescribe_with(key, journey)
    assert "signature" in refusal.value.fields
    with refused(NotAllowed, "key_cannot_sign"):
        prescribe_with(key, journey, signature={"password": PASSWORD})
    with refused(InvalidInput, "signature_not_accepted"):
        prescribe_with(key, journey, signature={"username": physician.username, "password": "Wrong-horse-1"})
    nurse: Player = world.player("center", "infusion_nurse")
    with refused(NotAllowed, "signer_not_allowed"):
        prescribe_with(key, journey, signature={"username": nurse.username, "password": PASSWORD})
    assert record_of(world, journey) == before

    done = prescribe_with(key, journey, signature={"username": physician.username, "password": PASSWORD})
    assert done.state == "done"
    with reading(physician.actor):
        event = Event.unwalled.get(pk=done.event)
        signature = signatures_of(physician.actor, event.stream_id).get(event=event)
    assert (event.key_name, event.person_id) == ("Partner system", None)
    assert signature.person_id == physician.actor.person_id


@pytest.mark.story("CO3")
def test_whoever_enrolled_cannot_activate_the_identity(world: World) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    with refused(FactsMissing, "facts_missing") as refusal:
        journey.perform("activate_coi", player=coordinator)
    assert [fact.code for fact in refusal.value.facts] == ["second_person_needed"]
    with refused(FactsMissing, "identity_differs"):
        journey.perform("activate_coi", {"mrn": "MRN-of-somebody-else"})
    assert journey.perform("activate_coi").state == "done"


def test_a_record_number_may_be_spelled_as_the_document_spells_it(world: World) -> None:
    journey = world.journey()
    mrn = journey.identity["mrn"]
    assert journey.perform("activate_coi", {"mrn": f"  {mrn.lower().replace('-', ' ')} "}).state == "done"


@pytest.mark.story("TP1")
def test_no_prescription_without_a_credential(world: World) -> None:
    journey = world.journey()
    journey.run(before="prescribe")
    colleague = world.add("center", "treating_physician")
    with reading(colleague.actor):  # said before anything is typed or signed
        (act,) = flow.next_actions(colleague.actor, flow.order_named(colleague.actor, journey.code))
    assert [fact.code for fact in act.missing] == ["not_credentialed"]
    with refused(FactsMissing) as refusal:
        journey.perform("prescribe", player=colleague)
    assert [fact.code for fact in refusal.value.facts] == ["not_credentialed"]


@pytest.mark.story("TP1")
def test_no_prescription_without_consent_or_for_a_site_that_is_suspended(world: World) -> None:
    definition = flow_files.shipped("autologous_car_t")
    step(definition, "prescribe")["after"] = ["eligibility"]  # a flow that does not wait for the consent by itself
    step(definition, "book")["after"] = ["prescribe", "consent"]
    live(world, definition)
    journey = world.journey()
    journey.run(until="activate_coi")
    journey.perform("eligibility")
    suspend_site(operator(world.maker), world.car_t, world.clinic, reason="Audit finding.")
    with refused(FactsMissing) as refusal:
        journey.perform("prescribe")
    assert [fact.code for fact in refusal.value.facts] == ["site_not_authorized", "consent_missing"]
    authorize_site(operator(world.maker), world.car_t, world.clinic)
    with refused(FactsMissing) as refusal:
        journey.perform("prescribe")
    assert [fact.code for fact in refusal.value.facts] == ["consent_missing"]
    journey.perform("consent")
    assert journey.perform("prescribe").state == "done"
