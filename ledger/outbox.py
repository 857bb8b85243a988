"""The outbox: what is to be told to whom, kept until it was told. What fails is tried again, then kept dead."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event, OutboxMessage
from ledger.states import StreamKind
from ledger.walls import visible

ATTEMPTS = 8  # then a message is dead: an operator looks at it


def next_try(attempts: int) -> dt.timedelta:
    """Return how long to wait after so many failed attempts: 2, 4, 8 … minutes, at most an hour."""
    return min(dt.timedelta(minutes=2**attempts), dt.timedelta(hours=1))


def reason_of(error: Exception) -> str:
    """Return why something failed, without any text of the error: it may quote what it failed on."""
    code = getattr(error, "smtp_code", None) or getattr(getattr(error, "__cause__", None), "pgcode", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def take_due() -> OutboxMessage | None:
    """Lock and return the message that has been due the longest, and that nobody else is at; None when all is told."""
    open_messages = OutboxMessage.unwalled.filter(sent_at__isnull=True, dead_at__isnull=True)
    due = open_messages.filter(due_at__lte=timezone.now()).order_by("due_at")
    return due.select_for_update(skip_locked=True).first()


def event_told(actor: Actor, message: OutboxMessage) -> Event | None:
    """Return the message's event as the acting organization may read it; None when it may not (any more)."""
    return visible(Event, actor).filter(pk=message.event_id).first()


def mark_sent(message: OutboxMessage) -> None:
    message.sent_at, message.last_error = timezone.now(), ""
    message.attempts += 1
    message.save(update_fields=["sent_at", "last_error", "attempts"])


def mark_failed(message: OutboxMessage, error: Exception) -> None:
    """Put the message back for a later try; after the last one it is dead, and stays."""
    now = timezone.now()
    message.attempts += 1
    message.last_error = reason_of(error)
    message.due_at = now + next_try(message.attempts)
    message.dead_at = now if message.attempts >= ATTEMPTS else None
    message.save(update_fields=["attempts", "last_error", "due_at", "dead_at"])


def troubled() -> QuerySet[OutboxMessage]:
    """Return messages that failed at least once and are not sent, dead ones first."""
    failed = OutboxMessage.unwalled.filter(sent_at__isnull=True, attempts__gt=0)
    return failed.order_by("dead_at", "due_at")


def waiting() -> int:
    """Return how many messages are not told yet (dead ones not counted)."""
    return OutboxMessage.unwalled.filter(sent_at__isnull=True, dead_at__isnull=True).count()


def organizations_waiting() -> set[UUID]:
    """Return the organizations that something is to be told to."""
    return set(OutboxMessage.unwalled.values_list("organization_id", flat=True))


def quiet_the_past(actor: Actor) -> None:
    """Tell the acting organization nothing of what has happened so far, but for the newest event of each order."""
    newest = Event.unwalled.filter(stream_id=OuterRef("stream_id")).order_by("-seq").values("pk")[:1]
    with reading(actor):
        events = Event.unwalled.filter(stream__kind=StreamKind.ORDER, pk=Subquery(newest))
        current = set(events.values_list("pk", flat=True))
    pending = OutboxMessage.unwalled.filter(organization_id=actor.organization_id, sent_at__isnull=True)
    pending.exclude(event_id__in=current).update(sent_at=timezone.now())


def revive(message_id: UUID | None = None) -> int:
    """Make one troubled message (or all) due now, with all attempts again; returns how many."""
    messages = troubled() if message_id is None else troubled().filter(pk=message_id)
    return messages.order_by().update(attempts=0, dead_at=None, due_at=timezone.now())
