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
DEGREE, LONGER = 100, 30.0  # hundredths of a degree; minutes
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


def is_far_worse(row: BoxCondition) -> bool:
    """Whether an excursion that was told has become another matter since: told again, though its case is open.

    It has with the first reading beyond the other limit; when the worst is twice as far outside as when it was told,
    and a degree farther; when the time outside is twice what was told, and half an hour longer.
    """
    was, now = _beyond(row, row.told_lowest, row.told_highest), _beyond(row, row.lowest, row.highest)
    for before, after in zip(was, now, strict=True):
        if after and (not before or (after >= 2 * before and after - before >= DEGREE)):
            return True
    told = row.told_minutes or 0.0
    return row.minutes_outside >= max(2 * told, told + LONGER)


def _beyond(row: BoxCondition, lowest: int | None, highest: int | None) -> tuple[int, int]:
    """Return how far below and above its limits a box was, in hundredths of a degree."""
    below = row.minimum - lowest if row.minimum is not None and lowest is not None else 0
    above = highest - row.maximum if row.maximum is not None and highest is not None else 0
    return max(below, 0), max(above, 0)


def _hundredths(limit: Any) -> int | None:
    return None if limit is None else round(float(limit) * 100)
