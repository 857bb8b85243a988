"""Steps of an order as rows: opening them, what becomes ready, repeats as new attempts, due times, the phase."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ledger.bulk import update_each
from ledger.context import current
from ledger.postgresql.statements import written_on
from ledger.prepared import Prepared
from orders import facts, overdue, parties, places, way_points
from orders.models import FlowStep, Order, OrderStep
from orders.states import OPEN_STEP_STATES, PASSED_STEP_STATES, OrderState, StepState


def open_steps(order: Order) -> None:
    """Make the first attempt of every step of the order's flow, each given to the party it belongs to."""
    steps = [_attempt(order, flow_step, 1) for flow_step in FlowStep.unwalled.filter(flow=order.flow)]
    parties.give(order, steps)
    OrderStep.objects.bulk_create(steps)


def _attempt(order: Order, flow_step: FlowStep, number: int) -> OrderStep:
    return OrderStep(
        stream_id=order.stream_id,
        party_ids=order.party_ids,
        order=order,
        flow_step=flow_step,
        key=flow_step.key,
        attempt=number,
        position=flow_step.position,
        capability=flow_step.capability,
    )


def latest_attempts(order: Order) -> dict[str, OrderStep]:
    """Return the newest attempt of each step, by key, in the flow's order.

    Within an act they are read once, and again when something was written; those that it has just moved on are at hand.
    """
    moment = _moment()
    if moment is None or order.steps_at_hand is None or order.steps_at_hand[0] != moment:
        order.steps_at_hand = (moment, {row.key: row for row in places.define(_attempts(order_id=order.pk))})
    return dict(order.steps_at_hand[1])


@Prepared
def _attempts(order_id: UUID) -> QuerySet[OrderStep]:
    return OrderStep.unwalled.filter(order_id=order_id).order_by("position", "attempt")


def of_kind(order: Order, kind: str) -> list[OrderStep]:
    """Return the newest attempts of the order's steps of a kind, in the flow's order."""
    return [step for step in latest_attempts(order).values() if step.flow_step.kind == kind]


def still_open(order: Order, kind: str) -> list[OrderStep]:
    """Return those of the order's steps of a kind that are neither done nor skipped; none when the flow has no such."""
    return [step for step in of_kind(order, kind) if step.state not in PASSED_STEP_STATES]


def advance(order: Order, event_id: UUID, performed: OrderStep | None = None) -> list[OrderStep]:
    """Give open steps to their parties, make ready (or skip) what can be, recompute due times and phase.

    ``performed``: the newest attempt that was just performed; what became of it is written with the others.
    Returns the steps that became ready.
    """
    became_ready: list[OrderStep] = []
    steps = latest_attempts(order)
    before = {key: _moving_part(step) for key, step in steps.items()}
    if performed is not None:
        for name in DONE:
            setattr(steps[performed.key], name, getattr(performed, name))
    changed = True
    while changed:
        changed = False
        for step in steps.values():
            if step.state == StepState.WAITING and _may_begin(order, step, steps):
                applies = facts.holds(order, step.flow_step.condition)
                step.state = StepState.READY if applies else StepState.SKIPPED
                step.ready_event_id = event_id
                step.ready_at = timezone.now()
                changed = True
                if applies:
                    became_ready.append(step)
                step.version += 1
    parties.give(order, [step for step in steps.values() if step.state in OPEN_STEP_STATES])
    set_times(order, steps)
    moved = [step for key, step in steps.items() if _moving_part(step) != before[key]]
    update_each(moved, MOVING if performed is None else (*MOVING, *DONE_BESIDE))
    overdue.watch(order, moved)
    way_points.watch(order, moved)
    set_phase(order, steps)
    order.steps_at_hand = (_moment(), steps)
    return became_ready


def _moment() -> tuple[UUID, int] | None:
    """Return the open event, and how much its connection has written so far; None outside an act."""
    acting = current()
    return (acting.event_id, written_on(connection)) if acting and acting.event_id else None


MOVING = ("state", "ready_event_id", "ready_at", "version", "planned_at", "due_at", "responsible_id", "site_id")
DONE = ("state", "summary", "version", "done_at", "done_by", "done_by_id")
DONE_BESIDE = ("summary", "done_at", "done_by", "done_by_id")


_moving_part: Callable[[OrderStep], tuple[Any, ...]] = attrgetter(*MOVING)


def _may_begin(order: Order, step: OrderStep, steps: dict[str, OrderStep]) -> bool:
    """Whether every step before it has passed, or those after which it may begin sooner."""
    if _passed(step.flow_step.after, steps):
        return True
    sooner = step.flow_step.sooner
    return bool(sooner) and _passed(sooner["after"], steps) and facts.holds(order, sooner.get("condition", []))


