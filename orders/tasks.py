"""Sweeps over overdue steps, waiting lists and repairs, and the repair itself. Idempotent, whoever asks."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from custody.actions.job_telling import due_jobs, tell_job
from custody.actions.returns import due_returns, tell_overdue_return
from ledger import sweeps
from orders.actions import excursions, repairs, stop_runs, what_ifs
from orders.actions.date_requests import tell_overdue_request, tell_plant
from orders.actions.epcis_deliveries import tell_due_subscribers
from orders.actions.overdue_steps import tell_overdue
from orders.actions.store_readings import due_alarms, follow_due
from orders.actions.waiting_list import offer_free_places
from orders.actions.way_points import due_milestones, tell_milestone
from orders.queries import due_steps
from quality import stop_runs as stops_at_work
from scheduling.date_requests import due_requests, plants_to_tell
from scheduling.disrupted import due_repairs
from scheduling.freed_places import forget_freed, lists_to_look_at
from scheduling.repair import runs

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def tell_subscribers() -> int:
    """Post what is new to the subscribers of EPCIS queries; return how many were tried."""
    return tell_due_subscribers()


@shared_task
def escalate_overdue_steps() -> int:
    """Tell of every overdue step, each in its own transaction; return how many. One failure stops no other."""
    return sweeps.each(due_steps(timezone.now()), tell_overdue, "overdue step %s could not be told", name="step_id")


@shared_task
def escalate_date_requests() -> int:
    """Tell of every request for dates that is not answered in time; return how many. One failure stops no other."""
    failure = "overdue request for dates %s could not be told"
    return sweeps.each(due_requests(timezone.now()), tell_overdue_request, failure, name="request_id")


@shared_task
def tell_requested_days() -> int:
    """Tell contract manufacturers of days that are wished of their plants; return how many. One failure stops no
    other."""
    failure = "days of request %s could not be told"
    return sweeps.each(plants_to_tell(timezone.now()), tell_plant, failure, name="request_id")


@shared_task
def tell_milestones() -> int:
    """Tell of every milestone of a box that comes up or was missed; return how many. One failure stops no other."""
    failure = "milestone of step %s could not be told"
    return sweeps.each(due_milestones(timezone.now()), tell_milestone, failure, name="step_id")


@shared_task
def tell_conditions() -> int:
    """Tell what is left untold of boxes' temperatures; return how many. One failure stops no other."""
    failure = "condition of box %s could not be told"
    return sweeps.each(excursions.due_conditions(timezone.now()), excursions.tell_watched, failure, name="shipment_id")


@shared_task
def tell_overdue_returns() -> int:
    """Tell of every empty shipper that is not back in time; return how many. One failure stops no other."""
    failure = "overdue return %s could not be told"
    return sweeps.each(due_returns(timezone.now()), tell_overdue_return, failure, name="return_id")


@shared_task
def tell_courier_jobs() -> int:
    """Tell what is new, comes up or was missed of kits and empty shippers; return how many words. One failure stops no
    other."""
    failure = "courier's job %s could not be told"
    return sweeps.each(due_jobs(timezone.now()), tell_job, failure, name="job_id")


@shared_task
def follow_store_alarms() -> int:
    """Tell, and hold what is concerned, where an alarm of the store was cut off from it; return how many alarms."""
    failure = "what follows from alarm %s could not be done"
    return sweeps.each(due_alarms(timezone.now()), follow_due, failure, name="alarm_id")


@shared_task
def offer_freed_places() -> int:
    """Offer what was freed along every list that it may serve; return how many places.

    What was freed is forgotten once every list was looked at; after a failure the next sweep looks again.
    """
    freed, lists = lists_to_look_at()
    offered, failed = 0, False
    for known in lists:
        try:
            offered += offer_free_places(known)
        except Exception:
            failed = True
            logger.exception("free places could not be offered to list %s", known.pk)
    if not failed:
        forget_freed(freed)
    return offered


@shared_task
def work_repair(run_id: str) -> bool:
    """Work a repair out; return whether it waited for a worker."""
    return repairs.work(UUID(run_id))


@shared_task
def sweep_repairs() -> int:
    """Ask again for repairs that no worker took, and end those whose worker died; return how many died."""
    died = 0
    for due in due_repairs(timezone.now()):
        if due.claimed:
            repairs.fail_repair(due, "The worker stopped before it was done. Nothing was changed; start it again.")
            died += 1
        else:
            runs.put_off(due.run_id)
            _ask_for(due.run_id)
    return died


def _ask_for(run_id: UUID) -> None:
    """Ask for a worker; when the queue does not answer, the next sweep asks again, and the other runs are asked for."""
    try:
        work_repair.apply_async((str(run_id),), retry=False)
    except Exception as error:
        logger.warning("repair %s could not be queued (%s)", run_id, type(error).__name__)


@shared_task
def work_stop(stop_id: str) -> bool:
    """Put the units of a signed stop of many orders aside; return whether it waited for a worker."""
    return stop_runs.work(UUID(stop_id))


@shared_task
def sweep_stops() -> int:
    """Ask again for stops that no worker took or whose worker died; return how many. One failure stops no other."""
    due = stops_at_work.due_stops(timezone.now())
    for one in due:
        stops_at_work.ask_again(one.stop_id)
        try:
            work_stop.apply_async((str(one.stop_id),), retry=False)
        except Exception as error:
            logger.warning("stop %s could not be queued (%s)", one.stop_id, type(error).__name__)
    return len(due)


@shared_task
def forget_what_ifs() -> int:
    """Delete what-ifs whose days are over, each in its own transaction; return how many. One failure stops no other."""
    due = runs.due_what_ifs(timezone.now())
    return sweeps.each(due, what_ifs.expire_what_if, "what-if %s could not be deleted", name="run_id")
