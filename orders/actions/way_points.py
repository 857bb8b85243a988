"""The door by which the clock tells people of a box's milestones: before each, and when one is missed (F54).

Once per milestone, level and time: a delay that moves the time begins anew.
"""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import WrongState
from ledger.states import Role
from orders import attempts, way_legs, way_points
from orders.events import CLINICAL_AND_PLANT
from orders.models import Order, OrderStep, WayPointDue
from personas.queries import organization_actor

JOB = "tell-milestones"
KINDS = {
    way_points.AHEAD: "orders.milestone_ahead",
    way_points.MISSED: "orders.milestone_missed",
    way_points.ESCALATED: "orders.milestone_missed",
}


def tell_milestone(row: WayPointDue, now: dt.datetime | None = None) -> bool:
    """Tell whoever must act before a milestone, or whom a missed one concerns; return whether anybody is told now.

    Nothing happens when the step was done, its time moved, or another worker was faster.
    """
    now = now or timezone.now()
    actor = organization_actor(row.organization_id, JOB)
    with reading(actor):
        verdict, _ = _judged(row, now)
        legs = _most_legs(row)
    way_points.watch_legs(row, legs, now)
    if not verdict.level:
        _look_again(row, verdict)
        return False
    try:
        with acting(actor, KINDS[verdict.level], stream_id=row.stream_id) as event:
            fresh = WayPointDue.unwalled.select_for_update().filter(pk=row.pk).first()
            if fresh is None:
                raise WrongState("Somebody was faster.")
            again, step = _judged(fresh, now)
            if again != verdict or step is None:
                raise WrongState("Somebody was faster.")
            leg = way_points.leg_at(fresh, step.order, _steps(step.order)) if fresh.point else None
            event.subject_type, event.subject_id = "step", f"{step.order.code}/{step.key}"
            event.audience = (*CLINICAL_AND_PLANT, Role.COURIER)
            event.note(**_facts(step, verdict, leg))
            fresh.level, fresh.told_for, fresh.due_at = verdict.level, verdict.time, now
            fresh.save(update_fields=["level", "told_for", "due_at"])
    except WrongState:
        return False
    return True


def due_milestones(now: dt.datetime, limit: int = 500) -> list[WayPointDue]:
    """Return the rows that somebody has to look at, the oldest first. Ids and times only: see ``WayPointDue``."""
    return list(WayPointDue.unwalled.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])


def _judged(row: WayPointDue, now: dt.datetime) -> tuple[way_points.Verdict, OrderStep | None]:
    order = Order.unwalled.filter(stream_id=row.stream_id).first()
    if order is None:
        return way_points.Verdict(), None
    steps = _steps(order)
    found = next((step for step in steps if step.pk == row.step_id), None)
    return way_points.judge(row, order, steps, now), found


def _steps(order: Order) -> list[OrderStep]:
    steps = list(attempts.latest_attempts(order).values())
    for step in steps:
        step.order = order
    return steps


def _most_legs(row: WayPointDue) -> int:
    order = None if row.point else Order.unwalled.filter(stream_id=row.stream_id).first()
    return way_points.most_legs(row, order, _steps(order)) if order is not None else 0


def _facts(step: OrderStep, verdict: way_points.Verdict, leg: way_legs.Moment | None) -> dict[str, object]:
    milestone = way_points.milestone_of(step)
    assert milestone is not None and verdict.time is not None  # noqa: S101 - judged so
    return {
        "order": step.order.code,
        "step": step.key,
        "title": leg.title if leg else step.flow_step.title,
        "attempt": step.attempt,
        "milestone": leg.kind.label if leg else milestone.label,
        "leg": leg.number if leg else None,
        "direction": way_points.direction_of(step),
        "expected_at": f"{verdict.time.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "minutes_before": verdict.lead,
        "level": verdict.level,
    }


def _look_again(row: WayPointDue, verdict: way_points.Verdict) -> None:
    """Put the row off, or end it: nobody is told, so nothing is recorded."""
    same = WayPointDue.unwalled.filter(pk=row.pk, due_at=row.due_at, level=row.level)
    if verdict.at is None:
        same.delete()
    else:
        same.update(due_at=verdict.at)
