"""Milestones of an order's boxes: which step is which, when it is expected now, and who is told before (F54).

Expected is what was planned, later by as much as the last hand-over of that way was, or is reported to be, late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from custody import shipments, way_reports
from network import lane_plans
from network import queries as network
from network.states import Milestone
from orders import way_legs
from orders.models import Order, OrderStep, WayPointDue
from orders.states import OPEN_STEP_STATES, OrderState, StepState
from orders.transit import expected_at

ON_TIME = dt.timedelta(minutes=15)
ESCALATE_AFTER = dt.timedelta(hours=1)  # from who is concerned by a missed milestone to who answers for the order
LOOK_AGAIN = dt.timedelta(hours=1)  # while the order is on hold nobody can act
PARKED = dt.timedelta(days=30)  # everything is told: looked at again when its time moves
AHEAD, MISSED, ESCALATED = 1, 2, 3
RECEIPTS = {"receive_material": "inbound", "receive_product": "outbound"}
MOMENTS = {"pickup": Milestone.PICKED_UP, "delivery": Milestone.DELIVERED}
EARLIEST = dt.timedelta(minutes=lane_plans.LONGEST_LEAD)
LONGEST_WAY = dt.timedelta(days=5)  # a delivery is looked at so much earlier: its way's legs are noted then
KIT = "kit"  # the way of the collection kit, to the treatment center


@dataclass(frozen=True)
class Verdict:
    """What is to be done about a due row: tell at ``level``, or look again ``at``; nothing left when both are empty."""

    level: int = 0
    at: dt.datetime | None = None
    time: dt.datetime | None = None
    lead: int = 0


def milestone_of(step: OrderStep) -> Milestone | None:
    """Return which milestone of a box a step is; None for a step that is none."""
    kind = step.flow_step.kind
    if kind == "pack":
        return Milestone.PACKED
    if kind == "check_kit":
        return Milestone.KIT_CHECKED
    if kind in RECEIPTS:
        return Milestone.OPENED
    return MOMENTS.get(step.flow_step.parameters.get("moment", "")) if kind == "hand_over" else None


def direction_of(step: OrderStep) -> str:
    """Return which way a milestone's box goes: ``inbound`` or ``outbound``; ``kit`` for the collection kit."""
    if step.flow_step.kind == "check_kit":
        return KIT
    return RECEIPTS.get(step.flow_step.kind) or str(step.flow_step.parameters.get("direction", ""))


def times(order: Order, steps: Iterable[OrderStep]) -> dict[UUID, dt.datetime]:
    """Return when each milestone among an order's newest attempts, in the flow's order, is expected now, by step."""
    found: dict[UUID, dt.datetime] = {}
    shifts: dict[str, dt.timedelta] = {}
    for step in steps:
        if milestone_of(step) is None:
            continue
        way = direction_of(step)
        expected = expected_at(order, step.key) if step.state in OPEN_STEP_STATES else None
        at = expected or _shifted(step, shifts.get(way, dt.timedelta()))
        if at is not None:
            found[step.pk] = at
        shifts[way] = _shift(step, expected, shifts.get(way, dt.timedelta()))
    return found


def _shifted(step: OrderStep, shift: dt.timedelta) -> dt.datetime | None:
    """Return the plan's time, later by as much; a receipt's window closes a while after the delivery that was."""
    if step.state not in OPEN_STEP_STATES or step.planned_at is None:
        return step.planned_at or step.due_at
    moved = step.planned_at + shift
    late = step.due_at if step.flow_step.kind in RECEIPTS else None
    return max(moved, late) if late else moved


def _shift(step: OrderStep, expected: dt.datetime | None, before: dt.timedelta) -> dt.timedelta:
    """Return by how much what follows on the same way is later."""
    if step.planned_at is None or step.flow_step.kind != "hand_over":
        return before
    seen = expected or (step.done_at if step.state == StepState.DONE else None)
    late = seen - step.planned_at if seen else before
    return late if late > ON_TIME or (late > dt.timedelta() and expected is not None) else dt.timedelta()


def watch(order: Order, steps: Iterable[OrderStep]) -> None:
    """Note when these open milestones are to be looked at; rows of steps that are done end by the sweep.

    Costs nothing where none of the steps is one, and one statement else.
    """
    known = ((step, step.planned_at or step.due_at) for step in steps if step.state in OPEN_STEP_STATES)
    rows = [
        WayPointDue(
            organization_id=order.center_id, stream_id=order.stream_id, step_id=step.pk, due_at=at - _earliest(step)
        )
        for step, at in known
        if at is not None and milestone_of(step) is not None
    ]
    if rows:
        WayPointDue.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["step_id", "point"], update_fields=["due_at"]
        )


def _earliest(step: OrderStep) -> dt.timedelta:
    return EARLIEST + (LONGEST_WAY if milestone_of(step) == Milestone.DELIVERED else dt.timedelta())


