"""What a person does with their notices."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import NotFound
from notifications.models import Notice
from notifications.queries import inbox


def mark_read(actor: Actor, notice_id: UUID) -> Notice:
    """Mark one of one's own notices as read (again does nothing); raises NotFound for anybody else's."""
    return _mark(actor, notice_id, "notifications.read", "read_at")


def mark_all_read(actor: Actor) -> int:
    """Mark all of one's own notices as read; returns how many were not."""
    with acting(actor, "notifications.read", subject=("inbox", str(actor.user_id or ""))) as event:
        count = inbox(actor).filter(read_at__isnull=True).order_by().update(read_at=timezone.now())
        event.note(notices=count)
    return count


def acknowledge(actor: Actor, notice_id: UUID) -> Notice:
    """Say “I have seen this and will act”: recorded by name (again does nothing); NotFound for anybody else's."""
    return _mark(actor, notice_id, "notifications.acknowledged", "acknowledged_at")


def _mark(actor: Actor, notice_id: UUID, kind: str, column: str) -> Notice:
    with acting(actor, kind, subject=("notice", str(notice_id))) as event:
        notice = inbox(actor).select_for_update(of=("self",)).filter(pk=notice_id).first()
        if notice is None:
            raise NotFound()
        now = timezone.now()
        if getattr(notice, column) is None:
            setattr(notice, column, now)
            notice.read_at = notice.read_at or now
            notice.save(update_fields=["read_at", "acknowledged_at"])
        if kind == "notifications.acknowledged":
            event.note(title=notice.title)
        else:
            event.note(notices=1)
    return notice
