"""What is new for the subscribers of EPCIS queries, posted: signed, tried again, dead after the last attempt.

Each event goes to a subscription once, however late its transaction ended: what was recorded within the last minutes is
looked at again, and what was told is remembered so long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import logging
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ledger import outbox
from ledger.context import Actor, reading
from ledger.walls import visible
from notifications import addresses, posting, webhook_secrets
from orders.actions.epcis_ids import give_out
from orders.epcis import documents, schedules
from orders.epcis.events import epcis_events
from orders.epcis.filters import candidates, conditions, criteria
from orders.models import EpcisFeed, EpcisSubscription, EpcisTold
from personas.queries import organization_actor

JOB = "epcis-subscriptions"
AT_ONCE = 100  # subscriptions in a run
ROWS = 200  # events of the record in a document
SECONDS = 120  # one run ends in time, however slow the receivers are
ATTEMPTS = 16  # then it is dead: about twelve hours after the first
LATE = dt.timedelta(minutes=5)  # no transaction takes longer
EVERY = dt.timedelta(seconds=15)  # how often a stream is looked at
logger = logging.getLogger(__name__)


class Ended(Exception):
    """The subscription ended meanwhile."""


def tell_due_subscribers(limit: int = AT_ONCE) -> int:
    """Post to whoever is due; return how many were tried. One that fails stops no other."""
    ends = time.monotonic() + SECONDS
    seen: set[UUID] = set()
    for done in range(limit):
        if time.monotonic() > ends:
            return done
        with transaction.atomic():
            due = EpcisFeed.unwalled.filter(dead_at__isnull=True, due_at__lte=timezone.now()).exclude(pk__in=seen)
            feed = due.order_by("due_at", "pk").select_for_update(skip_locked=True).first()
            if feed is None:
                return done
            try:
                with transaction.atomic():
                    again = _tell(feed)
                feed.attempts, feed.last_error, feed.told_at = 0, "", timezone.now()
                if not again:
                    seen.add(feed.pk)
            except Exception as error:  # whatever it is, the subscription is kept and tried again
                logger.warning("EPCIS subscription %s failed: %s", feed.subscription_id, _reason(error))
                _put_off(feed, error)
                seen.add(feed.pk)
            feed.save()
    return limit


def _tell(feed: EpcisFeed) -> bool:
    """Post the next document; return whether more is waiting."""
    actor = organization_actor(feed.organization_id, JOB)
    with reading(actor):
        row = visible(EpcisSubscription, actor).filter(pk=feed.subscription_id, ended_at__isnull=True)
        subscription = row.select_related("query").first()
        if subscription is None:
            raise Ended
        looked_at, events, origins, more = _new(actor, feed, subscription)
    if events or (subscription.report_if_empty and not more):
        _post(feed, subscription, events)
        give_out(actor, zip((event["eventID"] for event in events), origins, strict=True))
    _remember(feed, looked_at)
    now = timezone.now()
    if more:
        feed.due_at = now
    elif subscription.schedule:
        feed.due_at = schedules.following(subscription.schedule, now)
    else:
        feed.due_at = now + EVERY
    return more


def _new(
    actor: Actor, feed: EpcisFeed, subscription: EpcisSubscription
) -> tuple[list[Any], list[dict[str, Any]], list[Any], bool]:
    """Return the events of the record to look at, what of them answers, where from, and whether there are more."""
    asked = replace(criteria(subscription.query.parameters), order_by="recordTime", descending=False, most=None)
    told = EpcisTold.unwalled.filter(feed=feed).values("source_id")
    rows = candidates(actor, asked).filter(recorded_at__gte=feed.position).exclude(pk__in=told)
    found = list(rows.defer("canonical").order_by("recorded_at", "pk")[: ROWS + 1])
    more, found = len(found) > ROWS, found[:ROWS]
    passing = conditions(asked)
    events, origins = [], []
    for row, event in epcis_events(actor, found):
        if all(test(event) for test in passing):
            events.append(event)
            origins.append(row.pk)
    return found, events, origins, more


def _post(feed: EpcisFeed, subscription: EpcisSubscription, events: list[dict[str, Any]]) -> None:
    document = documents.query_document(events, subscription.query.name, str(subscription.pk))
    body = json.dumps(document, ensure_ascii=False).encode()
    token = webhook_secrets.open_text(bytes(subscription.sealed), subscription.pk)
    headers = {
        "Content-Type": "application/ld+json",
        "User-Agent": "CGT-EPCIS/1",
        "GS1-EPCIS-Version": "2.0.0",
        "GS1-CBV-Version": "2.0.0",
        "GS1-Signature": signature(token, int(timezone.now().timestamp()), body),
    }
    posting.post(addresses.resolve(subscription.dest), body, headers)


def signature(token: str, at: int, body: bytes) -> str:
    """Return what proves who sent a body: ``t=<seconds>,v1=<HMAC-SHA-256 of "seconds.body" under the token, hex>``."""
    mac = hmac.new(token.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def _remember(feed: EpcisFeed, rows: list[Any]) -> None:
    """Note what was looked at, and go on from there; what no late transaction can precede is forgotten."""
    EpcisTold.objects.bulk_create(
        [EpcisTold(feed=feed, source_id=row.pk, recorded_at=row.recorded_at) for row in rows], ignore_conflicts=True
    )
    last = rows[-1].recorded_at if rows else timezone.now()
    feed.position = max(feed.position, min(last, timezone.now() - LATE))
    EpcisTold.unwalled.filter(feed=feed, recorded_at__lt=feed.position).delete()


def _put_off(feed: EpcisFeed, error: Exception) -> None:
    now = timezone.now()
    feed.attempts += 1
    feed.last_error, feed.due_at = _reason(error)[:120], now + outbox.next_try(feed.attempts)
    if feed.attempts >= ATTEMPTS or isinstance(error, Ended):
        feed.dead_at = now


def _reason(error: Exception) -> str:
    """Return why, without any text of the receiver."""
    return f"HTTP {error.status}" if isinstance(error, posting.Answered) else outbox.reason_of(error)
