"""With the broker unreachable: what people ask for is done and kept, and the sweeps catch up once, later."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from celery.app.task import Task
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event, OutboxMessage
from ledger.recording import acting
from orders import queries
from orders.flow import order_named
from orders.models import OrderStep, StepDue
from orders.tasks import escalate_overdue_steps, sweep_repairs
from scheduling import slot_chains
from scheduling.models import FreedPlace, HoldDue, RepairDue, SlotChain
from scheduling.states import ChainState
from scheduling.tasks import expire_slot_holds
from tests.orders.conftest import confirmed, patient, prescribed, requested, step
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import again, coordinator, order_of, planner, stopped

pytestmark = pytest.mark.django_db
COORDINATOR = ("center", "coordinator", 1)


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The broker refuses every connection; return which tasks were asked for in vain."""
    names: list[str] = []

    def down(self: Any, *args: Any, **options: Any) -> None:
        names.append(self.name)
        raise ConnectionError("no broker")

    monkeypatch.setattr(Task, "apply_async", down)
    return names


def chain_of(world: World, code: str) -> SlotChain | None:
    with reading(coordinator(world)):
        return slot_chains.live_chain(order_of(world, code).stream_id)


def hold(world: World, code: str) -> None:
    actor = coordinator(world)
    with reading(actor):
        order = order_named(actor, code)
        found = queries.search_slots(actor, order, queries.step_of(actor, order, "book"), order.opened_at.date())
    step(world, code, COORDINATOR, "book", offer=found.offers[0].token)


@pytest.mark.story("CO2")
def test_a_hold_is_taken_and_ends_exactly_once(
    far: World, asked: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    code = prescribed(far, **patient())
    with django_capture_on_commit_callbacks(execute=True):
        hold(far, code)
    assert asked  # somebody was to be told at once
    chain = chain_of(far, code)
    assert chain is not None and chain.state == ChainState.HELD
    assert OutboxMessage.unwalled.filter(organization_id=far.maker.pk, sent_at__isnull=True).exists()
    past = timezone.now() - dt.timedelta(minutes=1)
    with acting(coordinator(far), "orders.step_done", stream_id=chain.stream_id):
        SlotChain.unwalled.filter(pk=chain.pk).update(held_until=past)
        HoldDue.unwalled.filter(chain_id=chain.pk).update(due_at=past)
    with django_capture_on_commit_callbacks(execute=True):
        assert (expire_slot_holds(), expire_slot_holds()) == (1, 0)
    assert chain_of(far, code) is None
    with reading(coordinator(far)):
        said = Event.unwalled.filter(stream_id=chain.stream_id, kind="scheduling.hold_expired")
        assert said.count() == 1
        assert OrderStep.unwalled.filter(order__code=code, key="book").latest("attempt").state == "ready"
    assert FreedPlace.unwalled.filter(therapy_id=far.therapy.pk).exists()  # the sweep will look at the waiting lists


def test_an_answer_that_is_late_is_told_by_the_sweep_and_frees_nothing(far: World, asked: list[str]) -> None:
    code = requested(far, 16, **patient())
    with reading(planner(far)):
        waits = OrderStep.unwalled.filter(order__code=code, key="confirm").latest("attempt")
    StepDue.unwalled.filter(step_id=waits.pk).update(due_at=timezone.now() - dt.timedelta(minutes=1))
    with acting(planner(far), "orders.step_done", stream_id=waits.stream_id):
        OrderStep.unwalled.filter(pk=waits.pk).update(due_at=timezone.now() - dt.timedelta(minutes=1))
    assert escalate_overdue_steps() >= 1
    chain = chain_of(far, code)
    assert chain is not None and chain.state == ChainState.REQUESTED


def test_a_repair_waits_and_one_that_cannot_be_queued_keeps_no_other_waiting(
    far: World, asked: list[str], monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from orders.actions import repairs

    disruption = stopped(far, confirmed(far, 16, **patient()))
    with django_capture_on_commit_callbacks(execute=True):
        found = [repairs.start_repair(planner(far), disruption.pk, {"seed": seed}) for seed in (1, 2)]
    assert asked.count("orders.tasks.work_repair") == 2
    past = timezone.now() - dt.timedelta(seconds=1)
    RepairDue.unwalled.filter(run_id__in=[run.pk for run in found]).update(due_at=past)
    assert sweep_repairs() == 0
    assert asked.count("orders.tasks.work_repair") == 4  # each was asked for again, though the first failed
    assert {again(far, run).state for run in found} == {"queued"}
    monkeypatch.undo()
    assert [repairs.work(run.pk) for run in found] == [True, True]
    assert {again(far, run).state for run in found} == {"proposed"}
