"""From enrolment to the end, with two organizations watching and two next door that must see nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cgt.demo.journey import Journey
from custody import queries as custody
from ledger.context import reading
from ledger.queries import events_of
from orders import flow, queries
from orders.flow import StepResult
from orders.states import OrderState
from orders.step_kinds import kind_of
from quality import queries as quality
from tests.journeys.watching import bags, order_of, rows_through_the_wall, seen, sees_nothing
from tests.journeys.world import World


class Watchers:
    """Asserted after every step: what center, manufacturer and courier see, and that nobody next door sees anything."""

    def __init__(self, world: World, journey: Journey) -> None:
        self.world, self.journey = world, journey
        self.center = world.player("center", "coordinator")
        self.maker = world.player("maker", "planner")
        self.courier = world.player("courier", "courier_driver")
        self.strangers = [world.player("next_center", "coordinator"), world.player("next_maker", "planner")]
        self.steps: list[str] = []

    def __call__(self, result: StepResult) -> None:
        self.steps.append(result.step)
        order = order_of(self.center, self.journey)
        for player in (self.center, self.maker):
            self._same_step(player, result)
        self._event_by_audience(order, result)
        self._courier_sees_its_part_only(order)
        for stranger in self.strangers:
            sees_nothing(stranger, order, self._codes(order))

    def _same_step(self, player: Any, result: StepResult) -> None:
        with reading(player.actor):
            order = flow.order_named(player.actor, self.journey.code)
            step = queries.steps_of(player.actor, order).get(key=result.step, attempt=result.attempt)
            assert (step.state, step.version) == (result.state, result.version)
            assert step.done_by or step.state != "done"
            assert queries.may_see_identity(player.actor, order) == (player is self.center)
            assert bool(custody.patients(player.actor).filter(pk=order.patient_id)) == (player is self.center)

    def _event_by_audience(self, order: Any, result: StepResult) -> None:
        with reading(self.center.actor):
            kind = kind_of(flow.current_step(order, result.step).flow_step.kind)
        for player in (self.center, self.maker):
            with reading(player.actor):
                found = events_of(player.actor, order.stream_id).filter(pk=result.event).first()
            assert (found is not None) == (player.actor.organization_role in kind.audience), (result.step, kind.key)

    def _courier_sees_its_part_only(self, order: Any) -> None:
        actor = self.courier.actor
        with reading(actor):
            if not queries.orders(actor).filter(stream_id=order.stream_id).exists():
                return
            assert not queries.may_see_therapy(actor)
            kinds = {step.flow_step.kind for step in queries.steps_of(actor, order)}
            assert kinds <= {"pack", "hand_over", "confirm_slots", "accept_job"}
            for read in (quality.results_of, quality.deviations_of):
                assert not read(actor, order.stream_id).exists()
            for event in events_of(actor, order.stream_id):
                assert not event.audience or "courier" in event.audience

    def _codes(self, order: Any) -> list[str]:
        with reading(self.center.actor):
            boxes = [box.code for box in custody.shipments_of(self.center.actor, order.stream_id)]
        return [order.identity_code, *bags(self.center, self.journey), *boxes]


def whole(world: World, therapy: str) -> tuple[Journey, Watchers]:
    journey = world.journey(therapy)
    watchers = Watchers(world, journey)
    assert journey.run(on_step=watchers) == ""
    order = order_of(watchers.center, journey)
    assert (order.state, order.phase) == (OrderState.CLOSED, "closed")
    return journey, watchers


def test_a_car_t_order_runs_from_enrolment_to_its_end(
    committed_world: World, faults: Callable[[Any], list[Any]]
) -> None:
    journey, watchers = whole(committed_world, "car_t")
    order = order_of(watchers.center, journey)
    assert watchers.steps == [
        "activate_coi", "consent", "eligibility", "prescribe", "book", "request", "confirm", "accept_job",
        "kit", "readiness", "identify", "labels", "apply_labels", "start_collection", "collect", "pack",
        "pickup", "delivery", "receipt", "start", "finish", "label_product", "qc", "review", "release", "ship_go",
        "ship", "ship_pickup", "ship_delivery", "receive_product", "store", "ld_go", "issue", "thaw", "bedside",
        "infuse", "infuse", "close",
    ]  # fmt: skip
    assert sorted(bags(watchers.center, journey).values()) == ["consumed", "infused", "infused"]
    _both_parties_see_the_whole_record(committed_world, order)
    assert faults(order.stream_id) == []


@pytest.mark.story("QA2")
def test_an_in_vivo_order_runs_from_stock_to_its_end(
    committed_world: World, faults: Callable[[Any], list[Any]]
) -> None:
    journey, watchers = whole(committed_world, "in_vivo")
    order = order_of(watchers.center, journey)
    assert watchers.steps == [
        "activate_coi", "consent", "eligibility", "prescribe", "allocate", "ship", "ship_pickup", "ship_delivery",
        "receive_product", "store", "go", "issue", "prepare", "bedside", "administer", "close",
    ]  # fmt: skip
    assert list(bags(watchers.center, journey).values()) == ["infused"]
    assert seen(watchers.maker.actor, order.stream_id)["batches"] == 0
    assert faults(order.stream_id) == []


def _both_parties_see_the_whole_record(world: World, order: Any) -> None:
    center = seen(world.player("center", "coordinator").actor, order.stream_id)
    maker = seen(world.player("maker", "qa_reviewer").actor, order.stream_id)
    shared = ("containers", "labels", "shipments", "custody periods", "batches", "decisions", "slot chains", "orders")
    for name in shared:
        assert center[name] == maker[name] > 0, name
    assert center["results"] == maker["results"] == 2, "a center reads the results once the batch is released"
    assert center["events"] != maker["events"], "eligibility is the center's, quality control the maker's"
    tables = rows_through_the_wall(world.player("center", "coordinator").actor, order.stream_id)
    assert len(tables) > 25, "a test that looks at empty tables proves nothing"


@pytest.mark.story("CO8")
def test_a_neighbor_with_an_order_of_the_same_maker_sees_its_own_only(world: World) -> None:
    mine, theirs = world.journey(), world.journey(center="next_center")
    coordinator, neighbor = world.player("center", "coordinator"), world.player("next_center", "coordinator")
    for player, own in ((coordinator, mine), (neighbor, theirs)):
        with reading(player.actor):
            assert {order.code for order in queries.orders(player.actor)} >= {own.code}
            assert {step.order.code for step in queries.worklist(player.actor)} & {mine.code, theirs.code} == {own.code}
    sees_nothing(neighbor, order_of(coordinator, mine), [])
    sees_nothing(coordinator, order_of(neighbor, theirs), [])
    planner = world.player("maker", "planner")
    with reading(planner.actor):
        assert {order.code for order in queries.orders(planner.actor)} >= {mine.code, theirs.code}
