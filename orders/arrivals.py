"""What a box has in reserve when it arrives: by the clock of what is in it, and by its shipper's hold (CR5, CC2).

Reckoned from when it is expected now, after each report of a delay anew. The hours are everybody's, also the courier's;
which clock they come from, and what it belongs to, is told to those who may know what is inside.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from custody import equipment, material, shipments
from custody.shipments import Shipment
from custody.states import ContainerKind
from network.states import Milestone
from orders import attempts, transit, way_points
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES

INBOUND, OUTBOUND = "inbound", "outbound"
CARRIED = {
    INBOUND: (ContainerKind.STARTING_MATERIAL,),
    OUTBOUND: (ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT),
}


@dataclass(frozen=True)
class Arrival:
    """When a box arrives, and the hours that its load and its shipper still keep then; None where no clock is known.

    ``warnings``: why the shipper does not hold for the way that is left and the reserve, in words.
    """

    at: dt.datetime
    load: float | None = None
    hold: float | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def left(self) -> float | None:
        """The hours in reserve: of whichever ends first. Negative: it arrives too late."""
        known = [hours for hours in (self.load, self.hold) if hours is not None]
        return min(known) if known else None

    @property
    def is_too_late(self) -> bool:
        return self.left is not None and self.left < 0

    @property
    def words(self) -> str:
        """What everybody is told; empty where no clock is known."""
        return " ".join(filter(None, [sentence(told(self.left)) if self.left is not None else "", *self.warnings]))

    @property
    def case(self) -> str:
        """What quality is told: each clock by itself."""
        clocks = (("What is inside", self.load), ("Its shipper", self.hold))
        parts = [
            f"{name} keeps {hours:g} h longer than that." if hours >= 0 else f"{name} is {-hours:g} h over by then."
            for name, hours in clocks
            if hours is not None
        ]
        return " ".join([f"It arrives about {self.at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC.", *parts, *self.warnings])


def told(left: float) -> str:
    """Say hours in reserve in words."""
    return f"{left:g} h in reserve on arrival" if left >= 0 else f"arrives {-left:g} h too late"


def sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def expected(order: Order, direction: str) -> Arrival | None:
    """Return the arrival of the box that goes this way now, packed or not; None where nobody plans or expects it."""
    newest = list(attempts.latest_attempts(order).values())
    at = next((way_points.times(order, newest).get(step.pk) for step in newest if _is_delivery(step, direction)), None)
    box = shipments.current(order.stream_id, direction)
    return of(order, direction, box if box and box.delivered_at is None else None, at) if at else None


def of(order: Order, direction: str, box: Shipment | Any | None, at: dt.datetime) -> Arrival:
    """Return what a box (None: it is not packed yet) has in reserve if it arrives then."""
    if box is None:
        bags = [bag for bag in material.of_stream(order.stream_id) if bag.kind in CARRIED[direction]]
        return Arrival(at, transit.kept_until(order, bags, at))
    until = (box.shipper.holds_until if box.shipper else None) or box.holds_until
    hold = None if until is None else round((until - at).total_seconds() / 3600, 1)
    return Arrival(at, transit.left_on_arrival(order, box, at), hold, _too_short(order, box, at))


def _is_delivery(step: OrderStep, direction: str) -> bool:
    is_delivery = way_points.milestone_of(step) == Milestone.DELIVERED and step.state in OPEN_STEP_STATES
    return is_delivery and way_points.direction_of(step) == direction


def _too_short(order: Order, box: Any, at: dt.datetime) -> list[str]:
    whole, now = transit.way(order, box.from_site, box.to_site, box.courier_id), timezone.now()
    rest = equipment.Way(max(at - now, dt.timedelta()), whole.buffer, whole.zone, whole.keepers)
    return [fact.text for fact in equipment.dispatch_facts(box, now, rest)]
