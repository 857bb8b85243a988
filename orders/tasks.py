"""The sweeps that find overdue steps and offer free places along waiting lists. Idempotent, whoever sweeps."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from orders.actions.overdue_steps import tell_overdue
from orders.actions.waiting_list import offer_free_places
from orders.queries import due_steps
from scheduling.freed_places import forget_freed, lists_to_look_at

logger = logging.getLogger(__name__)


@shared_task
def escalate_overdue_steps() -> int:
    """Tell of every overdue step, each in its own transaction; return how many. One failure stops no other."""
    told = 0
    for row in due_steps(timezone.now()):
        try:
            told += tell_overdue(row)
        except Exception:
            logger.exception("overdue step %s could not be told", row.step_id)
    return told


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
