"""What temperatures a box may have on its way, by the order's specification, and what is told about those it had."""

from __future__ import annotations

from typing import Any

from custody.limits import degrees as degrees
from custody.readings import BoxCondition, Limits
from custody.states import Condition, Direction
from network import queries as network
from orders.models import Order

EXCURSION, IN_RANGE = "orders.excursion_found", "orders.condition_in_range"
TOLD = {EXCURSION: Condition.EXCURSION, IN_RANGE: Condition.IN_RANGE}
LONGEST_GAP = 60.0  # minutes without a reading, with which a way still counts as watched
FALLBACKS = {  # limits of the receipt, where the specification has none for the way
    Direction.INBOUND: ("receipt_min_c", "receipt_max_c"),
    Direction.OUTBOUND: (None, "storage_max_c"),
}


def limits_for(order: Order, box: Any) -> Limits:
    """Return the limits of a box: those of its lane, where that says any, else those of the therapy for its way.

    A lane's limits are judged with the lane's minutes outside them: none given, none allowed.
    """
    lane = network.lane_between(order.manufacturer_id, box.from_site_id, box.to_site_id, courier_id=box.courier_id)
    if lane is None or (lane.minimum_c is None and lane.maximum_c is None):
        return limits_of(order, box.direction)
    return Limits(_hundredths(lane.minimum_c), _hundredths(lane.maximum_c), float(lane.minutes_outside or 0))


def limits_of(order: Order, direction: str) -> Limits:
    """Return the therapy's limits of a way and the minutes that its load may be outside them (its stability budget)."""
    given, way = order.specification.limits, Direction(direction)
    low, high = FALLBACKS[way]
    return Limits(
        _hundredths(given.get(f"{way}_min_c", given.get(low) if low else None)),
        _hundredths(given.get(f"{way}_max_c", given.get(high))),
        float(given.get(f"{way}_minutes_outside") or 0),
    )


def limits_in(row: BoxCondition) -> Limits:
    """Return the limits that a box was judged by."""
    return Limits(row.minimum, row.maximum, row.minutes_allowed)


def to_tell(row: BoxCondition) -> str | None:
    """Return the kind of event that tells what is new about a box; None when nothing is.

    In range is told once the box was delivered and read all the way, and nothing speaks against it.
    """
    if row.state == Condition.EXCURSION:
        return EXCURSION if row.told != Condition.EXCURSION else None
    watched = row.shipment.delivered_at is not None and row.gap_minutes <= LONGEST_GAP and row.readings > 0
    limited = row.minimum is not None or row.maximum is not None
    return IN_RANGE if watched and limited and not row.told else None


def _hundredths(limit: Any) -> int | None:
    return None if limit is None else round(float(limit) * 100)
