"""Reads of one's own inbox, and of what could not be delivered."""

from __future__ import annotations

from django.db.models import QuerySet

from ledger import outbox
from ledger.context import Actor, reading
from ledger.models import OutboxMessage
from ledger.walls import visible
from notifications.models import Delivery, Notice


def inbox(actor: Actor) -> QuerySet[Notice]:
    """Return the acting person's notices in the acting organization, newest first; a key or job has none."""
    if not actor.is_human or actor.user_id is None:
        return Notice.unwalled.none()
    return visible(Notice, actor).filter(user_id=actor.user_id).order_by("-pk")


def unread(actor: Actor) -> int:
    """Return how many notices the acting person has not read (one query on a partial index)."""
    if not actor.is_human:
        return 0
    with reading(actor):
        return inbox(actor).filter(read_at__isnull=True).order_by().count()


def troubled_messages() -> QuerySet[OutboxMessage]:
    return outbox.troubled()


def troubled_deliveries() -> QuerySet[Delivery]:
    """Return deliveries that failed at least once and are not sent, dead ones first."""
    return Delivery.unwalled.filter(sent_at__isnull=True, attempts__gt=0).order_by("dead_at", "due_at")


def waiting() -> tuple[int, int]:
    """Return how many messages and deliveries wait to be sent (dead ones not counted)."""
    return outbox.waiting(), Delivery.unwalled.filter(sent_at__isnull=True, dead_at__isnull=True).count()
