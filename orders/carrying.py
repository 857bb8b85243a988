"""A courier's stops: where a box is taken or given, when, at which door. Nothing of what is in the box (T39)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from custody.queries import boxes_on
from custody.states import ShipmentState
from ledger.context import Actor
from ledger.models import Event
from ledger.walls import visible
from network.queries import lanes
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES, OrderState, StepState
from orders.transit import expected_at, left_when_expected
from personas.queries import sites
from scheduling.queries import windows_of

PICKUP = "pickup"
MOST = 60


@dataclass(frozen=True)
class Stop:
    """One pickup or delivery. ``window`` and ``cutoff`` are times of the origin; ``box`` is None until it is packed."""

    step: OrderStep
    is_pickup: bool
    site: Any
    other: Any
    box: Any = None
    window: Any = None
    cutoff: dt.datetime | None = None
    temperature: str = ""
    expected: dt.datetime | None = None
    left: float | None = None  # hours in reserve on arrival, since a delay was reported
    reports: list[Event] = field(default_factory=list)

    @property
    def by(self) -> dt.datetime | None:
        """The time that counts: the cut-off of a pickup, else when the hand-over is due."""
        return self.cutoff or self.step.due_at

    @property
    def zone(self) -> str:
        return str(self.site.zone) if self.site else "UTC"

    def is_late(self, now: dt.datetime) -> bool:
        return self.by is not None and self.by < now


def hand_overs(actor: Actor) -> QuerySet[OrderStep]:
    """Return pickups planned or ready, and deliveries under way, of the open orders that the courier carries."""
    ready = Q(state=StepState.READY)
    planned = Q(state__in=OPEN_STEP_STATES, responsible_id=actor.organization_id, planned_at__isnull=False)
    unanswered = OrderStep.unwalled.filter(
        order=OuterRef("order"), flow_step__kind="accept_job", state__in=OPEN_STEP_STATES
    )
    planned &= ~Q(Exists(unanswered))  # a job that control has not accepted is no driver's
    found = visible(OrderStep, actor).filter(ready | planned, flow_step__kind="hand_over", order__state=OrderState.OPEN)
    return found.select_related("flow_step", "order").order_by(F("due_at").asc(nulls_last=True), "pk")


def stops(actor: Actor, before: dt.datetime | None = None, order: Order | None = None) -> list[Stop]:
    """Return the courier's stops by the time that counts, in a fixed number of queries."""
    steps = hand_overs(actor)
    if order is not None:
        steps = steps.filter(order=order)
    if before is not None:
        steps = steps.filter(Q(due_at__lt=before) | Q(due_at__isnull=True) | Q(state=StepState.READY))
    rows = list(steps[:MOST])
    streams = [row.stream_id for row in rows]
    places = {site.pk: site for site in sites(actor).filter(pk__in={end for row in rows for end in _ends(row)})}
    boxes = {(box.stream_id, box.direction, box.state): box for box in boxes_on(actor, streams)}
    windows = windows_of(actor, streams)
    own = lanes(actor).filter(courier_id=actor.organization_id)
    ways = {(lane.origin_id, lane.destination_id): lane for lane in own}
    reports = _reports(actor, streams)
    found = []
    for row in rows:
        pickup = row.flow_step.parameters.get("moment") == PICKUP
        direction = row.flow_step.parameters.get("direction", "")
        origin, destination = _ends(row)
        lane = ways.get((origin, destination))
        here = places.get(origin if pickup else destination)
        window = windows.get(row.stream_id) if pickup and direction == "inbound" else None
        found.append(
            Stop(
                step=row,
                is_pickup=pickup,
                site=here,
                other=places.get(destination if pickup else origin),
                box=boxes.get((row.stream_id, direction, ShipmentState.PACKED if pickup else ShipmentState.PICKED_UP)),
                window=window,
                cutoff=_cutoff(lane, here, row.planned_at or row.due_at) if pickup else None,
                temperature=lane.temperature if lane else "",
                expected=expected_at(row.order, row.key),
                left=left_when_expected(row.order, row.key),
                reports=[
                    event for event in reports if event.stream_id == row.stream_id and event.payload["step"] == row.key
                ],
            )
        )
    farthest = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(found, key=lambda stop: (stop.by or farthest, stop.step.pk))


def _ends(step: OrderStep) -> tuple[Any, Any]:
    """Return the ids of the sites that the box goes from and to."""
    center, plant = step.order.center_site_id, step.order.plant_site_id
    return (center, plant) if step.flow_step.parameters.get("direction") == "inbound" else (plant, center)


def _cutoff(lane: Any, site: Any, day: dt.datetime | None) -> dt.datetime | None:
    """Return the latest pickup on the day of the plan, at the place's own clock."""
    if lane is None or site is None or day is None:
        return None
    zone = ZoneInfo(site.zone)
    return dt.datetime.combine(day.astimezone(zone).date(), lane.cutoff, zone)


def _reports(actor: Actor, streams: list[Any]) -> list[Event]:
    since = timezone.now() - dt.timedelta(days=14)
    found = visible(Event, actor).filter(stream_id__in=streams, kind="orders.pickup_failed", recorded_at__gte=since)
    return list(found.order_by("-seq"))
