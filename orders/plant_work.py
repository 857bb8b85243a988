"""What a plant's people have in hand: what arrives, what is received, made, packed and shipped (MO1, CM5)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from custody import queries as custody
from ledger.context import Actor
from ledger.walls import visible
from network import queries as network
from network.lane_cutoffs import latest_pickup
from orders import gathering
from orders.attempts import plan_time
from orders.models import Order, OrderStep
from orders.states import OrderState, StepState
from quality import queries as quality
from quality.states import BatchState
from scheduling import queries as scheduling
from scheduling.states import ResourceKind

ARRIVAL, RECEIPT, START, FINISH, LABELING = "arrival", "receipt", "start", "finish", "labeling"
PACKING, PICKUP = "packing", "pickup"
KINDS = {
    "receive_material": RECEIPT,
    "start_manufacture": START,
    "finish_manufacture": FINISH,
    "label_product": LABELING,
}
AHEAD = dt.timedelta(days=7)
BEFORE_ARRIVAL = ("collection", "inbound")


@dataclass
class Task:
    """One step at the plant with what a person at the dock needs to see."""

    step: OrderStep
    order: Order
    work: str
    zone: str
    mine: bool
    at: dt.datetime | None = None
    late: bool = False
    day: str = "next"
    window: Any = None
    box: Any = None
    oldest: dt.datetime | None = None
    too_old_at: dt.datetime | None = None
    limit_hours: float | None = None
    cutoff_at: dt.datetime | None = None
    batch: Any = None

    @property
    def is_ready(self) -> bool:
        return self.step.state == StepState.READY

    @property
    def age_hours(self) -> float | None:
        """The age of the material now: hours since the end of its collection."""
        return (timezone.now() - self.oldest).total_seconds() / 3600 if self.oldest else None


def tasks(actor: Actor, may: Callable[[OrderStep], bool]) -> list[Task]:
    """Return the work of the actor's plant from arrival to shipping, by time; a constant number of queries."""
    now = timezone.now()
    rows = gathering.with_orders(actor, _steps(actor, now))
    found = [
        Task(step, step.order, _work_of(step), step.site.zone if step.site else actor.zone, may(step)) for step in rows
    ]
    _fill_movements(actor, found)
    _fill_age(actor, found)
    cutoffs = cutoffs_of(actor, [task.order for task in found])
    running = {batch.stream_id: batch for batch in quality.batches_in(actor, [BatchState.IN_MANUFACTURE])}
    for task in found:
        task.batch = running.get(task.order.stream_id) if task.work == FINISH else None
        task.cutoff_at = cutoffs.get(task.order.pk)
        _fill_time(task, now)
    return sorted(found, key=lambda task: (task.at or now + AHEAD, task.step.position, task.order.code))


def cutoffs_of(actor: Actor, orders: Iterable[Order]) -> dict[UUID, dt.datetime]:
    """Return, by order, the last pick-up with which the product is at its center as planned.

    Planned return less the lane between plant and center, at the plant's cut-off; no entry without plan or lane.
    """
    rows = [order for order in orders if order.plant_site is not None and order.plan.get("tentative_return")]
    lanes = network.lanes_from(actor, {order.plant_site_id for order in rows if order.plant_site_id})
    found = {}
    for order in rows:
        lane = lanes.get((order.manufacturer_id, order.plant_site_id, order.center_site_id))  # type: ignore[arg-type]
        arrive_by = plan_time(order, "tentative_return")
        if lane is None or arrive_by is None or order.plant_site is None:
            continue
        cutoff = latest_pickup(lane, arrive_by, order.plant_site.zone)
        if cutoff is not None:
            found[order.pk] = cutoff
    return found


