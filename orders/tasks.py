"""The sweep that finds overdue steps. Idempotent: each level of a step's attempt is told once, whoever sweeps."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from orders.actions.overdue_steps import tell_overdue
from orders.queries import due_steps

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
