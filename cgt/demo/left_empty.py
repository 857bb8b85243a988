"""Empty shippers that nobody fetches unseen: something to see, to book and to fetch for whoever tries it."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from custody import job_register, return_register
from custody.actions.jobs import book_return
from ledger.context import Actor, reading

LEFT_FOR, MOST_LEFT = dt.timedelta(days=3), 2  # so many stay where they stand for a while


def left_to_fetch(job: Actor, now: dt.datetime) -> set[UUID]:
    """Leave the newest empty shippers where they stand, each with its courier booked: something to see and to do."""
    with reading(job):
        fresh = return_register.returns(job).filter(
            owner_id=job.organization_id, empty_since__gt=now - LEFT_FOR, handed_over_at=None
        )
        rows = list(fresh.order_by("-empty_since")[:MOST_LEFT])
        booked = {row.pk for row in rows if job_register.of_return(job, row.pk)}
    tomorrow = (now + dt.timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    times = {"window_from": tomorrow, "window_until": tomorrow + dt.timedelta(hours=3)}
    times["deliver_by"] = tomorrow + dt.timedelta(days=2)
    for row in rows[:1]:  # one is booked, another waits to be
        if row.pk not in booked:
            given = {name: at.isoformat() for name, at in times.items()}
            book_return(job, row.pk, given | {"contact": "Receiving desk", "door": "Loading bay"})
    return {row.shipper_id for row in rows}
