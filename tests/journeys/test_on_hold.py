"""On hold: everything waits; what has happened all the same is recorded as late, with a deviation of its own."""

from __future__ import annotations

import pytest

from ledger.refusals import InvalidInput, NotAllowed, WrongState
from orders.actions.interruptions import lift_hold, put_on_hold
from tests.journeys.conftest import refused
from tests.journeys.watching import kinds_of_events, open_deviations, order_of, step_of
from tests.journeys.world import World


@pytest.mark.story("TP7")
def test_an_order_on_hold_refuses_what_people_decide_until_it_is_lifted(world: World) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    journey.run(before="kit")
    with refused(InvalidInput):
        put_on_hold(coordinator.actor, journey.code, "")
    with refused(NotAllowed):
        put_on_hold(world.player("center", "infusion_nurse").actor, journey.code, "Curious")
    put_on_hold(coordinator.actor, journey.code, "Fever.")

    with refused(WrongState, "order_on_hold") as refusal:
        journey.perform("kit")
    assert "Fever." in refusal.value.detail
    assert step_of(coordinator, journey, "kit").state == "ready"
    with refused(WrongState):
        put_on_hold(coordinator.actor, journey.code, "Twice")

    lift_hold(coordinator.actor, journey.code, "No fever for two days.")
    assert journey.perform("kit").state == "done"
    with refused(WrongState):
        lift_hold(coordinator.actor, journey.code, "Twice")
    kinds = kinds_of_events(world.player("maker", "planner"), journey)
    assert {"orders.put_on_hold", "orders.hold_lifted"} <= set(kinds), "the manufacturer is told"


ALREADY = {"late_reason": "It was under way when the hold came."}


@pytest.mark.parametrize("key", ["start_collection", "collect", "pickup", "receipt"])
def test_a_hold_stops_the_hands_too_and_what_they_did_is_recorded_as_late(world: World, key: str) -> None:
    journey = world.journey()
    journey.run(before=key)
    put_on_hold(world.player("center", "coordinator").actor, journey.code, "Paperwork.")
    with refused(WrongState, "order_on_hold") as refusal:
        journey.perform(key)
    assert "record it as late" in refusal.value.remedy
    assert journey.perform(key, ALREADY).state == "done"
    assert "on hold" in " ".join(deviation.text for deviation in open_deviations(quality(world), journey))


def test_a_courier_is_told_to_stop_the_box_and_not_why(world: World) -> None:
    journey = world.journey()
    journey.run(before="pickup")
    put_on_hold(world.player("center", "coordinator").actor, journey.code, "Fever since noon.")
    with refused(WrongState, "order_on_hold") as refusal:
        journey.perform("pickup")
    assert "STOP" in refusal.value.detail
    assert "Fever" not in str(refusal.value.as_problem())


@pytest.mark.parametrize("key", ["thaw", "infuse", "ship_delivery", "receive_product"])
def test_the_same_at_the_bedside(world: World, key: str) -> None:
    journey = world.journey()
    journey.run(before=key)
    assert open_deviations(quality(world), journey) == []
    put_on_hold(world.player("center", "treating_physician").actor, journey.code, "Infection?")
    with refused(WrongState, "order_on_hold"):
        journey.perform(key)
    journey.perform(key, ALREADY)
    found = open_deviations(quality(world), journey)
    assert [deviation.automatic for deviation in found] == [True]
    assert "on hold" in found[0].text
    assert order_of(quality(world), journey).on_hold


def quality(world: World):  # type: ignore[no-untyped-def]
    return world.player("maker", "qa_reviewer")
