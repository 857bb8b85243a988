"""An overdue step is told, first to its owner, then to who answers for the order; the clock never frees or does it."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from cgt.demo.journey import Journey
from ledger.context import reading
from orders import flow_files
from orders.actions.flows import approve_flow, propose_flow
from orders.actions.interruptions import lift_hold, put_on_hold
from orders.actions.overdue_steps import tell_overdue
from orders.models import StepDue
from orders.overdue import ESCALATE_AFTER
from orders.queries import due_steps
from orders.tasks import escalate_overdue_steps
from scheduling.queries import chain_of
from tests.journeys.telling import events, told
from tests.journeys.watching import order_of, step_of
from tests.journeys.world import World

MINUTE = dt.timedelta(minutes=1)


def row_of(world: World, journey: Journey, key: str) -> StepDue | None:
    step = step_of(world.player("center", "coordinator"), journey, key)
    return StepDue.unwalled.filter(step_id=step.pk).first()


def waiting_for_an_answer(world: World) -> tuple[Journey, StepDue]:
    journey = world.journey()
    journey.run(before="confirm")
    row = row_of(world, journey, "confirm")
    assert row is not None
    return journey, row


@pytest.mark.story("MP2")
def test_an_overdue_answer_is_told_twice_and_never_frees_the_chain(world: World) -> None:
    journey, row = waiting_for_an_answer(world)
    planner, coordinator = world.player("maker", "planner"), world.player("center", "coordinator")
    late = row.due_at + MINUTE
    assert not tell_overdue(row, row.due_at - MINUTE), "it is not due yet"
    assert tell_overdue(row, late)
    assert not tell_overdue(row_of(world, journey, "confirm"), late), "once per level"  # type: ignore[arg-type]

    (first,) = events(coordinator, journey, "orders.step_overdue")
    assert (first.payload["step"], first.payload["level"], first.system_job) == ("confirm", 1, "escalate-overdue-steps")
    assert "Overdue: " in told(world.maker.pk, first)[planner.username].title
    assert told(world.center.pk, first) == {}

    much_later = late + ESCALATE_AFTER
    assert tell_overdue(row_of(world, journey, "confirm"), much_later)  # type: ignore[arg-type]
    _, second = events(coordinator, journey, "orders.step_overdue")
    assert "nobody acted" in told(world.center.pk, second)[coordinator.username].title
    assert row_of(world, journey, "confirm") is None, "nobody is left to tell"

    with reading(coordinator.actor):
        assert chain_of(coordinator.actor, order_of(coordinator, journey).stream_id).state == "requested"  # type: ignore[union-attr]
    assert journey.perform("confirm").state == "done", "the answer still counts"


@pytest.mark.story("PC1")
def test_the_flow_says_how_long_an_overdue_step_waits_for_its_owner(world: World) -> None:
    definition = flow_files.shipped("autologous_car_t")
    confirm = next(step for step in definition["steps"] if step["key"] == "confirm")
    confirm["due"]["escalate_hours"] = 0.5
    version = propose_flow(world.player("maker", "product_owner").actor, world.car_t, definition)
    running, _ = waiting_for_an_answer(world)  # it keeps the version that it started with
    approve_flow(world.player("maker", "flow_approver").actor, version.pk)
    journey, row = waiting_for_an_answer(world)
    for one, delay in ((journey, dt.timedelta(minutes=30)), (running, ESCALATE_AFTER)):
        first = row_of(world, one, "confirm")
        assert first is not None
        due_at = first.due_at
        assert tell_overdue(first, due_at)
        second = row_of(world, one, "confirm")
        assert second is not None
        assert second.due_at == due_at + delay
        assert not tell_overdue(second, due_at + delay - MINUTE)
        assert tell_overdue(row_of(world, one, "confirm"), due_at + delay)  # type: ignore[arg-type]
    assert row.organization_id == world.center.pk


def test_a_step_that_was_done_is_not_told_and_leaves_the_table(world: World) -> None:
    journey, row = waiting_for_an_answer(world)
    journey.perform("confirm")
    assert not tell_overdue(row, row.due_at + MINUTE)
    assert row_of(world, journey, "confirm") is None
    assert events(world.player("maker", "planner"), journey, "orders.step_overdue") == []


def test_on_hold_nobody_is_told_until_the_hold_is_lifted(world: World) -> None:
    journey, row = waiting_for_an_answer(world)
    coordinator = world.player("center", "coordinator")
    put_on_hold(coordinator.actor, journey.code, "Fever.")
    late = row.due_at + MINUTE
    assert not tell_overdue(row, late)
    again = row_of(world, journey, "confirm")
    assert again is not None
    assert again.due_at > late
    lift_hold(coordinator.actor, journey.code, "Well again.")
    assert tell_overdue(again, again.due_at)


def test_the_sweep_reads_ids_and_times_only(world: World) -> None:
    journey, row = waiting_for_an_answer(world)
    assert {field.name for field in StepDue._meta.fields} == {
        "id",
        "organization_id",
        "stream_id",
        "step_id",
        "due_at",
        "level",
    }
    assert row.pk in {due.pk for due in due_steps(row.due_at)}
    assert row.pk not in {due.pk for due in due_steps(row.due_at - MINUTE)}
    StepDue.unwalled.exclude(pk=row.pk).delete()
    assert escalate_overdue_steps() == 0


@pytest.mark.race
def test_two_workers_at_once_tell_once(committed_world: World) -> None:
    journey, row = waiting_for_an_answer(committed_world)
    together = Barrier(2)

    def sweep(_: int) -> Any:
        try:
            together.wait(timeout=20)
            return tell_overdue(row, row.due_at + MINUTE)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(sweep, range(2)))
    assert sorted(answers) == [False, True]
    assert len(events(committed_world.player("maker", "planner"), journey, "orders.step_overdue")) == 1
