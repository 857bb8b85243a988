"""A release revoked before the infusion: every bag is put aside wherever it is, and nobody goes on by mistake."""

from __future__ import annotations

from typing import Any

import pytest

from cgt.demo.journey import Journey, Player, now_text
from custody.states import ContainerState
from ledger.context import reading
from ledger.queries import signatures_of
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, WrongState
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.revocations import revoke_release
from orders.flow import context_of, kind_of, missing_facts, order_named, perform
from orders.queries import step_of as step_of_order
from quality.actions.deviations import open_deviation
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.telling import events, told
from tests.journeys.test_under_query import browser, text
from tests.journeys.watching import bags, open_deviations, order_of, step_of
from tests.journeys.world import World

LATE = {"late_reason": "It was given before the call came."}


def revoke(world: World, journey: Journey, reason: str = "Sterility test grew.") -> int:
    releaser = world.player("maker", "qualified_person")
    signature = {"username": releaser.username, "password": PASSWORD}
    return revoke_release(releaser.actor, journey.code, {"reason": reason, "signature": signature})


# Whatever comes after the release, and who would do it.
BLOCKED = {
    "ship_go": ("center", "treating_physician"),
    "ship": ("maker", "operator"),
    "ship_pickup": ("courier", "courier_driver"),
    "ship_delivery": ("center", "cell_lab_technologist"),
    "ld_go": ("center", "treating_physician"),
    "issue": ("center", "cell_lab_technologist"),
    "thaw": ("center", "cell_lab_technologist"),
    "bedside": ("center", "infusion_nurse"),
    "infuse": ("center", "infusion_nurse"),
}


def standing_against(player: Player, journey: Journey, key: str) -> list[MissingFact]:
    """Return what a step's page tells its performer to be missing."""
    with reading(player.actor):
        order = order_named(player.actor, journey.code)
        step = step_of_order(player.actor, order, key)
        return missing_facts(kind_of(step.flow_step.kind), context_of(player.actor, order, step))


@pytest.mark.story("QA9")
@pytest.mark.parametrize("key", ["ship", "ship_delivery", "thaw", "infuse"])
def test_a_revoked_release_stops_the_product_wherever_it_is(world: World, key: str) -> None:
    journey, nurse = world.journey(), world.player("center", "infusion_nurse")
    journey.run(before=key)
    assert revoke(world, journey) == 2
    assert set(bags(nurse, journey, "drug_product").values()) == {ContainerState.QUARANTINED}
    for blocked, (organization, persona) in BLOCKED.items():
        known = {fact.code for fact in standing_against(world.player(organization, persona), journey, blocked)}
        assert ("stop_box" if organization == "courier" else "release_revoked") in known, blocked
        assert not (organization == "courier" and "release_revoked" in known)


