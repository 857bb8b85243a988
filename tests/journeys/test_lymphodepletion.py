"""The go for lymphodepletion: with the product at hand, or on release where the site's policy says so (TP2)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, NotAllowed, WrongState
from network.actions.places import set_lymphodepletion_policy
from orders.actions.overdue_steps import tell_overdue
from orders.actions.pickups import report_delay, report_failed_pickup
from orders.models import StepDue
from orders.states import PickupFailure
from tests.factories import operator
from tests.journeys.conftest import refused
from tests.journeys.telling import events, told
from tests.journeys.test_revocation import revoke
from tests.journeys.test_wrong_scans import codes
from tests.journeys.watching import bags, order_of, step_of
from tests.journeys.world import World


def policy(world: World, on_release: bool) -> None:
    maker = operator(world.maker)
    set_lymphodepletion_policy(maker, world.car_t, world.clinic, on_release=on_release, reason="Agreed with the site.")


def physician(world: World):  # type: ignore[no-untyped-def]
    return world.player("center", "treating_physician")


def alarmed(world: World, event: object) -> str:
    """Return what the physician is told of an event, critically; empty when nothing."""
    notice = told(world.center.pk, event).get(physician(world).username)
    return notice.title if notice is not None and notice.critical else ""


def test_only_the_manufacturer_sets_the_policy_and_says_why(world: World) -> None:
    with refused(InvalidInput):
        set_lymphodepletion_policy(operator(world.maker), world.car_t, world.clinic, on_release=True, reason=" ")
    for player in (world.player("maker", "planner"), physician(world)):
        with pytest.raises(Exception) as caught:
            set_lymphodepletion_policy(player.actor, world.car_t, world.clinic, on_release=True, reason="Mine")
        assert isinstance(caught.value, NotAllowed) or caught.value.code == "not_found"  # type: ignore[attr-defined]


@pytest.mark.story("TP2")
def test_without_the_policy_the_go_waits_for_every_bag_that_the_dose_needs(world: World) -> None:
    journey = world.journey()
    journey.run(before="ship_delivery")
    assert step_of(physician(world), journey, "ld_go").state == "waiting"
    with refused(WrongState, "step_not_ready"):
        journey.perform("ld_go")
    journey.run(before="receive_product")
    first, second = bags(physician(world), journey, "drug_product")
    decided = [{"scan": first, "decision": "accept"}, {"scan": second, "decision": "reject", "reason": "Leaks"}]
    journey.perform("receive_product", {"bags": decided})
    journey.run(before="ld_go")
    with refused(FactsMissing) as refusal:
        journey.perform("ld_go")
    assert [fact.code for fact in refusal.value.facts] == ["product_not_accepted"]
    assert "revokes the release" in refusal.value.remedy, "no bag is on its way any more: nothing to receive"


@pytest.mark.story("TP2")
def test_with_the_policy_the_go_may_come_on_release(world: World) -> None:
    policy(world, True)
    journey = world.journey()
    journey.run(until="release")
    assert step_of(physician(world), journey, "ld_go").state == "ready"
    assert journey.perform("ld_go").state == "done"
    assert step_of(physician(world), journey, "thaw").state == "waiting", "thawing waits for the product all the same"
    journey.run()
    assert order_of(physician(world), journey).state == "closed"


def test_a_revoked_release_takes_the_early_go_back(world: World) -> None:
    policy(world, True)
    journey = world.journey()
    journey.run(until="release")
    revoke(world, journey)
    with refused(FactsMissing) as refusal:
        journey.perform("ld_go")
    assert "release_revoked" in {fact.code for fact in refusal.value.facts}


def begun(world: World, before: str) -> Journey:
    policy(world, True)
    journey = world.journey()
    journey.run(until="release")
    journey.perform("ld_go")
    journey.run(before=before)
    return journey


def test_after_the_go_whatever_endangers_the_product_alarms_the_physician(world: World) -> None:
    journey = begun(world, "receive_product")
    first, second = bags(physician(world), journey, "drug_product")
    decided = [{"scan": first, "decision": "accept"}, {"scan": second, "decision": "quarantine", "reason": "Label"}]
    journey.perform("receive_product", {"bags": decided})
    done = events(physician(world), journey, "orders.step_done")[-1]
    assert "After the LD go: a bag was not accepted" in alarmed(world, done)
    revoke(world, journey)
    (revoked,) = events(physician(world), journey, "quality.release_revoked")
    assert "After the LD go: release revoked" in alarmed(world, revoked)


def test_after_the_go_a_delay_and_a_mismatch_alarm_too(world: World) -> None:
    journey = begun(world, "ship_pickup")
    step = step_of(physician(world), journey, "ship_pickup")
    row = StepDue.unwalled.get(step_id=step.pk)
    assert tell_overdue(row, row.due_at)
    (overdue,) = events(physician(world), journey, "orders.step_overdue")
    assert "After the LD go: delay" in alarmed(world, overdue)

    journey.run(before="receive_product")
    other = world.journey(seed=3)
    other.run(before="pickup")
    with refused(Mismatch):
        journey.perform("receive_product", {"bags": [{"scan": codes(world, other)[0], "decision": "accept"}]})
    (mismatch,) = events(physician(world), journey, "custody.identity_mismatch")
    assert "After the LD go: identity mismatch" in alarmed(world, mismatch)


def test_before_the_go_a_delay_alarms_nobody(world: World) -> None:
    journey = world.journey()
    journey.run(before="ship_pickup")
    row = StepDue.unwalled.get(step_id=step_of(physician(world), journey, "ship_pickup").pk)
    assert tell_overdue(row, row.due_at)
    (overdue,) = events(physician(world), journey, "orders.step_overdue")
    assert alarmed(world, overdue) == ""


def test_after_the_go_what_the_courier_reports_alarms_the_physician(world: World) -> None:
    journey = begun(world, "ship_pickup")
    driver = world.player("courier", "courier_driver").actor
    report_failed_pickup(driver, journey.code, "ship_pickup", PickupFailure.NOT_READY)
    (failed,) = events(physician(world), journey, "orders.pickup_failed")
    assert "After the LD go: the courier left without the box" in alarmed(world, failed)
    report_delay(driver, journey.code, "ship_delivery", timezone.now() + dt.timedelta(days=2))
    (delayed,) = events(physician(world), journey, "orders.delayed")
    assert "After the LD go: transport delayed" in alarmed(world, delayed)


def test_a_bag_that_the_patient_did_not_get_alarms_the_physician_even_if_it_was_the_last(world: World) -> None:
    journey = begun(world, "infuse")
    spilt = {"result": "destroyed", "volume_ml": "0", "remark": "Leaked at the spike."}
    while step_of(physician(world), journey, "infuse").state == "ready":
        journey.perform("infuse", spilt)
    kinds = ("orders.step_progressed", "orders.step_done")
    for event in [events(physician(world), journey, kind)[-1] for kind in kinds]:
        assert event.payload["step"] == "infuse"
        assert "After the LD go: a bag was not infused completely" in alarmed(world, event)
