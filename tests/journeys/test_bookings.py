"""Slots of an order: declined and booked again, held too long, given back by a cancellation."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo import clock
from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.queries import events_of
from ledger.refusals import FactsMissing, InvalidInput, WrongState
from orders import queries
from orders.actions.interruptions import cancel
from orders.states import OrderState, StepState
from scheduling.models import Slot
from scheduling.queries import chain_of
from scheduling.states import ChainState
from scheduling.tasks import expire_slot_holds
from tests.journeys.conftest import refused
from tests.journeys.watching import kinds_of_events, order_of, step_of
from tests.journeys.world import World


def taken(world: World) -> int:
    """How many places are taken of everything that the center knows."""
    with reading(world.player("center", "coordinator").actor):
        return sum(Slot.unwalled.values_list("taken", flat=True))


def chain_state(world: World, journey: Journey) -> str:
    actor = world.player("center", "coordinator").actor
    with reading(actor):
        return str(chain_of(actor, order_of(world.player("center", "coordinator"), journey).stream_id).state)  # type: ignore[union-attr]


@pytest.mark.story("MP2")
def test_a_declined_chain_frees_its_places_and_is_booked_again(world: World) -> None:
    coordinator, driver = world.player("center", "coordinator"), world.player("courier", "courier_driver")
    free, journey = taken(world), world.journey()
    journey.run(until="request")
    assert taken(world) == free + 4

    with refused(InvalidInput) as refusal:
        journey.perform("confirm", {"decision": "decline"})
    assert "reason" in refusal.value.fields
    declined = journey.perform("confirm", {"decision": "decline", "reason": "The suite is down."})

    assert (declined.state, taken(world), chain_state(world, journey)) == ("failed", free, ChainState.DECLINED)
    order = order_of(coordinator, journey)
    assert (order.plan, order.plant_site) == ({}, None)
    assert (journey.next_step().key, step_of(coordinator, journey, "book").attempt) == ("book", 2)  # type: ignore[union-attr]
    with reading(driver.actor):
        assert not queries.orders(driver.actor).filter(code=journey.code, party_ids__contains=[world.courier.pk])
    with reading(coordinator.actor):
        declined_event = events_of(coordinator.actor, order.stream_id).filter(kind="orders.step_failed").get()
        assert "The suite is down." in declined_event.payload["summary"]

    journey.run(before="kit")
    assert (taken(world), chain_state(world, journey)) == (free + 4, ChainState.CONFIRMED)
    assert step_of(coordinator, journey, "confirm").attempt == 2
    with reading(driver.actor):
        assert queries.orders(driver.actor).filter(code=journey.code).exists()


@pytest.mark.story("CO2")
def test_a_hold_that_nobody_requests_expires_and_the_booking_is_ready_again(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    coordinator = world.player("center", "coordinator")
    free, journey = taken(world), world.journey()
    journey.run(until="book")

    with clock.at(timezone.now() + dt.timedelta(hours=47)), django_capture_on_commit_callbacks(execute=True):
        expire_slot_holds()
    assert (taken(world), chain_state(world, journey)) == (free + 4, ChainState.HELD)

    with clock.at(timezone.now() + dt.timedelta(hours=49)):
        with refused(FactsMissing) as refusal:
            journey.perform("request")
        assert [fact.code for fact in refusal.value.facts] == ["slot_hold_expired"]
        with django_capture_on_commit_callbacks(execute=True):
            assert expire_slot_holds() >= 1

    assert (taken(world), chain_state(world, journey)) == (free, ChainState.EXPIRED)
    assert "orders.booking_reopened" in kinds_of_events(coordinator, journey)
    booked = step_of(coordinator, journey, "book")
    assert (booked.state, booked.attempt) == (StepState.READY, 2)
    journey.run(before="kit")
    assert taken(world) == free + 4


@pytest.mark.story("CO5")
def test_a_cancelled_order_gives_its_places_back_and_is_read_only(world: World) -> None:
    coordinator = world.player("center", "coordinator")
    free, journey = taken(world), world.journey()
    journey.run(before="kit")

    with refused(InvalidInput):
        cancel(coordinator.actor, journey.code, "  ")
    cancel(coordinator.actor, journey.code, "The patient chose another therapy.")

    assert (taken(world), chain_state(world, journey)) == (free, ChainState.FREED)
    order = order_of(coordinator, journey)
    assert (order.state, order.phase) == (OrderState.CANCELLED, "cancelled")
    with reading(coordinator.actor):
        states = set(queries.steps_of(coordinator.actor, order).values_list("state", flat=True))
        assert states == {StepState.DONE, StepState.CANCELLED}
        assert not queries.worklist(coordinator.actor).filter(order=order).exists()
    with refused(WrongState, "order_ended"):
        journey.perform("kit")
    with refused(WrongState, "order_ended"):
        cancel(coordinator.actor, journey.code, "Again")
