"""Writing notices, and the e-mails that go with them. Runs inside an open event of the organization that is told."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from notifications.absences import with_deputies
from notifications.escalation_rules import rule_of
from notifications.models import Delivery, EscalationDue, Notice, Preferences
from notifications.quiet_hours import earliest, wants_mail
from notifications.recipients import Recipient
from notifications.states import Medium


def write_notices(actor: Actor, event_id: UUID, stream_id: UUID, recipients: list[Recipient]) -> None:
    """Write one notice per recipient, and per deputy of one who is away.

    E-mail waits for the end of quiet hours, unless the notice is critical.
    """
    recipients = with_deputies(actor.organization_id, recipients)
    notices = [
        Notice(
            organization_id=actor.organization_id,
            user=recipient.user,
            event_id=event_id,
            stream_id=stream_id,
            title=recipient.title[:200],
            path=recipient.path,
            due=recipient.due,
            critical=recipient.critical,
            category=recipient.category,
        )
        for recipient in recipients
    ]
    Notice.objects.bulk_create(notices)
    chosen = {
        preferences.user_id: preferences
        for preferences in Preferences.unwalled.filter(
            organization_id=actor.organization_id, user__in=[recipient.user for recipient in recipients]
        )
    }
    now = timezone.now()
    found = [_delivery(notice, chosen.get(notice.user_id), now) for notice in notices if notice.user.email]
    Delivery.objects.bulk_create([delivery for delivery in found if delivery is not None])


def await_acknowledgement(actor: Actor, event_id: UUID, recipients: list[Recipient]) -> None:
    """Let the escalation look at a critical event when its time to be acknowledged is over."""
    if not any(recipient.critical for recipient in recipients):
        return
    rule = rule_of(actor.organization_id, actor.organization_role)
    due = EscalationDue(
        event_id=event_id,
        organization_id=actor.organization_id,
        due_at=timezone.now() + dt.timedelta(minutes=rule.minutes),
    )
    EscalationDue.objects.bulk_create([due], ignore_conflicts=True)


def _delivery(notice: Notice, preferences: Preferences | None, now: dt.datetime) -> Delivery | None:
    if not notice.critical and not wants_mail(preferences, notice.category):
        return None
    return Delivery(
        notice_id=notice.pk,
        event_id=notice.event_id,
        organization_id=notice.organization_id,
        user_id=notice.user_id,
        medium=Medium.EMAIL,
        due_at=now if notice.critical else earliest(preferences, now),
    )