def _steps(actor: Actor, now: dt.datetime) -> Sequence[OrderStep]:
    own = Q(responsible_id=actor.organization_id)
    if actor.site_id is not None:
        own &= Q(site_id=actor.site_id) | Q(site__isnull=True)
    coming = Q(state=StepState.WAITING, order__phase__in=BEFORE_ARRIVAL, planned_at__lt=now + AHEAD)
    inbound = Q(flow_step__parameters__direction="inbound", flow_step__parameters__moment="delivery")
    outbound = Q(flow_step__parameters__direction="outbound")
    arrival = own & Q(flow_step__kind="hand_over") & inbound & (Q(state=StepState.READY) | coming)
    bench = own & Q(flow_step__kind__in=list(KINDS), state=StepState.READY)
    packing = own & Q(flow_step__kind="pack", state=StepState.READY) & outbound
    pickup = Q(flow_step__kind="hand_over", state=StepState.READY, flow_step__parameters__moment="pickup") & outbound
    rows = visible(OrderStep, actor).filter(order__state=OrderState.OPEN)
    return list(rows.filter(arrival | bench | packing | pickup).select_related("flow_step", "site"))


def _work_of(step: OrderStep) -> str:
    if step.flow_step.kind == "hand_over":
        return ARRIVAL if step.flow_step.parameters.get("moment") == "delivery" else PICKUP
    return KINDS.get(step.flow_step.kind, PACKING)


def _fill_movements(actor: Actor, found: Sequence[Task]) -> None:
    """Fill in the newest box of the direction, and when the receiving bay expects it."""
    boxes: dict[tuple[UUID, str], Any] = {}
    for shipment in custody.shipments_in(actor, {task.order.stream_id for task in found}):
        boxes[shipment.stream_id, shipment.direction] = shipment
    arriving = {task.order.stream_id for task in found if task.work == ARRIVAL}
    windows = {
        chain.stream_id: link
        for chain in scheduling.live_chains(actor, arriving)
        for link in chain.links.all()
        if link.kind == ResourceKind.RECEIVING
    }
    for task in found:
        task.box = boxes.get((task.order.stream_id, "outbound" if task.work in (PACKING, PICKUP) else "inbound"))
        task.window = windows.get(task.order.stream_id)


def outbound_boxes(actor: Actor, stream_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Return the newest box on its way to the center, by stream."""
    rows = custody.shipments_in(actor, list(stream_ids)).filter(direction="outbound")
    return {shipment.stream_id: shipment for shipment in rows}


def _fill_age(actor: Actor, found: Sequence[Task]) -> None:
    """Fill in the age clock of starting material: from the end of its collection, against the order's own limit."""
    young = {task.order.stream_id for task in found if task.work in (ARRIVAL, RECEIPT, START)}
    ends: dict[UUID, list[dt.datetime]] = defaultdict(list)
    for stream_id, ended_at in custody.collection_ends(actor, young):
        ends[stream_id].append(ended_at)
    for task in found:
        if ends.get(task.order.stream_id) and task.order.stream_id in young:
            limit = float(task.order.specification.limits["max_age_hours"])
            task.oldest, task.limit_hours = min(ends[task.order.stream_id]), limit
            task.too_old_at = task.oldest + dt.timedelta(hours=limit)


def _fill_time(task: Task, now: dt.datetime) -> None:
    """Fill in when a task is due and whether that is over, today, or later, at the plant."""
    days = dt.timedelta(days=float(task.order.specification.limits.get("manufacture_days", 0)))
    times = {
        ARRIVAL: task.step.planned_at or task.step.due_at,
        FINISH: task.batch.started_at + days if task.batch else task.step.due_at,
        PACKING: task.cutoff_at or task.step.due_at,
        PICKUP: task.cutoff_at or task.step.due_at,
    }
    task.at = times.get(task.work, task.step.due_at)
    task.late = task.at is not None and task.at < now
    zone = ZoneInfo(task.zone)
    if task.late:
        task.day = "late"
    elif task.at is not None and task.at.astimezone(zone).date() == now.astimezone(zone).date():
        task.day = "today"
