"""The relay: from the outbox to inboxes and e-mail. At least once out, exactly once seen; running it twice is fine."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ledger import outbox
from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.models import Event, OutboxMessage
from ledger.recording import acting
from notifications.actions.telling import await_acknowledgement, write_notices
from notifications.actions.webhook_deliveries import prepare
from notifications.mail import message_for
from notifications.models import Delivery, Notice
from notifications.recipients import Recipient, recipients_of, still_open
from notifications.states import Medium, NoticeClass
from personas.queries import account, organization_actor, zone_of

JOB = "notification-relay"
AT_ONCE = 200
logger = logging.getLogger(__name__)


class NobodyThere(Exception):
    """The account was closed or has no address."""


class Settled(Exception):
    """Somebody did it while the e-mail waited for the end of quiet hours: there is nothing left to say."""


def relay(limit: int = AT_ONCE) -> int:
    """Turn due outbox messages into notices; returns how many were taken up. A failing one never stops the others."""
    for done in range(limit):
        with transaction.atomic():
            message = outbox.take_due()
            if message is None:
                return done
            try:
                _tell(message)
                outbox.mark_sent(message)
            except Exception as error:  # whatever it is, the message is kept and tried again
                logger.warning("outbox message %s failed: %s", message.pk, outbox.reason_of(error))
                outbox.mark_failed(message, error)
    return limit


def _tell(message: OutboxMessage) -> None:
    """Write the notices of one message, all or none, inside the organization that is told."""
    with transaction.atomic():
        actor = organization_actor(message.organization_id, JOB)
        with reading(actor):
            event = outbox.event_told(actor, message)
            recipients = recipients_of(actor, event) if event else []
            waiting = still_open(actor, event) if event else None
        if event is not None:
            prepare(actor, event)
        if event is not None and waiting is not None:
            _settle(actor, event, waiting)
        if event is not None and recipients:
            _write(actor, event, recipients)


def _write(actor: Actor, event: Event, recipients: list[Recipient]) -> None:
    with acting(actor, "notifications.told", subject=("event", str(event.pk))) as told:
        write_notices(actor, event.pk, event.stream_id, recipients)
        await_acknowledgement(actor, event.pk, recipients)
        told.note(
            people=[r.user.person.name if r.user.person else r.user.username for r in recipients],
            about=kind_named(event.kind).label,
        )


def _settle(actor: Actor, event: Event, waiting: set[UUID]) -> None:
    """Settle the tasks of an order that somebody did meanwhile."""
    with reading(actor):
        mine = Notice.unwalled.filter(organization_id=actor.organization_id, stream_id=event.stream_id)
        moot = mine.filter(settled_at__isnull=True, category=NoticeClass.TASK).exclude(event_id__in=waiting)
        ids = list(moot.values_list("pk", flat=True))
    if ids:
        with acting(actor, "notifications.settled", subject=("event", str(event.pk))) as settled:
            count = Notice.unwalled.filter(pk__in=ids).update(settled_at=timezone.now())
            settled.note(notices=count)


def send_mail(limit: int = AT_ONCE) -> int:
    """Send due e-mails; returns how many were tried. Each is sent while its row is locked, so that two relays share."""
    for done in range(limit):
        with transaction.atomic():
            open_deliveries = Delivery.unwalled.filter(medium=Medium.EMAIL, sent_at__isnull=True, dead_at__isnull=True)
            due = open_deliveries.filter(due_at__lte=timezone.now()).order_by("due_at")
            delivery = due.select_for_update(skip_locked=True).first()
            if delivery is None:
                return done
            try:
                _send(delivery)
                delivery.sent_at, delivery.last_error = timezone.now(), ""
                delivery.attempts += 1
            except Settled:
                delivery.dead_at, delivery.last_error = timezone.now(), "settled"
            except Exception as error:  # kept and tried again, as above
                logger.warning("delivery %s failed: %s", delivery.pk, outbox.reason_of(error))
                _put_off(delivery, error)
                delivery.attempts += 1
            delivery.save(update_fields=["sent_at", "dead_at", "due_at", "attempts", "last_error"])
    return limit


def _send(delivery: Delivery) -> None:
    actor = organization_actor(delivery.organization_id, JOB)
    if delivery.user_id is None:
        raise NobodyThere
    with reading(actor):
        notice = Notice.unwalled.get(pk=delivery.notice_id)
        zone = zone_of(delivery.organization_id, delivery.user_id)
    if notice.settled_at is not None and delivery.attempts == 0:
        raise Settled
    user = account(delivery.user_id)
    if not user.is_active or not user.email:
        raise NobodyThere
    message_for(delivery, notice, user.email, actor.organization_name, zone).send()


def _put_off(delivery: Delivery, error: Exception) -> None:
    now = timezone.now()
    delivery.last_error = outbox.reason_of(error)[:120]
    delivery.due_at = now + outbox.next_try(delivery.attempts + 1)
    if delivery.attempts + 1 >= outbox.ATTEMPTS or isinstance(error, NobodyThere):
        delivery.dead_at = now


def retry(limit_to: str | None = None) -> int:
    """Make troubled messages and deliveries (or the one with this id) due now, with all attempts; returns how many."""
    deliveries = Delivery.unwalled.filter(sent_at__isnull=True, attempts__gt=0)
    if limit_to is not None:
        deliveries = deliveries.filter(pk=limit_to)
    revived = deliveries.update(attempts=0, dead_at=None, due_at=timezone.now())
    return revived + outbox.revive(limit_to)  # type: ignore[arg-type]
