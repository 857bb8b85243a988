"""The sweeps: holds and offered places end, quotas are released, windows made from rules. All are idempotent."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from scheduling.actions import openings
from scheduling.actions.holds import expire_hold
from scheduling.actions.quotas import due_releases, release_unused
from scheduling.actions.waiting import expire_place
from scheduling.queries import due_calendars, due_holds, due_places

logger = logging.getLogger(__name__)


@shared_task
def expire_slot_holds() -> int:
    """End every overdue hold, each in its own transaction; return how many ended. One failure stops no other."""
    ended = 0
    for due in due_holds(timezone.now()):
        try:
            ended += expire_hold(due)
        except Exception:
            logger.exception("slot hold %s could not be ended", due.chain_id)
    return ended


@shared_task
def make_due_openings() -> int:
    """Publish what opening rules make up to the horizon, organization by organization; return for how many."""
    made = 0
    for due in due_calendars(timezone.now()):
        try:
            openings.make_due_openings(due)
            made += 1
        except Exception:
            logger.exception("windows of organization %s could not be made", due.organization_id)
    return made


@shared_task
def release_unused_quotas() -> int:
    """Move every due share's unused places into the pool, each in its own transaction; return how many places."""
    released = 0
    for due in due_releases(timezone.now()):
        try:
            released += release_unused(due)
        except Exception:
            logger.exception("unused places of allotment %s could not be released", due.allotment_id)
    return released


@shared_task
def expire_offered_places() -> int:
    """End every offered place whose time is over, each in its own transaction; return how many ended."""
    ended = 0
    for due in due_places(timezone.now()):
        try:
            ended += expire_place(due)
        except Exception:
            logger.exception("offered place %s could not be ended", due.place_id)
    return ended
