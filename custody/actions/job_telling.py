"""The door by which the clock tells of a courier's job: inside each of its organizations, each word once."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from custody import jobs
from custody.actions.jobs import said_of
from custody.job_words import words_for
from custody.models import CourierJob, JobDue
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import WrongState
from personas.queries import organization_actor

JOB = "tell-courier-jobs"
PARKED = dt.timedelta(days=30)


def tell_job(due: JobDue, now: dt.datetime | None = None) -> bool:
    """Tell one organization the next word of a job, once; return whether anybody is told now."""
    now = now or timezone.now()
    actor = organization_actor(due.organization_id, JOB)
    with reading(actor):
        job = CourierJob.unwalled.filter(pk=due.job_id).first()
        words = list(words_for(job, due.organization_id)) if job else []
    left = [word for word in words if not due.told >> word.bit & 1 and (word.until is None or now < word.until)]
    ready = next((word for word in left if word.at <= now), None)
    if ready is None or job is None:
        _look_again(due, job, [word.at for word in left], now)
        return False
    try:
        with acting(actor, "custody.job_told", subject=("job", str(job.pk))) as event:
            fresh = JobDue.unwalled.select_for_update().filter(pk=due.pk, told=due.told).first()
            if fresh is None:
                raise WrongState("Somebody was faster.")
            fresh.told, fresh.due_at = fresh.told | 1 << ready.bit, now
            fresh.save(update_fields=["told", "due_at"])
            event.note(**said_of(job), words=ready.words)
    except WrongState:
        return False
    return True


def due_jobs(now: dt.datetime, limit: int = 500) -> list[JobDue]:
    """Return the rows that somebody has to look at, the oldest first. Ids and times only: see ``JobDue``."""
    return list(JobDue.unwalled.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])


def _look_again(due: JobDue, job: CourierJob | None, times: list[dt.datetime], now: dt.datetime) -> None:
    same = JobDue.unwalled.filter(pk=due.pk, due_at=due.due_at, told=due.told)
    if job is None or (job.state not in jobs.OPEN and not times):
        same.delete()
    else:
        same.update(due_at=min(times, default=now + PARKED))