def test_everybody_whom_it_concerns_is_told_at_once(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(before="ship_delivery")
    revoke(world, journey)
    (event,) = events(reviewer, journey, "quality.release_revoked")
    assert "grew" not in event.reason, "why is quality's, the event goes to the courier too"
    at_center, at_maker, at_courier = (told(one.pk, event) for one in (world.center, world.maker, world.courier))
    for persona in ("treating_physician", "coordinator", "site_quality"):
        notice = at_center[world.player("center", persona).username]
        assert notice.critical
        assert "STOP, release revoked" in notice.title
    assert at_maker[reviewer.username].critical
    stop = at_courier[world.player("courier", "courier_driver").username]
    assert (stop.title, stop.critical) == (f"STOP this box · {journey.code}", True)


def test_a_courier_without_a_box_is_not_troubled(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(before="thaw")
    revoke(world, journey)
    (event,) = events(reviewer, journey, "quality.release_revoked")
    assert told(world.courier.pk, event) == {}


def test_only_who_may_release_revokes_and_signs_for_it(world: World) -> None:
    journey, releaser = world.journey(), world.player("maker", "qualified_person")
    journey.run(before="ship")
    good = {"username": releaser.username, "password": PASSWORD}
    for player in (world.player("maker", "qa_reviewer"), world.player("center", "treating_physician")):
        with refused(NotAllowed):
            revoke_release(player.actor, journey.code, {"reason": "No", "signature": good})
    for raw in (
        {"reason": "", "signature": good},
        {"reason": "Late result", "signature": {"username": releaser.username, "password": "wrong"}},
        {"reason": "Late result"},
    ):
        with refused((InvalidInput, NotAllowed)):  # type: ignore[arg-type]
            revoke_release(releaser.actor, journey.code, raw)
    assert ContainerState.QUARANTINED not in bags(releaser, journey).values()
    revoke(world, journey)
    (event,) = events(releaser, journey, "quality.release_revoked")
    with reading(releaser.actor):
        signed = signatures_of(releaser.actor, event.stream_id).get(event_id=event.pk)
    assert (signed.person_id, signed.meaning) == (releaser.actor.person_id, "release revoked")
    with refused(WrongState):
        revoke(world, journey, "Twice")


def test_after_the_infusion_it_is_no_revocation_but_a_deviation(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(until="infuse")
    with refused(WrongState, "all_used") as refusal:
        revoke(world, journey)
    assert "deviation" in refusal.value.remedy
    stream_id = order_of(reviewer, journey).stream_id
    open_deviation(reviewer.actor, stream_id, kind="late-result", severity="critical", text="Late sterility result.")
    assert [deviation.kind for deviation in open_deviations(reviewer, journey)] == ["late-result"]


def test_a_dose_given_in_spite_of_it_is_recorded_as_critical(world: World) -> None:
    journey, nurse = world.journey(), world.player("center", "infusion_nurse")
    journey.run(before="infuse")
    revoke(world, journey)
    code = next(iter(bags(nurse, journey, "drug_product")))
    signature = {"username": nurse.username, "password": PASSWORD}
    perform(nurse.actor, journey.code, "infuse", given(code) | LATE | {"signature": signature})
    assert bags(nurse, journey)[code] == ContainerState.INFUSED
    (deviation,) = open_deviations(world.player("maker", "qa_reviewer"), journey)
    assert deviation.severity == "critical"
    assert "was revoked" in deviation.text
    assert "Sterility test grew." in deviation.text, "why the bag was put aside is kept"


def given(code: str) -> dict[str, Any]:
    return {"scan": code, "result": "infused", "volume_ml": "60", "started_at": now_text(), "ended_at": now_text()}


def test_reviewed_and_released_again_the_bags_go_on_where_they_were(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer", 2)
    journey.run(before="thaw")
    revoke(world, journey, "The wrong result was entered.")
    code = next(iter(bags(reviewer, journey, "drug_product")))
    with refused(FactsMissing) as refusal:
        decide_on_quarantine(reviewer.actor, journey.code, code, "release", "Looks fine")
    assert "release_revoked" in {fact.code for fact in refusal.value.facts}
    assert (step_of(reviewer, journey, "review").attempt, step_of(reviewer, journey, "release").attempt) == (2, 2)
    assert step_of(reviewer, journey, "ship").state == "done", "what happened since stays"
    journey.perform("review")
    journey.perform("release")
    for bag in bags(reviewer, journey, "drug_product"):
        decide_on_quarantine(reviewer.actor, journey.code, bag, "release", "The release stands again.")
    assert set(bags(reviewer, journey, "drug_product").values()) <= {ContainerState.STORED, "issued"}
    assert journey.perform("thaw").state == "done"


def test_the_physician_finds_how_the_order_goes_on_though_a_step_still_waits(world: World) -> None:
    """A product that lay at the center when its release was revoked: its next step stays open and blocked."""
    journey = world.journey()
    journey.run(before="ld_go")
    physician, coordinator = (world.player("center", one) for one in ("treating_physician", "coordinator"))
    assert "A batch was lost" not in text(browser(physician), f"/orders/{journey.code}/")
    revoke(world, journey)
    assert step_of(physician, journey, "ld_go").state == "ready"
    mine, theirs = (text(browser(one), f"/orders/{journey.code}/") for one in (physician, coordinator))
    assert "You decide how the order goes on" in mine and f"/orders/{journey.code}/remanufacture/" in mine
    assert "The order goes on when the treating physician" in theirs and "/remanufacture/" not in theirs
