"""Events on their way to partner systems: one delivery per event and webhook, signed, tried again, then kept dead."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ledger import outbox
from ledger.context import Actor, reading
from ledger.models import Event
from ledger.walls import visible
from notifications import addresses, posting, webhook_secrets
from notifications.envelopes import envelope
from notifications.models import Delivery, Webhook
from notifications.states import Medium
from personas.queries import organization_actor

JOB = "webhook-relay"
AT_ONCE = 200
SECONDS = 120  # one run ends in time, however slow the receivers are
ATTEMPTS = 16  # then it is dead: about twelve hours after the first
logger = logging.getLogger(__name__)


class Unreachable(Exception):
    """The webhook was paused, or its organization may not read the event any more."""


def prepare(actor: Actor, event: Event) -> None:
    """Lay out one delivery of an event per webhook of the acting organization that chose its kind; again: nothing."""
    with reading(actor):
        webhooks = visible(Webhook, actor).filter(active=True)
        chosen = [hook.pk for hook in webhooks if not hook.kinds or event.kind in hook.kinds]
    Delivery.objects.bulk_create(
        [
            Delivery(event_id=event.pk, organization_id=actor.organization_id, webhook_id=hook, medium=Medium.WEBHOOK)
            for hook in chosen
        ],
        ignore_conflicts=True,
    )


def post_webhooks(limit: int = AT_ONCE) -> int:
    """Post what is due; returns how much was tried. A receiver that fails is left alone until the next run."""
    failing: set[UUID] = set()
    ends = time.monotonic() + SECONDS
    for done in range(limit):
        if time.monotonic() > ends:
            return done
        with transaction.atomic():
            waiting = Delivery.unwalled.filter(medium=Medium.WEBHOOK, sent_at__isnull=True, dead_at__isnull=True)
            due = waiting.filter(due_at__lte=timezone.now()).exclude(webhook_id__in=failing).order_by("due_at", "pk")
            delivery = due.select_for_update(skip_locked=True).first()
            if delivery is None:
                return done
            try:
                _post(delivery)
                delivery.sent_at, delivery.last_error = timezone.now(), ""
            except Exception as error:  # whatever it is, the delivery is kept and tried again
                logger.warning("webhook delivery %s failed: %s", delivery.pk, _reason(error))
                _put_off(delivery, error)
                if delivery.webhook_id is not None:
                    failing.add(delivery.webhook_id)
            delivery.attempts += 1
            delivery.save(update_fields=["sent_at", "dead_at", "due_at", "attempts", "last_error"])
    return limit


def _post(delivery: Delivery) -> None:
    if delivery.webhook_id is None:
        raise Unreachable
    actor = organization_actor(delivery.organization_id, JOB)
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)  # the receiver compares it with its own clock
    with reading(actor):
        webhook = visible(Webhook, actor).filter(pk=delivery.webhook_id, active=True).first()
        event = visible(Event, actor).filter(pk=delivery.event_id).first()
        if webhook is None or event is None:
            raise Unreachable
        body = json.dumps(envelope(actor, event), ensure_ascii=False)
        signed = webhook_secrets.signatures(webhook.pk, str(delivery.pk), now, body)
    posting.post(addresses.resolve(webhook.url), body.encode(), _headers(delivery, now, signed))


def _headers(delivery: Delivery, now: Any, signed: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "CGT-Webhooks/1",
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signed,
    }


def _put_off(delivery: Delivery, error: Exception) -> None:
    now = timezone.now()
    delivery.last_error = _reason(error)[:120]
    delivery.due_at = now + outbox.next_try(delivery.attempts + 1)
    if delivery.attempts + 1 >= ATTEMPTS or isinstance(error, Unreachable):
        delivery.dead_at = now


def _reason(error: Exception) -> str:
    """Return why, without any text of the receiver."""
    if isinstance(error, posting.Answered):
        return f"HTTP {error.status}"
    return outbox.reason_of(error)
