"""Ready steps that somebody has to look at in time: when, and who is told at which level.

An overdue step is never done, freed or skipped by the clock: people are told, first its owner, then who answers for the
order at both firms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from orders.models import FlowStep, Order, OrderStep, StepDue
from orders.states import OrderState, StepState

ESCALATE_AFTER = dt.timedelta(hours=4)  # from the owner to whoever answers, where the flow step does not say
OWNER, ESCALATED = 1, 2
LOOK_AGAIN = dt.timedelta(hours=1)  # while the order is on hold nobody can act


@dataclass(frozen=True)
class Verdict:
    """What is to be done about a due row: tell at ``level``, or look again ``at``; nothing left when both are empty."""

    level: int = 0
    at: dt.datetime | None = None


def watch(order: Order, steps: Iterable[OrderStep]) -> None:
    """Note when the ready ones of these steps are due; a row of a step that is not ready any more ends by the sweep."""
    rows = [
        StepDue(organization_id=order.center_id, stream_id=order.stream_id, step_id=step.pk, due_at=step.due_at)
        for step in steps
        if step.state == StepState.READY and step.due_at is not None
    ]
    if rows:
        StepDue.objects.bulk_create(rows, update_conflicts=True, unique_fields=["step_id"], update_fields=["due_at"])


def judge(row: StepDue, step: OrderStep | None, now: dt.datetime) -> Verdict:
    """Return what is to be done about a step now; ``row`` says who was told already."""
    if step is None or step.state != StepState.READY or step.due_at is None or step.order.state != OrderState.OPEN:
        return Verdict()
    if step.order.on_hold:
        return Verdict(at=now + LOOK_AGAIN)
    level = row.level + 1
    when = time_of(step.due_at, level, step.flow_step)
    return Verdict(level=level) if when <= now else Verdict(at=when)


def time_of(due_at: dt.datetime, level: int, flow_step: FlowStep) -> dt.datetime:
    """Return when a level is told: the owner when the step is due, the next level after the flow step's own delay."""
    return due_at + escalate_after(flow_step) * (level - OWNER)


def escalate_after(flow_step: FlowStep) -> dt.timedelta:
    """Return how long an overdue step waits for its owner: the flow's ``due: {escalate_hours: n}``, else four hours."""
    hours = flow_step.due.get("escalate_hours")
    return ESCALATE_AFTER if hours is None else dt.timedelta(hours=hours)
