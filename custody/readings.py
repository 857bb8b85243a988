"""Temperatures of a box: taken in bulk, merged by rule, judged against its limits. Runs inside an action.

A reading is a second and a value. The same one twice is one; two values of one second are both kept, and the worse
counts. What lies before the box was packed or after it was opened is another journey's, and is not taken.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise
from uuid import UUID

from custody import shipper_swaps
from custody.logger_files import Recorded
from custody.models import BoxCondition, ReadingBlock, ReadingUpload, Shipment
from custody.states import Condition
from ledger.recording import open_event

DAY = 86_400
EARLIEST = -(10**9)  # before every value of a second
Point = tuple[int, int]  # second since the epoch, hundredths of a degree Celsius


@dataclass(frozen=True)
class Limits:
    """What a box may be: both limits belong to what passes, in hundredths of a degree; minutes it may be outside."""

    minimum: int | None = None
    maximum: int | None = None
    minutes_allowed: float = 0.0

    def hold(self, value: int) -> bool:
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    @property
    def words(self) -> str:
        low, high = (None if limit is None else f"{limit / 100:g}" for limit in (self.minimum, self.maximum))
        if low is not None and high is not None:
            return f"{low} to {high} °C"
        return f"not below {low} °C" if low is not None else f"not above {high} °C" if high else "no limits"


@dataclass(frozen=True)
class Judged:
    """What readings amount to: how long outside, and whether that is an excursion."""

    minutes_outside: float
    outside: int
    excursion: bool


def take(
    shipment: Shipment, logger_code: str, sent: Recorded, digest: str, limits: Limits
) -> tuple[ReadingUpload, BoxCondition]:
    """Keep what is new of an upload and judge the box anew. Who sent it, and when, are the open event's.

    What the logger read before it went with the box, or after it no longer did, is another journey's.
    """
    event = open_event()
    known = points_of(shipment.pk)
    spans = _with_the_box(shipment, logger_code, shipment.opened_at or event.occurred_at)
    pairs = zip(sent.times, sent.values, strict=True)
    own = [point for point in pairs if any(first <= point[0] <= last for first, last in spans)]
    fresh = sorted(set(own).difference(known))
    upload: ReadingUpload = ReadingUpload.objects.create(
        stream_id=shipment.stream_id,
        shipment=shipment,
        logger_code=logger_code,
        digest=digest,
        uploaded_at=event.occurred_at,
        organization_id=event.actor.organization_id,
        person_id=event.actor.person_id,
        taken=len(fresh),
        repeated=len(own) - len(fresh),
        elsewhen=len(sent.times) - len(own),
        out_of_order=sum(later < earlier for earlier, later in pairwise(sent.times)),
        bad=sent.bad,
        faults=[asdict(fault) for fault in sent.faults],
    )
    ReadingBlock.objects.bulk_create(_blocks(upload, fresh))
    return upload, _judge_box(shipment, sorted([*known, *fresh]), limits)


def condition_of(shipment_id: UUID) -> BoxCondition | None:
    """Return what a box's readings amount to; None without any."""
    return BoxCondition.unwalled.filter(shipment_id=shipment_id).select_related("shipment").first()


def conditions_on(stream_id: UUID) -> list[BoxCondition]:
    """Return what the readings of each box of an order amount to, in the order in which the boxes were packed."""
    found = BoxCondition.unwalled.filter(stream_id=stream_id).select_related("shipment")
    return list(found.order_by("shipment__packed_at", "pk"))


def uploads_of(shipment_id: UUID, most: int) -> list[ReadingUpload]:
    """Return what was sent of a box, newest first."""
    return list(ReadingUpload.unwalled.filter(shipment_id=shipment_id).order_by("-uploaded_at", "-pk")[:most])


def points_of(shipment_id: UUID) -> list[Point]:
    """Return a box's readings, oldest first: one statement, whatever their number."""
    found: list[Point] = []
    rows = ReadingBlock.unwalled.filter(shipment_id=shipment_id).values_list("day", "seconds", "values")
    for day, seconds, values in rows:
        midnight = _midnight(day)
        found += [(midnight + second, value) for second, value in zip(seconds, values, strict=True)]
    found.sort()
    return found


