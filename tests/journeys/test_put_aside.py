"""Quality puts material aside by hand: at the bedside, where somebody must hear it; and never what has ended."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from cgt.demo.journey import Journey, Player
from ledger.refusals import Refusal
from personas.models import Membership
from tests.journeys.destroying import destroy
from tests.journeys.telling import events, told
from tests.journeys.test_lymphodepletion import alarmed
from tests.journeys.watching import bags, kinds_of_events, step_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.story("QA1", "IN1")
KIND = "orders.material_put_aside"


def browser(player: Player) -> Client:
    return signed_in(Membership.unwalled.get(pk=player.actor.membership_id))


def asked(player: Player, journey: Journey, code: str, decision: str = "quarantine") -> tuple[int, str]:
    """Ask on the order's page; return status and words."""
    path = f"/orders/{journey.code}/material/{code}/decide/"
    answer = browser(player).post(path, {"decision": decision, "reason": "The port looks torn."}, follow=True)
    return answer.status_code, html.unescape(answer.content.decode())


def asked_by_system(player: Player, journey: Journey, code: str) -> tuple[int, dict[str, Any]]:
    path = f"/api/v1/orders/{journey.code}/material/{code}/quarantine"
    key = {"HTTP_IDEMPOTENCY_KEY": f"{journey.code}-{code}"[:60]}
    answer = browser(player).post(path, {"reason": "The port looks torn."}, "application/json", **key)
    return answer.status_code, answer.json()


@pytest.fixture
def site_quality(world: World) -> Player:
    return world.player("center", "site_quality")


def product(world: World, journey: Journey) -> dict[str, str]:
    return bags(world.player("center", "infusion_nurse"), journey, "drug_product")


def test_at_the_bedside_physician_and_nurse_hear_it_and_the_bag_is_not_given(
    world: World, site_quality: Player
) -> None:
    journey = world.journey()
    journey.run(before="infuse")
    one, other = product(world, journey)
    status, page = asked(site_quality, journey, one)
    assert status == 200 and f"{one} is quarantined." in page
    (event,) = events(site_quality, journey, KIND)
    assert "After the LD go: a bag was put aside" in alarmed(world, event)
    nurse = told(world.center.pk, event)[world.player("center", "infusion_nurse").username]
    assert nurse.critical and "put aside" in nurse.title and nurse.path == f"/orders/{journey.code}/"
    with pytest.raises(Refusal) as refusal:
        journey.perform("infuse", {"scan": one})
    problem = refusal.value.as_problem()
    assert "quarantined: Put aside: The port looks torn. Expected:" in problem["fields"]["scan"][0]
    assert problem["remedy"].startswith("Do not use it: quality decides about it first.")
    assert journey.perform("infuse", {"scan": other}).state == "ready"
    assert product(world, journey) == {one: "quarantined", other: "infused"}
    assert step_of(site_quality, journey, "infuse").state == "ready", "the treatment waits for the bag's decision"
    assert asked(site_quality, journey, one, "release")[0] == 200
    assert product(world, journey)[one] == "thawed"


def test_before_the_go_nobody_at_the_bedside_is_troubled(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(until="receipt")
    code = next(iter(bags(reviewer, journey)))
    assert asked(reviewer, journey, code)[0] == 200
    (event,) = events(reviewer, journey, KIND)
    heard = told(world.center.pk, event)
    physician = heard[world.player("center", "treating_physician").username]
    assert physician.critical and "After the LD go" not in physician.title
    assert world.player("center", "infusion_nurse").username not in heard


def refused(world: World, player: Player, journey: Journey, code: str, words: str) -> None:
    """Nothing happens, on the page and over REST, and the answer says what the bag is and what to do instead."""
    before = bags(player, journey)
    status, page = asked(player, journey, code)
    assert status == 409 and f"{code} is {words} and cannot be put aside" in page, page[:3000]
    status, problem = asked_by_system(player, journey, code)
    assert (status, problem["code"]) == (409, "not_at_hand")
    assert f"{code} is {words}" in problem["detail"] and problem["remedy"] in page
    assert "whoever has it" not in problem["remedy"] and bags(player, journey) == before
    assert "Put into quarantine" not in page.split(code)[1].split("</tr>")[0]
    assert KIND not in kinds_of_events(player, journey)


def test_what_the_patient_has_or_nobody_can_use_any_more(world: World, site_quality: Player) -> None:
    journey = world.journey()
    journey.run(before="infuse")
    one, two = product(world, journey)
    journey.perform("infuse", {"scan": one})
    refused(world, site_quality, journey, one, "infused")
    spent = {"scan": two, "result": "expired", "volume_ml": "0", "remark": "Past its time."}
    journey.perform("infuse", spent)
    refused(world, site_quality, journey, two, "expired")
    destroy(site_quality, world.player("center", "cell_lab_technologist"), journey.code, two)
    refused(world, site_quality, journey, two, "destroyed")


def test_what_quality_has_rejected_or_manufacture_used_up(world: World, site_quality: Player) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(before="release")
    refused(world, reviewer, journey, next(iter(bags(reviewer, journey, "starting_material"))), "consumed")
    journey.run(before="receive_product")
    one, two = product(world, journey)
    decided = [{"scan": one, "decision": "accept"}, {"scan": two, "decision": "reject", "reason": "Leaks"}]
    journey.perform("receive_product", {"bags": decided})
    refused(world, site_quality, journey, two, "rejected")
