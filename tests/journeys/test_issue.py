"""Drug product is issued once, to the patient who is ready, and only what may be given."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cgt.demo import clock
from cgt.demo.journey import Journey
from custody import material
from custody.schemes import printed
from custody.states import ContainerState
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, WrongState
from quality import queries as quality
from quality.actions.releases import revoke_release
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.test_safety_faces import browser, key
from tests.journeys.watching import bags, order_of, step_of
from tests.journeys.world import World


@pytest.fixture
def ready(world: World) -> Journey:
    journey = world.journey()
    journey.run(before="issue")
    return journey


def product(world: World, journey: Journey) -> dict[str, str]:
    return bags(world.player("center", "coordinator"), journey, "drug_product")


def facts_of(refusal: Any) -> set[str]:
    return {fact.code for fact in refusal.value.facts}


def put_aside(world: World, journey: Journey, *codes: str) -> None:
    actor = world.player("center", "site_quality").actor
    stream_id = order_of(world.player("center", "site_quality"), journey).stream_id
    with acting(actor, "orders.step_done", stream_id=stream_id):
        for bag in material.of_stream(stream_id, "drug_product"):
            if bag.code in codes:
                material.quarantine(bag, "Tank alarm.")


@pytest.mark.story("PH1")
def test_bags_of_the_dose_are_issued_one_after_the_other_and_each_once(world: World, ready: Journey) -> None:
    one, two = product(world, ready)
    with refused(InvalidInput) as refusal:
        ready.perform("issue", {"patient_ready": "no"})
    assert "patient_ready" in refusal.value.fields
    with refused(InvalidInput):
        ready.perform("issue", {"bags": [{"scan": one}, {"scan": one}]})
    first = ready.perform("issue", {"bags": [{"scan": one}]})
    assert (first.state, first.summary) == ("ready", "1 of 2 bags of the dose issued.")
    with refused(InvalidInput, "wrong_bag"):
        ready.perform("issue", {"bags": [{"scan": one}]})
    with refused(WrongState, "step_not_ready"):
        ready.perform("thaw")
    second = ready.perform("issue", {"bags": [{"scan": two}]})
    assert second.state == "done" and "1 of 2, 2 of 2" in second.summary
    assert set(product(world, ready).values()) == {ContainerState.ISSUED}
    assert ready.run() == ""


def test_only_pharmacy_and_cell_lab_issue(world: World, ready: Journey) -> None:
    for persona in ("coordinator", "infusion_nurse", "treating_physician"):
        with refused(NotAllowed):
            ready.perform("issue", player=world.player("center", persona))
    pharmacist = world.add("center", "pharmacist")
    assert ready.perform("issue", player=pharmacist).state == "done"


def test_what_is_quarantined_is_not_issued(world: World, ready: Journey) -> None:
    one, two = product(world, ready)
    put_aside(world, ready, one)
    with refused(InvalidInput, "wrong_bag"):
        ready.perform("issue", {"bags": [{"scan": one}]})
    put_aside(world, ready, two)
    with refused(FactsMissing) as refusal:
        ready.perform("issue", {"bags": [{"scan": two}]})
    assert facts_of(refusal) == {"material_quarantined"}
    assert step_of(world.player("center", "coordinator"), ready, "issue").state == "ready"


def test_what_was_issued_and_put_aside_is_not_thawed(world: World, ready: Journey) -> None:
    one, two = product(world, ready)
    ready.perform("issue")
    put_aside(world, ready, one, two)
    with refused(FactsMissing) as refusal:
        ready.perform("thaw", {"bags": [{"scan": one}]})
    assert facts_of(refusal) == {"material_quarantined"}


def test_a_revoked_release_is_not_issued(world: World, ready: Journey) -> None:
    planner, qp = world.player("maker", "planner"), world.player("maker", "qualified_person")
    with reading(planner.actor):
        batch = quality.batch_of(planner.actor, order_of(planner, ready).stream_id)
    revoke_release(qp.actor, batch.pk, reason="A sterility result came late.")  # type: ignore[union-attr]
    with refused(FactsMissing) as refusal:
        ready.perform("issue", {"bags": [{"scan": next(iter(product(world, ready)))}]})
    assert "release_revoked" in facts_of(refusal)


@pytest.mark.story("PH1")
def test_nothing_is_issued_on_a_prescription_for_another_therapy(world: World, ready: Journey) -> None:
    """The order's therapy is another one than the physician prescribed, as after a wrong correction of its row."""
    coordinator = world.player("center", "coordinator")
    order, bag = order_of(coordinator, ready), next(iter(product(world, ready)))
    prescribed, other = world.car_t, world.in_vivo
    with acting(coordinator.actor, "orders.step_done", stream_id=order.stream_id):
        order.therapy_id = other.pk
        order.save(update_fields=["therapy"])
    with refused(FactsMissing) as refusal:
        ready.perform("issue", {"bags": [{"scan": bag}]})
    (fact,) = [one for one in refusal.value.facts if one.code == "prescription_differs"]
    assert prescribed.code in fact.text and other.code in fact.text
    assert ContainerState.ISSUED not in product(world, ready).values()
    with acting(coordinator.actor, "orders.step_done", stream_id=order.stream_id):
        order.therapy_id = prescribed.pk
        order.save(update_fields=["therapy"])
    assert ready.perform("issue", {"bags": [{"scan": bag}]}).state == "ready"


def test_what_has_expired_is_not_issued(world: World, ready: Journey) -> None:
    with clock.at(timezone.now() + dt.timedelta(days=366)), refused(FactsMissing) as refusal:
        ready.perform("issue")
    assert "product_expired" in facts_of(refusal)


@pytest.mark.story("PH1")
def test_page_and_rest_say_stop_to_product_past_its_time_and_what_becomes_of_it(world: World, ready: Journey) -> None:
    technologist = world.player("center", "cell_lab_technologist")
    bag = next(iter(product(world, ready)))
    version = step_of(technologist, ready, "issue").version
    wristband = printed(order_of(technologist, ready).identity_code)
    sent = {"bags": [{"scan": bag}], "patient_ready": "yes", "wristband": wristband, "version": version}
    sent |= {"signature": {"username": technologist.username, "password": PASSWORD}}
    form = {"bags[0]scan": bag, "patient_ready": "yes", "wristband": wristband, "once": str(uuid4())}
    form |= {"signature.password": PASSWORD}
    with clock.at(timezone.now() + dt.timedelta(days=366)):
        answer = browser(technologist).post(f"/orders/{ready.code}/steps/issue/", form)
        send = key(world, "center", technologist)
        told = send("POST", f"{ready.code}/steps/issue", sent)
    page, problem = html.unescape(answer.content.decode()), told.json()
    assert (answer.status_code, told.status_code) == (422, 422)
    assert "Stop: the product is past its time of use" in page and problem["title"] in page
    assert page.count(problem["remedy"]) == 1 and "act again" not in page
    assert problem["remedy"] == "Do not issue it. Put it aside and call the manufacturer and the physician."
    assert [fact["code"] for fact in problem["facts"]] == ["product_expired"]
    assert f"{bag} was to be used by" in problem["facts"][0]["text"] and f"{bag} was to be used by" in page
    assert ContainerState.ISSUED not in product(world, ready).values()