def _passed(keys: Iterable[str], steps: dict[str, OrderStep]) -> bool:
    return all(steps[key].state in PASSED_STEP_STATES for key in keys)


def set_times(order: Order, steps: dict[str, OrderStep]) -> None:
    """Set planned and due times of open steps as they follow from the plan and from steps done (nothing is saved)."""
    for step in steps.values():
        if step.state in OPEN_STEP_STATES:
            step.planned_at = plan_time(order, step.flow_step.planned)
            step.due_at = _due(order, step, steps) or step.planned_at


def plan_time(order: Order, name: str) -> dt.datetime | None:
    text = order.plan.get(name) if name else None
    return parse_datetime(text) if text else None


def _due(order: Order, step: OrderStep, steps: dict[str, OrderStep]) -> dt.datetime | None:
    """Return when the step is due by its rule; one that is begun again has its time from when it is ready again."""
    rule = step.flow_step.due
    if not rule:
        return None
    if "plan" in rule:
        base = plan_time(order, rule["plan"])
    elif rule.get("step") == "order":
        base = order.opened_at
    else:
        before = steps.get(rule.get("step", ""))
        base = before.done_at if before else None
    if base and step.attempt > 1 and step.ready_at and "plan" not in rule:
        base = max(base, step.ready_at)
    return base + dt.timedelta(hours=rule.get("hours", 0)) if base else None


def set_phase(order: Order, steps: dict[str, OrderStep] | None = None) -> None:
    """Derive the phase from the steps and store it for listing."""
    if order.state == OrderState.CANCELLED:
        phase = "cancelled"
    else:
        open_now = [s for s in (steps or latest_attempts(order)).values() if s.state not in PASSED_STEP_STATES]
        phase = open_now[0].flow_step.phase if open_now else "closed"
    if phase == "closed" and order.state == OrderState.OPEN:
        order.state, order.closed_at = OrderState.CLOSED, timezone.now()
    order.phase = phase
    order.version += 1
    update_each([order], ["phase", "state", "closed_at", "version", *sorted(order.to_write)])
    order.to_write = frozenset()


def reopen(order: Order, key: str, event_id: UUID, why: str = "") -> None:
    """Begin a step again: a new attempt of it and of every later step that already left waiting."""
    steps = latest_attempts(order)
    for again in [key, *_descendants(key, steps)]:
        step = steps[again]
        if step.state == StepState.WAITING:
            continue
        if step.state == StepState.READY:
            step.state, step.summary = StepState.CANCELLED, why or "Begun again"
            step.version += 1
            step.save(update_fields=["state", "summary", "version"])
        fresh = _attempt(order, step.flow_step, step.attempt + 1)
        fresh.party_ids = step.party_ids
        fresh.save(force_insert=True)
    advance(order, event_id)


def begin_again(order: Order, kinds: Collection[str], event_id: UUID) -> None:
    """Open a new attempt of the steps of these kinds alone: what was done after them happened and stays."""
    found = latest_attempts(order).values()
    begin_again_at(order, [step.key for step in found if step.flow_step.kind in kinds], event_id)


def begin_again_at(order: Order, keys: Collection[str], event_id: UUID) -> None:
    """Open a new attempt of these steps alone, as far as they are done."""
    found = latest_attempts(order).values()
    open_again(order, [step for step in found if step.key in keys and step.state == StepState.DONE], event_id)


def open_again(order: Order, steps: Iterable[OrderStep], event_id: UUID) -> None:
    """Open a new attempt of each of these steps, and of none after them."""
    for step in steps:
        fresh = _attempt(order, step.flow_step, step.attempt + 1)
        fresh.party_ids = step.party_ids
        fresh.save(force_insert=True)
    advance(order, event_id)


def append(order: Order, step: OrderStep) -> OrderStep:
    """Add a further attempt of a step to an order that has ended: a place to record what happened all the same."""
    fresh = _attempt(order, step.flow_step, step.attempt + 1)
    fresh.party_ids, fresh.state = step.party_ids, StepState.CANCELLED
    fresh.responsible_id, fresh.site_id = step.responsible_id, step.site_id
    fresh.save(force_insert=True)
    return fresh


def _descendants(key: str, steps: dict[str, OrderStep]) -> Iterable[str]:
    reached = {key}
    for step in steps.values():  # in the flow's order: predecessors come first
        if reached & set(step.flow_step.after):
            reached.add(step.key)
    return [step_key for step_key in steps if step_key in reached - {key}]


def cancel_open(order: Order) -> None:
    """Cancel every step that is still open (the order ends)."""
    for step in OrderStep.unwalled.filter(order=order, state__in=OPEN_STEP_STATES):
        step.state = StepState.CANCELLED
        step.version += 1
        step.save(update_fields=["state", "version"])
