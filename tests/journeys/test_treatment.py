"""At the center: what arrives in parts, what is too old to give, what was given once, and the end of an order."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo import clock
from cgt.demo.journey import Journey
from custody import labels, material
from custody.queries import labels_of
from custody.schemes import printed
from custody.states import ContainerState
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, WrongState
from orders import flow
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.interruptions import cancel, repeat_step
from orders.states import OrderState
from personas.models import User
from quality.actions.deviations import close_deviation
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.destroying import destroy
from tests.journeys.labeling import scan_all_back
from tests.journeys.watching import bags, open_deviations, order_of, step_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in


def facts_of(refusal: Any) -> set[str]:
    return {fact.code for fact in refusal.value.facts}


def product(world: World, journey: Journey) -> dict[str, str]:
    return bags(world.player("center", "coordinator"), journey, "drug_product")


def receive(world: World, journey: Journey, *received: dict[str, str], temperature: str = "-150") -> Any:
    first, second = (world.player("center", "cell_lab_technologist", n) for n in (1, 2))
    verifier = {"username": second.username, "password": PASSWORD, "scan": ", ".join(bag["scan"] for bag in received)}
    changes = {"bags": list(received), "temperature_c": temperature, "verifiers": [verifier]}
    return journey.perform("receive_product", changes, first)


@pytest.mark.story("CL2")
def test_two_bags_may_be_received_one_after_the_other(world: World) -> None:
    journey = world.journey()
    journey.run(before="receive_product")
    one, two = product(world, journey)
    first = receive(world, journey, {"scan": one, "decision": "accept"})
    assert (first.state, list(product(world, journey).values())) == ("ready", ["accepted", "in_transit"])
    assert journey.next_step().key == "receive_product"  # type: ignore[union-attr]
    with refused(InvalidInput, "wrong_bag"):
        journey.perform("receive_product", {"bags": [{"scan": one, "decision": "accept"}]})
    second = receive(world, journey, {"scan": two, "decision": "accept"})
    assert (second.state, list(product(world, journey).values())) == ("done", ["accepted", "accepted"])
    assert second.attempt == first.attempt and second.version > first.version


@pytest.mark.story("TP2")
def test_no_lymphodepletion_until_every_bag_of_the_dose_is_accepted(world: World) -> None:
    journey, quality = world.journey(), world.player("center", "site_quality")
    journey.run(before="receive_product")
    one, two = product(world, journey)
    receive(
        world,
        journey,
        {"scan": one, "decision": "accept"},
        {"scan": two, "decision": "quarantine", "reason": "Frost on the port."},
    )
    journey.run(before="ld_go")
    with refused(FactsMissing) as refusal:
        journey.perform("ld_go")
    assert facts_of(refusal) == {"product_not_accepted"} and "1 of 2" in refusal.value.detail

    (deviation,) = open_deviations(quality, journey)
    close_deviation(quality.actor, deviation.pk, conclusion="Frost on the outside only.")
    decide_on_quarantine(quality.actor, journey.code, two, "release", "Port is intact.")
    assert product(world, journey) == {one: ContainerState.STORED, two: ContainerState.ACCEPTED}
    repeat_step(world.player("center", "cell_lab_technologist").actor, journey.code, "store", "The second bag")
    assert journey.run() == ""
    assert product(world, journey) == {one: ContainerState.INFUSED, two: ContainerState.INFUSED}


@pytest.mark.story("CL2")
def test_a_bag_that_two_people_reject_is_not_given(world: World) -> None:
    journey = world.journey()
    journey.run(before="receive_product")
    one, two = product(world, journey)
    with refused(InvalidInput) as refusal:
        receive(world, journey, {"scan": one, "decision": "reject"}, {"scan": two, "decision": "accept"})
    assert "Say why" in str(refusal.value.fields["bags"])
    torn = {"scan": one, "decision": "reject", "reason": "The port is torn."}
    receive(world, journey, torn, {"scan": two, "decision": "accept"})
    assert product(world, journey) == {one: ContainerState.REJECTED, two: ContainerState.ACCEPTED}
    (deviation,) = open_deviations(world.player("maker", "qa_reviewer"), journey)
    assert deviation.automatic and "The port is torn." in deviation.text
    journey.run(before="ld_go")
    with refused(FactsMissing) as refusal:
        journey.perform("ld_go")
    assert facts_of(refusal) == {"product_not_accepted"}


def test_product_that_arrives_too_warm_is_put_aside_whatever_people_decide(world: World) -> None:
    journey = world.journey()
    journey.run(before="receive_product")
    one, two = product(world, journey)
    accept = [{"scan": code, "decision": "accept"} for code in (one, two)]
    receive(world, journey, *accept, temperature="-90")
    assert set(product(world, journey).values()) == {ContainerState.QUARANTINED}
    found = open_deviations(world.player("maker", "qa_reviewer"), journey)
    assert len(found) == 2 and "Too warm" in found[0].text
    with refused(FactsMissing) as refusal:
        journey.perform("store", {"bags": [{"scan": one, "location": "Tank 1"}]})
    assert facts_of(refusal) == {"material_quarantined"}


@pytest.mark.story("IN1")
def test_product_past_its_time_is_not_given_and_is_destroyed(world: World) -> None:
    journey, quality = world.journey(), world.player("center", "site_quality")
    journey.run(before="bedside")
    one, two = product(world, journey)
    with clock.at(timezone.now() + dt.timedelta(minutes=181)):
        with refused(FactsMissing) as refusal:
            journey.perform("bedside")
        assert facts_of(refusal) == {"product_expired"}
        assert step_of(quality, journey, "bedside").state == "ready"
        with refused(NotAllowed):
            destroy(world.player("center", "infusion_nurse"), quality, journey.code, one)
        for code in (one, two):
            destroy(quality, world.player("center", "cell_lab_technologist"), journey.code, code)
        assert set(product(world, journey).values()) == {ContainerState.DESTROYED}
        with refused(FactsMissing) as refusal:
            journey.perform(
                "bedside",
                {"bags": [{"scan": one}], "verifiers": [_second_nurse(world, one)]},
                world.player("center", "infusion_nurse"),
            )
        assert facts_of(refusal) == {"nothing_thawed"}
        with refused(WrongState):
            destroy(quality, world.player("center", "site_quality", 2), journey.code, one)
        cancel(world.player("center", "coordinator").actor, journey.code, "The product was lost.")


@pytest.mark.story("IN1")
def test_the_page_says_stop_and_does_not_call_to_go_on_with_product_past_its_time(world: World) -> None:
    journey = world.journey()
    journey.run(before="bedside")
    codes, nurse = list(product(world, journey)), world.player("center", "infusion_nurse")
    wristband = printed(order_of(nurse, journey).identity_code)
    second = _second_nurse(world, ",".join([wristband, *codes]))
    form = {"wristband": wristband, "patient_said": "matches", "signature.password": PASSWORD, "once": journey.code}
    form |= {f"bags[{place}]scan": code for place, code in enumerate(codes)}
    form |= {f"verifiers[0]{name}": value for name, value in second.items()}
    with clock.at(timezone.now() + dt.timedelta(minutes=181)):
        client = signed_in(User.objects.get(username=nurse.username).memberships.get())
        answer = client.post(f"/orders/{journey.code}/steps/bedside/", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Stop: the product is past its time of use" in page and "Do not infuse." in page
    assert "act again" not in page and "must be in place first" not in page


def _second_nurse(world: World, scan: str) -> dict[str, str]:
    return {"username": world.player("center", "infusion_nurse", 2).username, "password": PASSWORD, "scan": scan}


@pytest.mark.story("IN2")
def test_a_bag_is_infused_once(world: World) -> None:
    journey = world.journey()
    journey.run(before="infuse")
    one, two = product(world, journey)
    first = journey.perform("infuse", {"scan": one})
    assert (first.state, product(world, journey)) == ("ready", {one: "infused", two: "thawed"})
    with refused(InvalidInput, "wrong_bag") as refusal:
        journey.perform("infuse", {"scan": one})
    assert two in refusal.value.detail, "it says which bag is expected"
    assert journey.perform("infuse", {"scan": two}).state == "done"
    nurse, now = world.player("center", "infusion_nurse"), timezone.now().isoformat()
    again = {"scan": two, "result": "infused", "volume_ml": "60", "started_at": now, "ended_at": now}
    again["signature"] = {"password": PASSWORD}  # type: ignore[assignment]
    with refused(WrongState, "step_not_ready"):
        flow.perform(nurse.actor, journey.code, "infuse", again)
    with refused(FactsMissing):
        cancel(world.player("center", "coordinator").actor, journey.code, "Too late")


@pytest.mark.story("IN2")
def test_a_bag_that_was_not_given_is_accounted_for(world: World) -> None:
    journey = world.journey()
    journey.run(before="infuse")
    one, two = product(world, journey)
    journey.perform("infuse", {"scan": one, "result": "destroyed", "volume_ml": "0", "remark": "The bag leaked."})
    journey.perform("infuse", {"scan": two, "result": "expired", "volume_ml": "0", "remark": "Waited too long."})
    assert product(world, journey) == {one: ContainerState.DESTROYED, two: ContainerState.EXPIRED}
    with refused(FactsMissing) as refusal:
        journey.perform("close")
    assert facts_of(refusal) == {"bag_not_terminal"} and two in refusal.value.facts[0].text
    destroy(world.player("center", "site_quality"), world.player("center", "site_quality", 2), journey.code, two)
    assert journey.run() == ""


@pytest.mark.story("AN3")
def test_an_order_is_not_closed_while_a_label_is_open(world: World) -> None:
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="thaw")
    stream_id = order_of(nurse, journey).stream_id
    with acting(nurse.actor, "orders.step_done", stream_id=stream_id):
        bag = material.of_stream(stream_id, "drug_product")[0]
        (printed,) = labels.print_labels(stream_id, [bag], "product", reason="Smeared", printing=None)
        void = labels_of(nurse.actor, stream_id).get(state="void")
        labels.print_labels(stream_id, [bag], "product", reason="Torn", printing=None)
    scan_all_back(journey, nurse, world.player("center", "apheresis_nurse", 2))
    journey.run(before="close")

    with refused(InvalidInput) as refusal:
        journey.perform("close")
    assert printed.serial in str(refusal.value.fields["labels"])
    with refused(InvalidInput) as refusal:
        journey.perform("close", {"labels": [{"serial": "NO-SUCH-LABEL", "became": "destroyed"}]})
    assert order_of(nurse, journey).state == OrderState.OPEN
    ended = [{"serial": printed.serial, "became": "destroyed"}]
    with refused(InvalidInput) as refusal:
        journey.perform("close", {"labels": ended})
    assert void.serial in str(refusal.value.fields["labels"]), "the voided label lies about somewhere"
    journey.perform("close", {"labels": [*ended, {"serial": void.serial, "became": "returned"}]})
    assert order_of(nurse, journey).state == OrderState.CLOSED
    with reading(nurse.actor):
        assert {"printed", "void"}.isdisjoint(labels_of(nurse.actor, stream_id).values_list("state", flat=True))


def test_the_gene_therapy_waits_for_the_weight_and_for_its_own_dose(world: World) -> None:
    journey, physician = world.journey("in_vivo"), world.player("center", "treating_physician")
    journey.run(before="eligibility")
    failed = journey.perform("eligibility", {"weight_kg": "40"})
    assert (failed.state, journey.next_step().attempt) == ("failed", 2)  # type: ignore[union-attr]
    journey.run(before="go")
    waits = journey.perform("go", {"decision": "wait", "reason": "Cold."}, physician)
    assert (waits.state, journey.next_step().key) == ("failed", "go")  # type: ignore[union-attr]
    assert journey.run() == ""
