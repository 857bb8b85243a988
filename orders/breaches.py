"""What follows from an excursion: the bags, and what was made of them since, are held and a case is opened (QA7).

A case stays one as long as it is open. A breach that is read after quality assurance has decided, and is worse than
what was known then or another one, is a case of its own; the same breach read again, or more finely, is not.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from custody import material, readings, units
from custody.material import Container
from custody.readings import BoxCondition, Limits, Point, ReadingUpload, Shipment
from custody.states import ContainerState
from orders import conditions
from orders.models import Order
from quality import deviations
from quality.states import DeviationState

KIND = "excursion"
LONGEST_TEXT = 2000


def brings_more(shipment: Shipment, upload: ReadingUpload, limits: Limits) -> bool:
    """Whether what an upload brought is outside the limits where, or farther than, nothing was known to be.

    A reading between two known ones of which one is outside was counted as outside already: it is new only when it is
    worse than both. Reads all readings of the box, where the upload has any outside at all.
    """
    new = [point for point in readings.points_in(upload) if not limits.hold(point[1])]
    if not new:
        return False
    known = sorted(set(readings.points_of(shipment.pk)).difference(readings.points_in(upload)))
    return any(is_new(point, known, limits) for point in new)


def is_new(point: Point, known: Sequence[Point], limits: Limits) -> bool:
    """Whether a reading outside the limits says more than ``known`` ones (in order of time) do: where, or how far."""
    second, value = point
    place, after = bisect_left(known, second, key=_second), bisect_right(known, second, key=_second)
    neighbors = known[place:after] or known[max(place - 1, 0) : place + 1]
    if not known or not known[0][0] <= second <= known[-1][0] or all(limits.hold(one) for _, one in neighbors):
        return True
    if limits.maximum is not None and value > limits.maximum:
        return value > max(one for _, one in neighbors)
    return value < min(one for _, one in neighbors)


def hold(order: Order, shipment: Shipment, condition: BoxCondition, limits: Limits) -> list[str]:
    """Put what was in a box, and what was made of it since it was packed, into quarantine; open the case.

    Returns the codes of what is held now and was not. While a case of this box is open and nothing is to be held, it
    goes on: nothing is opened. Where it has become far worse than was told, the case says so, and it is told again.
    """
    about = f"{material.EXCURSION} of box {shipment.code}: "
    concerned = units.travelled_and_made(shipment)
    free = [bag for bag in concerned if material.can_be_quarantined(bag) and bag.state != ContainerState.QUARANTINED]
    cases = deviations.beginning(order.stream_id, KIND, about)
    open_cases = [case for case in cases if case.state == DeviationState.OPEN]
    if not free and open_cases:
        if condition.told and conditions.is_far_worse(condition):
            deviations.add_to(open_cases[-1], _worse(shipment, condition, limits))
            _tell_again(condition)
        return []
    text = about + _words(condition, limits) + _ended(concerned)
    if cases:
        text += f" {cases[-1].number} was about this box too: these readings came after it."
    text = text[:LONGEST_TEXT]
    for bag in free:
        material.quarantine(bag, text[:LONGEST_TEXT])
    deviations.open_deviation(order.stream_id, KIND, "critical", text, automatic=True)
    if condition.told:
        _tell_again(condition)
    return [bag.code for bag in free]


def _tell_again(condition: BoxCondition) -> None:
    condition.told = ""
    condition.save(update_fields=["told"])


def _worse(shipment: Shipment, condition: BoxCondition, limits: Limits) -> str:
    """Say what an open case has become: the worst reading, when it was read first, since when it was outside."""
    outside = [point for point in readings.points_of(shipment.pk) if not limits.hold(point[1])]
    second, value = max(outside, key=lambda point: (_distance(point[1], limits), -point[0]))
    return (
        f"Worse while this case is open: {conditions.degrees(value)} °C, first at {_utc(second)},"
        f" outside since {_utc(outside[0][0])}. {_words(condition, limits)}"
    )


def _distance(value: int, limits: Limits) -> int:
    above = value - limits.maximum if limits.maximum is not None else 0
    below = limits.minimum - value if limits.minimum is not None else 0
    return max(above, below)


def _utc(second: int) -> str:
    return f"{dt.datetime.fromtimestamp(second, dt.UTC):%Y-%m-%d %H:%M} UTC"


def _second(point: Point) -> int:
    return point[0]


def _words(condition: BoxCondition, limits: Limits) -> str:
    lowest, highest = conditions.degrees(condition.lowest), conditions.degrees(condition.highest)
    outside = f"{condition.minutes_outside:g} min outside, {limits.minutes_allowed:g} min allowed"
    return f"{lowest} to {highest} °C, limits {limits.words}; {outside}."


def _ended(concerned: Sequence[Container]) -> str:
    """Say what can no longer be held: used, given to the patient or destroyed before the readings came."""
    ended = [bag for bag in concerned if not material.can_be_quarantined(bag)]
    return f" Ended before: {', '.join(f'{bag.code} ({bag.state_label.lower()})' for bag in ended)}." if ended else ""