def judge(points: Sequence[Point], limits: Limits) -> Judged:
    """Judge readings in order of time. A span counts as outside when the reading at either of its ends is."""
    outside = [not limits.hold(value) for _, value in points]
    seconds = sum(
        later[0] - earlier[0]
        for (earlier, later), bad, next_bad in zip(pairwise(points), outside, outside[1:], strict=False)
        if bad or next_bad
    )
    minutes, count = seconds / 60, sum(outside)
    over = minutes > limits.minutes_allowed or not limits.minutes_allowed
    return Judged(round(minutes, 1), count, bool(count) and over)


def thinned(points: Sequence[Point], buckets: int) -> list[tuple[int, int, int]]:
    """Return at most ``buckets`` spans of equal length as (second, lowest, highest): no extreme is lost."""
    if not points:
        return []
    begin, end = points[0][0], points[-1][0]
    width = max((end - begin) / buckets, 1)
    found, place = [], 0
    for bucket in range(buckets):
        until = (
            len(points)
            if bucket == buckets - 1
            else bisect_left(points, (begin + round(width * (bucket + 1)), -(10**9)))
        )
        if until > place:
            values = [value for _, value in points[place:until]]
            found.append((points[place][0], min(values), max(values)))
            place = until
    return found


def points_in(upload: ReadingUpload) -> list[Point]:
    """Return the readings that one upload brought and were not known before, oldest first."""
    rows = ReadingBlock.unwalled.filter(upload=upload).values_list("day", "seconds", "values")
    return sorted(
        (_midnight(day) + second, value)
        for day, seconds, values in rows
        for second, value in zip(seconds, values, strict=True)
    )


def _blocks(upload: ReadingUpload, points: Sequence[Point]) -> Iterator[ReadingBlock]:
    for number, day in groupby(points, lambda point: point[0] // DAY):
        own = list(day)
        yield ReadingBlock(
            stream_id=upload.stream_id,
            shipment_id=upload.shipment_id,
            upload=upload,
            day=dt.datetime.fromtimestamp(number * DAY, dt.UTC).date(),
            seconds=[second - number * DAY for second, _ in own],
            values=[value for _, value in own],
        )


def _with_the_box(shipment: Shipment, logger_code: str, last: dt.datetime) -> list[tuple[int, int]]:
    """Return from when to when a logger went with a box, in seconds; a change of shipper may end and begin that."""
    return [
        (int(one.since.timestamp()), int((one.until or last).timestamp()))
        for one in shipper_swaps.carried(shipment)
        if one.logger_code.upper() == logger_code.upper()
    ]


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def _judge_box(shipment: Shipment, points: Sequence[Point], limits: Limits) -> BoxCondition:
    row = BoxCondition.unwalled.select_for_update().filter(shipment=shipment).first()
    row = row or BoxCondition(stream_id=shipment.stream_id, shipment=shipment)
    found = judge(points, limits)
    row.readings = len(points)
    if points:
        row.first_at, row.last_at = (dt.datetime.fromtimestamp(end[0], dt.UTC) for end in (points[0], points[-1]))
        values = [value for _, value in points]
        row.lowest, row.highest = min(values), max(values)
    row.minutes_outside, row.minutes_allowed = found.minutes_outside, limits.minutes_allowed
    row.minimum, row.maximum = limits.minimum, limits.maximum
    if found.excursion:
        row.state = Condition.EXCURSION
    row.gap_minutes = _longest_gap(shipment, points)
    row.save()
    return row


def _longest_gap(shipment: Shipment, points: Sequence[Point]) -> float:
    """Return the longest time in minutes that nothing was read between packing and delivery (so far)."""
    ends = [shipment.packed_at.timestamp(), *(second for second, _ in points)]
    if shipment.delivered_at is not None:
        ends.append(max(ends[-1], shipment.delivered_at.timestamp()))
    return round(max((later - earlier for earlier, later in pairwise(ends)), default=0) / 60, 1)
