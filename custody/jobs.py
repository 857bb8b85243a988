"""Jobs of a courier without patient material: booked, fetched, brought. Runs inside an action."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from custody.job_words import AGAIN
from custody.models import CourierJob, JobDue
from custody.states import JobKind, JobState
from ledger.recording import open_event
from ledger.refusals import Conflict, InvalidInput

FARTHEST = dt.timedelta(days=180)
OPEN = (JobState.BOOKED, JobState.PICKED_UP)


@dataclass(frozen=True)
class Times:
    """When a job is done: fetched within the window, there by ``deliver_by``."""

    window_from: dt.datetime
    window_until: dt.datetime
    deliver_by: dt.datetime

    def refuse(self, now: dt.datetime) -> None:
        """Raise InvalidInput beside the times that cannot be."""
        faults: dict[str, list[str]] = {}
        if self.window_until <= max(self.window_from, now):
            faults["window_until"] = ["Enter an end that is to come and lies after the beginning."]
        if self.window_until > now + FARTHEST:
            faults["window_until"] = ["Enter a time within half a year."]
        if self.deliver_by <= self.window_from:
            faults["deliver_by"] = ["That is before it is fetched."]
        if faults:
            raise InvalidInput(fields=faults)


def book(kind: JobKind, number: str, times: Times, now: dt.datetime, **facts: Any) -> CourierJob:
    """Book a job for the acting organization, and have its parties told. ``facts``: see ``CourierJob``.

    Raises InvalidInput for times that cannot be, Conflict ``job_open`` where the shipper's return is booked already.
    """
    times.refuse(now)
    event = open_event()
    job = CourierJob(
        kind=kind,
        number=number.strip(),
        booked_by_id=event.actor.organization_id,
        booked_at=now,
        window_from=times.window_from,
        window_until=times.window_until,
        deliver_by=times.deliver_by,
        **facts,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if "custody_job_once" not in str(error):
            raise
        raise Conflict("Its way back is booked already.", code="job_open", remedy="Cancel that job first.") from error
    tell(job, now)
    return job


def tell(job: CourierJob, now: dt.datetime, *, again: bool = False) -> None:
    """Have every party's sweep look at a job now; ``again``: its times are new, so that they are told anew."""
    rows = [JobDue(organization_id=one, job_id=job.pk, due_at=now) for one in job.parties]
    JobDue.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["organization_id", "job_id"], update_fields=["due_at"]
    )
    if again:
        for row in JobDue.unwalled.filter(job_id=job.pk):
            JobDue.unwalled.filter(pk=row.pk).update(told=row.told & AGAIN)


def open_of_return(return_id: UUID) -> CourierJob | None:
    """Return the job by which an empty shipper goes back; None where nobody booked one."""
    return CourierJob.unwalled.select_for_update().filter(returning_id=return_id, state__in=OPEN).first()


def fetched(job: CourierJob, at: dt.datetime, now: dt.datetime) -> None:
    job.state, job.picked_up_at = JobState.PICKED_UP, at
    job.save(update_fields=["state", "picked_up_at"])
    tell(job, now)


def brought(job: CourierJob, at: dt.datetime, now: dt.datetime) -> None:
    job.state, job.delivered_at = JobState.DELIVERED, at
    job.save(update_fields=["state", "delivered_at"])
    tell(job, now)
