"""One box of an order with everything its page and REST show: way, condition, drawing, uploads. Eleven statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from custody import queries as custody
from custody import readings, shipper_swaps
from custody.shipments import BoxPhoto, Shipment, photos_of
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.states import Role
from ledger.walls import on_stream
from orders import condition_chart, conditions, milestones, way_points, way_shown
from orders.models import Order, OrderStep

MOST_UPLOADS = 50


@dataclass(frozen=True)
class Box:
    """A box as its parties see it; nothing of it tells what is inside."""

    order: Order
    box: Any
    zone: str
    milestones: list[milestones.Milestone]
    condition: readings.BoxCondition | None
    limits: readings.Limits
    chart: condition_chart.Chart | None
    uploads: list[readings.ReadingUpload]
    carried: list[shipper_swaps.Carried]
    way: way_shown.Way
    photos: list[BoxPhoto]
    longest_gap = conditions.LONGEST_GAP  # minutes

    @property
    def lowest(self) -> str:
        """The lowest reading in degrees Celsius; empty without any."""
        return conditions.degrees(self.condition.lowest) if self.condition else ""

    @property
    def highest(self) -> str:
        """The highest reading in degrees Celsius; empty without any."""
        return conditions.degrees(self.condition.highest) if self.condition else ""


def shipment_of(actor: Actor, order: Order, box: str) -> Shipment:
    """Return a box to act on, by its outer code; NotFound for any other, and for a courier that does not carry it."""
    rows = Shipment.unwalled.select_related("shipper", "logger", "from_site", "to_site")
    found: Shipment | None = rows.filter(stream_id=order.stream_id, code=box.upper()).first()
    if found is None or (actor.organization_role == Role.COURIER and found.courier_id != actor.organization_id):
        raise NotFound()
    return found


def of_order(actor: Actor, order: Order, box: str) -> Box:
    """Return a box of an order by its outer code; NotFound for any other, and for a courier that does not carry it."""
    found = custody.shipments_of(actor, order.stream_id).filter(code=box.upper()).first()
    carries = actor.organization_role == Role.COURIER
    if found is None or (carries and found.courier_id != actor.organization_id):
        raise NotFound()
    steps = (
        on_stream(OrderStep, actor, order.stream_id)
        .select_related("flow_step", "order")
        .order_by("position", "attempt", "pk")
    )
    condition = readings.condition_of(found.pk)
    limits = conditions.limits_in(condition) if condition else conditions.limits_for(order, found)
    points = readings.points_of(found.pk) if condition else []
    leads, now = way_points.leads(order), timezone.now()
    shown = milestones.of_box(found, steps, now, leads)
    newest = list({step.key: step for step in steps}.values())
    way = way_shown.of_box(order, found, way_points.known_of(order, newest, found.direction, found), shown[2].planned)
    legs = milestones.of_legs(found, way.moments, now, leads)
    return Box(
        order=order,
        box=found,
        zone=found.to_site.zone,
        milestones=[*shown[:2], *legs, *shown[2:]],
        condition=condition,
        limits=limits,
        chart=condition_chart.draw(points, limits, found.to_site.zone),
        uploads=readings.uploads_of(found.pk, MOST_UPLOADS),
        carried=shipper_swaps.carried(found),
        photos=photos_of(found),
        way=way,
    )
