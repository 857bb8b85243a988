"""What is told of a courier's job, and when: worked out of its times, before a window opens and when it was missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from custody.models import CourierJob
from custody.states import JobKind, JobState

ON_TIME = dt.timedelta(minutes=15)
LEAD = dt.timedelta(hours=1)  # before the window opens, and before the delivery is due
NEW, FAILED, PICKUP_AHEAD, PICKUP_MISSED, DELIVERY_AHEAD, DELIVERY_MISSED, DELIVERED, CANCELLED = range(8)
AGAIN = ~sum(1 << bit for bit in (FAILED, PICKUP_AHEAD, PICKUP_MISSED, DELIVERY_AHEAD, DELIVERY_MISSED))


@dataclass(frozen=True)
class Word:
    """Something that is told of a job: when, in which words; not any more from ``until`` on."""

    bit: int
    at: dt.datetime
    words: str
    until: dt.datetime | None = None


def words_for(job: CourierJob, organization_id: UUID) -> Iterator[Word]:
    """Yield what one of a job's organizations is told, in the order of its bits."""
    what = f"{JobKind(job.kind).label.lower()} {job.number}"
    courier, sender = (organization_id == one for one in (job.courier_id, job.sender_id))
    booker = organization_id == job.booked_by_id
    if job.state == JobState.CANCELLED:
        if not booker and job.cancelled_at is not None:
            yield Word(CANCELLED, job.cancelled_at, f"Cancelled: {what}")
        return
    if not booker:
        yield Word(NEW, job.booked_at, f"{'New job' if courier else 'Courier booked'}: {what}")
    if job.failed_at is not None and not courier:
        yield Word(FAILED, job.failed_at, f"Could not be fetched: {what}")
    if job.state == JobState.BOOKED:
        if courier or sender:
            yield Word(PICKUP_AHEAD, job.window_from - LEAD, f"To be fetched: {what}", job.window_until)
        yield Word(PICKUP_MISSED, job.window_until + ON_TIME, f"Missed, not fetched: {what}")
    if job.state == JobState.PICKED_UP and (courier or organization_id == job.receiver_id):
        yield Word(DELIVERY_AHEAD, job.deliver_by - LEAD, f"To be delivered: {what}", job.deliver_by)
    if job.state != JobState.DELIVERED:
        yield Word(DELIVERY_MISSED, job.deliver_by + ON_TIME, f"Missed, not delivered: {what}")
    elif not courier and job.delivered_at is not None:
        yield Word(DELIVERED, job.delivered_at, f"Delivered: {what}")
