"""A stop at the very moment of a shipment, a release, a manufacture, another stop: caught or refused, never missed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from cgt.demo.journey import Journey
from custody.states import ContainerState
from ledger.context import reading
from orders.actions import stop_runs, stops
from orders.actions.stops import stop_units
from quality.models import Stop, StoppedOrder, StoppedUnit
from tests.factories import PASSWORD, unique
from tests.journeys.watching import bags, open_deviations, order_of, step_of
from tests.journeys.world import World
from tests.races.test_slots import together

pytestmark = [pytest.mark.race, pytest.mark.story("QA4")]


def made_with(world: World, lot: str, before: str) -> Journey:
    journey = world.journey(seed=random.randrange(10**6))
    journey.vector_lot = lot
    journey.run(before=before)
    return journey


def stopping(world: World, lot: str, number: int = 1) -> Callable[[], str]:
    reviewer = world.player("maker", "qa_reviewer", number)
    signature = {"username": reviewer.username, "password": PASSWORD}
    return lambda: stop_units(reviewer.actor, {"lot": lot, "reason": "Called back", "signature": signature})


def doing(journey: Journey, key: str) -> Callable[[], str]:
    return lambda: journey.perform(key).state


@pytest.mark.parametrize("key", ["release", "ship", "ship_pickup"])
def test_what_moves_on_at_that_moment_is_caught_where_it_then_is(committed_world: World, key: str) -> None:
    world, lot = committed_world, unique("lot").upper()
    journey, reviewer = made_with(world, lot, key), world.player("maker", "qa_reviewer")
    moved, number = together([doing(journey, key), stopping(world, lot)])
    assert number.startswith("S-"), number
    assert moved in ("done", "facts_missing", "wrong_bag", "invalid_input"), moved
    product = bags(reviewer, journey, "drug_product")
    assert set(product.values()) == {ContainerState.QUARANTINED}
    assert (step_of(reviewer, journey, key).state == "done") == (moved == "done")
    assert len(open_deviations(reviewer, journey)) == 1
    with reading(reviewer.actor):
        assert StoppedOrder.unwalled.get(stream_id=order_of(reviewer, journey).stream_id).number == number


def test_a_lot_that_is_used_at_that_moment_is_refused_or_caught(committed_world: World) -> None:
    world, lot = committed_world, unique("lot").upper()
    before, using = made_with(world, lot, "finish"), made_with(world, lot, "start")
    used, number = together([doing(using, "start"), stopping(world, lot)])
    reviewer = world.player("maker", "qa_reviewer")
    assert number.startswith("S-"), number
    with reading(reviewer.actor):
        stopped = {row.order for row in StoppedUnit.unwalled.filter(stop__number=number)}
    assert before.code in stopped
    assert (using.code in stopped) == (used == "done"), used
    assert used in ("done", "facts_missing")
    assert (ContainerState.QUARANTINED in bags(reviewer, using).values()) == (used == "done")


@pytest.mark.parametrize("key", ["ship", "start"])
def test_a_stop_that_a_worker_carries_out_misses_nothing_either(
    committed_world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before its signature is found by the worker; what comes after it is refused, worker or not."""
    monkeypatch.setattr(stops, "AT_ONCE", 0)
    world, lot = committed_world, unique("lot").upper()
    before, using = made_with(world, lot, "finish"), made_with(world, lot, key)
    used, number = together([doing(using, key), stopping(world, lot)])
    reviewer = world.player("maker", "qa_reviewer")
    assert number.startswith("S-") and used in ("done", "facts_missing"), (number, used)
    with reading(reviewer.actor):
        case = Stop.unwalled.get(number=number)
    assert case.working_since is not None
    answers = together([lambda: str(stop_runs.work(case.pk)), lambda: str(stop_runs.work(case.pk))])
    assert sorted(answers) == ["False", "True"], "one worker does it"
    with reading(reviewer.actor):
        stopped = {row.order for row in StoppedUnit.unwalled.filter(stop=case)}
        assert Stop.unwalled.get(pk=case.pk).working_since is None
    assert before.code in stopped
    assert (using.code in stopped) == (key == "ship" or used == "done"), used
    assert (ContainerState.QUARANTINED in bags(reviewer, using).values()) == (using.code in stopped)


def test_two_who_stop_the_same_make_one_stop(committed_world: World) -> None:
    world, lot = committed_world, unique("lot").upper()
    made_with(world, lot, "finish")
    answers = together([stopping(world, lot), stopping(world, lot, 2)])
    assert sorted(answer.startswith("S-") for answer in answers) == [False, True], answers
    assert "stop_stands" in answers
    with reading(world.player("maker", "qa_reviewer").actor):
        assert Stop.unwalled.filter(sought__lot=lot).count() == 1


@pytest.mark.story("DN4")
def test_what_is_collected_from_a_donor_at_the_moment_of_the_stop_is_put_aside(committed_world: World) -> None:
    world = committed_world
    journey, reviewer = made_with(world, unique("lot"), "collect"), world.player("maker", "qa_reviewer")
    signature = {"username": reviewer.username, "password": PASSWORD}
    sought = {"donor": order_of(reviewer, journey).identity_code, "reason": "Tests came back", "signature": signature}
    collected, number = together([doing(journey, "collect"), lambda: stop_units(reviewer.actor, sought)])
    assert number.startswith("S-") and collected == "done", (number, collected)
    held = bags(reviewer, journey, "starting_material")
    assert held and set(held.values()) == {ContainerState.QUARANTINED}, "found by the stop, or caught as it came"
    with reading(reviewer.actor):
        assert StoppedOrder.unwalled.get(stream_id=order_of(reviewer, journey).stream_id).number == number
