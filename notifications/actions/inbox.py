"""What a person does with their notices: read, acknowledge, take over, hand to a colleague."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from notifications.models import Notice
from notifications.queries import inbox
from personas.queries import User

MOST_AT_ONCE = 500


def mark_read(actor: Actor, notice_id: UUID) -> Notice:
    """Mark one of one's own notices as read (again does nothing); raises NotFound for anybody else's."""
    with acting(actor, "notifications.read", subject=("notice", str(notice_id))) as event:
        notice = _own(actor, notice_id)
        if notice.read_at is None:
            notice.read_at = timezone.now()
            notice.save(update_fields=["read_at"])
        event.note(notices=1)
    return notice


def mark_many_read(actor: Actor, notice_ids: Iterable[UUID] | None = None) -> int:
    """Mark these (or all) of one's own notices as read, with one event; returns how many were not."""
    chosen = None if notice_ids is None else list(notice_ids)
    with acting(actor, "notifications.read", subject=("inbox", str(actor.user_id or ""))) as event:
        if chosen is not None and len(chosen) > MOST_AT_ONCE:
            raise InvalidInput(fields={"notices": [f"Choose at most {MOST_AT_ONCE}."]})
        found = inbox(actor).filter(read_at__isnull=True)
        found = found if chosen is None else found.filter(pk__in=chosen)
        count = found.order_by().update(read_at=timezone.now())
        event.note(notices=count)
    return count


def acknowledge(actor: Actor, notice_id: UUID) -> Notice:
    """Say “I have seen this and will act”: recorded by name (again does nothing); NotFound for anybody else's."""
    with acting(actor, "notifications.acknowledged", subject=("notice", str(notice_id))) as event:
        notice = _own(actor, notice_id)
        _acknowledge(notice)
        event.note(title=notice.title)
    return notice


def claim(actor: Actor, notice_id: UUID) -> Notice:
    """Take a task over, by name, also from a colleague: everybody who was told sees whose it is. Acknowledges it."""
    with acting(actor, "notifications.claimed", subject=("notice", str(notice_id))) as event:
        notice = _own(actor, notice_id)
        _give(notice, actor.user_id)
        _acknowledge(notice)
        event.note(title=notice.title, owner=actor.person_name)
    return notice


def assign(actor: Actor, notice_id: UUID, username: str) -> Notice:
    """Hand a task to a colleague who was told of it too; it is theirs to acknowledge."""
    with acting(actor, "notifications.claimed", subject=("notice", str(notice_id))) as event:
        notice = _own(actor, notice_id)
        told = Notice.unwalled.filter(event_id=notice.event_id, organization_id=notice.organization_id)
        colleague = (
            User.objects.select_related("person").filter(username=username, pk__in=told.values("user_id")).first()
        )
        if colleague is None:
            raise InvalidInput(fields={"username": ["Choose somebody who was told of this too."]})
        _give(notice, colleague.pk)
        event.note(title=notice.title, owner=colleague.person.name if colleague.person else username)
    return notice


def _own(actor: Actor, notice_id: UUID) -> Notice:
    notice = inbox(actor).select_for_update(of=("self",)).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound()
    return notice


def _acknowledge(notice: Notice) -> None:
    if notice.acknowledged_at is None:
        notice.acknowledged_at = timezone.now()
        notice.read_at = notice.read_at or notice.acknowledged_at
        notice.save(update_fields=["read_at", "acknowledged_at"])


def _give(notice: Notice, user_id: UUID | None) -> None:
    Notice.unwalled.filter(event_id=notice.event_id, organization_id=notice.organization_id).update(owner_id=user_id)
    notice.owner_id = user_id