def most_legs(row: WayPointDue, order: Order, steps: Iterable[OrderStep]) -> int:
    """Return how many legs the longest route of the way has that a row's delivery ends; 0 for any other row."""
    step = next((one for one in steps if one.pk == row.step_id), None)
    if step is None or row.point or milestone_of(step) != Milestone.DELIVERED or step.state not in OPEN_STEP_STATES:
        return 0
    routes = way_legs.routes_between(order, direction_of(step), _box(order, step))
    return max((len(route.legs) for route in routes), default=0)


def watch_legs(row: WayPointDue, legs: int, now: dt.datetime) -> None:
    """Note that departure and arrival of so many legs are to be looked at. Called when the delivery's row is."""
    own = {"organization_id": row.organization_id, "stream_id": row.stream_id, "step_id": row.step_id}
    rows = [WayPointDue(**own, point=point, due_at=now) for point in range(1, 2 * legs + 1)]
    if rows:
        WayPointDue.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["step_id", "point"], update_fields=["due_at"]
        )


def _box(order: Order, step: OrderStep) -> Any:
    return shipments.current(order.stream_id, direction_of(step))


def known_of(order: Order, steps: Sequence[OrderStep], direction: str, box: Any) -> way_legs.Known:
    """Return what is known of a way, with or without a box; ``steps``: see ``times``."""
    expected = times(order, steps)
    own = {milestone_of(step): step for step in steps if milestone_of(step) and direction_of(step) == direction}
    pickup, delivery = own.get(Milestone.PICKED_UP), own.get(Milestone.DELIVERED)
    picked_up = box.picked_up_at if box is not None else None
    return way_legs.Known(
        begins=picked_up or (expected.get(pickup.pk) if pickup else None),
        picked_up=picked_up,
        planned_end=delivery.planned_at if delivery else None,
        expected_end=expected_at(order, delivery.key) if delivery and delivery.state in OPEN_STEP_STATES else None,
        delivered=box.delivered_at if box is not None else None,
    )


def leads(order: Order) -> dict[str, dict[str, int]]:
    """Return how many minutes before each milestone people are told, by direction: the lane's, else the sponsor's."""
    center, plant = order.center_site_id, order.plant_site_id
    found = {}
    for way, ends in (("inbound", (center, plant)), ("outbound", (plant, center))):
        lane = network.lane_between(order.manufacturer_id, *ends) if plant else None
        found[way] = lane_plans.lead_minutes(order.manufacturer_id, lane)
    return {**found, KIT: found["outbound"]}  # it goes where the product goes


def judge(row: WayPointDue, order: Order, steps: Iterable[OrderStep], now: dt.datetime) -> Verdict:
    """Return what is to be done about a milestone now; ``row`` says what was told already, and for which time."""
    newest = list(steps)
    step = next((one for one in newest if one.pk == row.step_id), None)
    at = times(order, newest).get(row.step_id)
    milestone = milestone_of(step) if step else None
    if step is None or milestone is None or at is None:
        return Verdict()
    if step.state not in OPEN_STEP_STATES or order.state != OrderState.OPEN:
        return Verdict()
    if order.on_hold:
        return Verdict(at=now + LOOK_AGAIN)
    way = direction_of(step)
    if row.point:
        leg = leg_at(row, order, newest)
        if leg is None or leg.expected is None:
            return Verdict(at=now + PARKED)  # another route has it, or nobody has the box yet
        if leg.actual is not None:
            return Verdict()
        milestone, at = leg.kind, leg.expected
    lead = leads(order)[way][milestone]
    told = 0 if row.told_for is None or abs(row.told_for - at) > ON_TIME else row.level
    for level, when in _moments(at, lead):
        if level <= told or (level == AHEAD and now >= at):
            continue
        return Verdict(level, None, at, lead) if when <= now else Verdict(at=when)
    return Verdict(at=now + PARKED)


def leg_at(row: WayPointDue, order: Order, steps: Sequence[OrderStep]) -> way_legs.Moment | None:
    """Return the leg's departure or arrival that a row is about; None before the pick-up, and on another route."""
    step = next(one for one in steps if one.pk == row.step_id)
    box = _box(order, step)
    if box is None or box.picked_up_at is None:
        return None
    known, routes = known_of(order, steps, box.direction, box), way_legs.routes_between(order, box.direction, box)
    found = way_legs.moments(routes, way_reports.reported(box.pk), known)
    return found[row.point - 1] if row.point <= len(found) else None


def _moments(at: dt.datetime, lead: int) -> list[tuple[int, dt.datetime]]:
    ahead = [(AHEAD, at - dt.timedelta(minutes=lead))] if lead else []
    return [*ahead, (MISSED, at + ON_TIME), (ESCALATED, at + ON_TIME + ESCALATE_AFTER)]
