"""Temperatures of a box: taken in bulk, merged by rule, judged against its limits. Runs inside an action.

A reading is a second and a value. The same one twice is one; two values of one second are both kept, and the worse
counts. What lies before the box was packed or after it was opened is another journey's, and is not taken. Only what
lies between the neighbors of new readings is read again (``judging``).
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby, pairwise
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet

from custody import shipper_swaps
from custody.judging import Limits as Limits
from custody.judging import Point, Tally, grown, stretch, tally
from custody.logger_files import Recorded
from custody.models import BoxCondition, ReadingBlock, ReadingUpload, Shipment
from custody.states import Condition
from ledger.recording import open_event

DAY = 86_400


def take(
    shipment: Shipment, logger_code: str, sent: Recorded, digest: str, limits: Limits
) -> tuple[ReadingUpload, BoxCondition]:
    """Keep what is new of an upload and judge the box anew. Who sent it, and when, are the open event's.

    What the logger read before it went with the box, or after it no longer did, is another journey's.
    """
    event = open_event()
    spans = _with_the_box(shipment, logger_code, shipment.opened_at or event.occurred_at)
    pairs = zip(sent.times, sent.values, strict=True)
    own = [point for point in pairs if any(first <= point[0] <= last for first, last in spans)]
    known = _points_around(shipment.pk, own)
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
    return upload, _judge_box(shipment, known, fresh, limits)


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
    return _points_in(ReadingBlock.unwalled.filter(shipment_id=shipment_id))


def _points_around(shipment_id: UUID, own: Sequence[Point]) -> list[Point]:
    """Return a box's readings from the last one before ``own`` to the first one after it; more where blocks hold more.

    Blocks of before their ends were kept are read always.
    """
    if not own:
        return []
    first, last = min(own)[0], max(own)[0]
    blocks = ReadingBlock.unwalled.filter(shipment_id=shipment_id)
    before = blocks.filter(ends__lt=first).aggregate(found=Max("ends"))["found"]
    after = blocks.filter(begins__gt=last).aggregate(found=Min("begins"))["found"]
    fits = Q(begins__isnull=True) | Q(begins__lte=last, ends__gte=first)
    fits |= Q(ends=before) if before is not None else Q()
    fits |= Q(begins=after) if after is not None else Q()
    return _points_in(blocks.filter(fits))


def _points_in(blocks: QuerySet[ReadingBlock]) -> list[Point]:
    found: list[Point] = []
    for day, seconds, values in blocks.values_list("day", "seconds", "values"):
        midnight = _midnight(day)
        found += [(midnight + second, value) for second, value in zip(seconds, values, strict=True)]
    found.sort()
    return found


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
            begins=own[0][0],
            ends=own[-1][0],
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


def _judge_box(shipment: Shipment, known: Sequence[Point], fresh: Sequence[Point], limits: Limits) -> BoxCondition:
    """Judge a box anew: by what is between the neighbors of the new readings; by all of them where that does not do."""
    row = BoxCondition.unwalled.select_for_update().filter(shipment=shipment).first()
    row = row or BoxCondition(stream_id=shipment.stream_id, shipment=shipment, outside_seconds=0)
    found: Tally | None = _tally_in(row)
    if fresh and found is not None:
        before = stretch(known, fresh[0][0], fresh[-1][0])
        found = grown(found, before, sorted([*before, *fresh]), limits)
    if found is None:
        found = tally(points_of(shipment.pk), limits)
    _keep(row, found)
    row.minutes_allowed, row.minimum, row.maximum = limits.minutes_allowed, limits.minimum, limits.maximum
    if found.is_excursion(limits.minutes_allowed):
        row.state = Condition.EXCURSION
    row.gap_minutes = _longest_gap(shipment, found)
    row.save()
    return row


def _tally_in(row: BoxCondition) -> Tally | None:
    """Return what was kept of all readings; None for a box of before this was kept."""
    if row.outside_seconds is None:
        return None
    first, last = (None if at is None else int(at.timestamp()) for at in (row.first_at, row.last_at))
    bad, gap = (row.outside, row.outside_seconds), (row.gap_seconds, row.gap_at)
    return Tally(row.readings, first, last, row.lowest, row.highest, *bad, *gap)


def _keep(row: BoxCondition, found: Tally) -> None:
    for name in ("readings", "lowest", "highest", "outside", "outside_seconds", "gap_seconds", "gap_at"):
        setattr(row, name, getattr(found, name))
    row.minutes_outside = found.minutes_outside
    ends = (found.first, found.last)
    row.first_at, row.last_at = (None if end is None else dt.datetime.fromtimestamp(end, dt.UTC) for end in ends)


def _longest_gap(shipment: Shipment, found: Tally) -> float:
    """Return the longest time in minutes that nothing was read between packing and delivery (so far)."""
    packed, delivered = shipment.packed_at.timestamp(), shipment.delivered_at
    gaps = [float(found.gap_seconds), 0.0 if found.first is None else found.first - packed]
    if delivered is not None:
        gaps.append(delivered.timestamp() - (packed if found.last is None else found.last))
    return round(max(gaps) / 60, 1)
