"""Slots of an order: declined and booked again, held too long, given back by a cancellation."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cgt.demo import clock
from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.queries import events_of
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from orders import flow_files, queries
from orders.actions.interruptions import cancel
from orders.flow import perform
from orders.flow_validation import faults
from orders.models import Order, OrderStep
from orders.states import OrderState, StepState
from orders.views.sheets import sheet_of
from scheduling.models import Slot, SlotChain
from scheduling.queries import chain_of
from scheduling.states import ChainState
from scheduling.tasks import expire_slot_holds
from tests.journeys.conftest import refused
from tests.journeys.test_flow_engine import live
from tests.journeys.test_safety_faces import browser, key
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


@pytest.mark.story("CC1")
def test_a_courier_that_declines_frees_the_chain_and_the_booking_begins_again(world: World) -> None:
    coordinator, dispatcher = world.player("center", "coordinator"), world.player("courier", "courier_dispatcher")
    free, journey = taken(world), world.journey()
    journey.run(until="confirm")
    assert (taken(world), journey.next_step().key) == (free + 4, "accept_job")  # type: ignore[union-attr]
    journey.perform("kit")  # the center goes on meanwhile

    with refused(NotAllowed):
        journey.perform("accept_job", player=world.player("courier", "courier_driver"))
    with refused(NotAllowed):
        journey.perform("accept_job", player=coordinator)
    with refused(InvalidInput) as refusal:
        journey.perform("accept_job", {"decision": "decline"})
    assert "reason" in refusal.value.fields
    declined = journey.perform("accept_job", {"decision": "decline", "reason": "No van on that day."})

    assert (declined.state, taken(world), chain_state(world, journey)) == ("failed", free, ChainState.FREED)
    order = order_of(coordinator, journey)
    assert (order.plan, order.plant_site) == ({}, None)
    assert (journey.next_step().key, step_of(coordinator, journey, "book").attempt) == ("book", 2)  # type: ignore[union-attr]
    for player in (coordinator, world.player("maker", "planner")):
        with reading(player.actor):
            event = events_of(player.actor, order.stream_id).filter(kind="orders.step_failed").get()
            assert "No van on that day." in event.payload["summary"]
            left = events_of(player.actor, order.stream_id).filter(kind="orders.party_left").get()
            assert left.payload["organization"] == dispatcher.actor.organization_name
    with reading(dispatcher.actor):  # it is no party from then on: by belt and braces it sees nothing of the order
        assert not queries.orders(dispatcher.actor).filter(code=journey.code).exists()
        assert not Order.unwalled.filter(code=journey.code).exists()
        assert not OrderStep.unwalled.filter(order_id=order.pk).exists()
        assert not SlotChain.unwalled.filter(stream_id=order.stream_id).exists()
    with refused(NotFound):
        perform(dispatcher.actor, journey.code, "accept_job", {"decision": "accept"})

    journey.run(before="readiness")
    assert (taken(world), chain_state(world, journey)) == (free + 4, ChainState.CONFIRMED)
    attempts = {key: step_of(coordinator, journey, key).attempt for key in ("confirm", "accept_job", "kit")}
    assert attempts == {"confirm": 2, "accept_job": 2, "kit": 2}


@pytest.mark.story("CC1")
def test_a_job_whose_collection_has_begun_is_not_declined_any_more(world: World) -> None:
    journey = world.journey()
    journey.run(until="confirm")
    while (step := _next_of_the_center(world, journey)) != "collect":
        journey.perform(step)
    with refused(FactsMissing) as refusal:
        journey.perform("accept_job", {"decision": "decline", "reason": "No van."})
    assert [fact.code for fact in refusal.value.facts] == ["collection_begun"]
    assert refusal.value.as_problem()["remedy"].startswith("Accept the job, or call")
    journey.perform("collect")
    journey.perform("pack")
    with refused(WrongState, "step_not_ready"):
        journey.perform("pickup", player=world.player("courier", "courier_driver"))
    journey.perform("accept_job")
    assert journey.perform("pickup").state == "done"


def _next_of_the_center(world: World, journey: Journey) -> str:
    player = world.player("center", "coordinator")
    with reading(player.actor):
        steps = queries.steps_of(player.actor, order_of(player, journey)).filter(state=StepState.READY)
        return next(step.key for step in steps if step.key != "accept_job")


@pytest.mark.story("CC1")
def test_a_dispatcher_sees_places_and_times_and_nothing_of_the_patient(world: World) -> None:
    journey, dispatcher = world.journey(), world.player("courier", "courier_dispatcher")
    journey.run(until="confirm")
    order = order_of(world.player("center", "coordinator"), journey)
    with reading(dispatcher.actor):
        mine = queries.worklist(dispatcher.actor).get(order__code=journey.code)
        shown = dict(sheet_of(dispatcher.actor, order_of(dispatcher, journey), mine).shown)
    assert mine.key == "accept_job"
    assert shown["Pickup from"] == world.clinic.name and shown["Bring to"] == world.plant.name
    assert (shown["Pickup"], shown["Arrival"]) == (order.plan["pickup"], order.plan["arrival"])
    told = " ".join(shown.values())
    secrets = (order.identity_code, world.car_t.name, journey.identity["family_name"], journey.identity["mrn"])
    assert not [secret for secret in secrets if secret in told]


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
    assert order.end_reason == "The patient chose another therapy."
    with reading(coordinator.actor):
        states = set(queries.steps_of(coordinator.actor, order).values_list("state", flat=True))
        assert states == {StepState.DONE, StepState.CANCELLED}
        assert not queries.worklist(coordinator.actor).filter(order=order).exists()
    with refused(WrongState, "order_ended"):
        journey.perform("kit")
    with refused(WrongState, "order_ended"):
        cancel(coordinator.actor, journey.code, "Again")


def with_rule(world: World, **limits: float) -> Journey:
    """An order of a flow whose manufacturer confirms by rule within these limits, with its slots requested."""
    definition = flow_files.shipped("autologous_car_t")
    request = next(step for step in definition["steps"] if step["key"] == "request")
    request["parameters"] = {f"auto_confirm_{name}": limit for name, limit in limits.items()}
    live(world, definition)
    journey = world.journey()
    journey.run(until="request")
    return journey


@pytest.mark.story("MP2")
def test_dates_within_the_manufacturer_s_rule_are_confirmed_at_once(world: World) -> None:
    journey, coordinator = with_rule(world, days_ahead=1, line_load_percent=100), world.player("center", "coordinator")
    assert chain_state(world, journey) == ChainState.CONFIRMED
    assert step_of(coordinator, journey, "confirm").state == StepState.SKIPPED
    assert step_of(coordinator, journey, "kit").state == StepState.READY
    with reading(coordinator.actor):
        chain = chain_of(coordinator.actor, order_of(coordinator, journey).stream_id)
        assert chain is not None and chain.answered_by is None and "Rule of" in chain.answered_by_name
        told = events_of(coordinator.actor, order_of(coordinator, journey).stream_id).last()
    assert told is not None and "by the manufacturer's rule" in told.payload["summary"]
    journey.run()
    assert order_of(coordinator, journey).state == OrderState.CLOSED


@pytest.mark.parametrize(
    "limits", [{"days_ahead": 300, "line_load_percent": 100}, {"days_ahead": 0, "line_load_percent": 0}]
)
def test_dates_outside_the_rule_wait_for_the_planner(world: World, limits: dict[str, float]) -> None:
    journey, coordinator = with_rule(world, **limits), world.player("center", "coordinator")
    assert chain_state(world, journey) == ChainState.REQUESTED
    assert step_of(coordinator, journey, "confirm").state == StepState.READY
    journey.perform("confirm", {"decision": "confirm"})
    assert chain_state(world, journey) == ChainState.CONFIRMED


def test_a_rule_needs_both_limits_and_a_step_that_may_be_left_out() -> None:
    definition = flow_files.shipped("autologous_car_t")
    steps = {step["key"]: step for step in definition["steps"]}
    steps["request"]["parameters"] = {"auto_confirm_days_ahead": 3}
    assert any("needs both" in fault for fault in faults(definition))
    steps["request"]["parameters"]["auto_confirm_line_load_percent"] = 80
    assert faults(definition) == []
    del steps["confirm"]["condition"]
    assert any("slots_confirmed" in fault for fault in faults(definition))


def test_after_the_infusion_an_order_is_closed_and_page_and_rest_say_so(world: World) -> None:
    journey = world.journey()
    journey.run(until="infuse")
    coordinator = world.player("center", "coordinator")
    form = {"reason": "The family asked.", "once": str(uuid4())}
    answer = browser(coordinator).post(f"/orders/{journey.code}/cancel/", form)
    told = key(world, "center", coordinator)("POST", f"{journey.code}/cancel", {"reason": "The family asked."})
    page, problem = html.unescape(answer.content.decode()), told.json()
    assert (answer.status_code, told.status_code) == (422, 422)
    assert (problem["detail"], problem["remedy"]) == ("The product was infused.", "Close the order instead.")
    assert [fact["code"] for fact in problem["facts"]] == ["already_infused"]
    for words in (problem["detail"], problem["remedy"], "An infused order is closed, not cancelled."):
        assert page.count(words) == 1, words
    assert "act again" not in page
    assert order_of(coordinator, journey).state == OrderState.OPEN
