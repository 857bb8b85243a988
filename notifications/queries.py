"""Reads of one's own inbox, and of what could not be delivered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from ledger import outbox
from ledger.context import Actor, reading
from ledger.events import EventKind
from ledger.models import Event, OutboxMessage
from ledger.refusals import NotFound
from ledger.walls import visible
from notifications import absences
from notifications.envelopes import kinds_for
from notifications.escalation_rules import Rule, rule_of
from notifications.models import Absence, Delivery, Notice, Preferences, Webhook

SHOWN = ("open", "unread", "critical", "mine", "all")


def inbox(actor: Actor) -> QuerySet[Notice]:
    """Return the acting person's notices in the acting organization, newest first; a key or job has none."""
    if not actor.is_human or actor.user_id is None:
        return Notice.unwalled.none()
    return visible(Notice, actor).filter(user_id=actor.user_id).order_by("-pk")


def shown_inbox(actor: Actor, show: str) -> QuerySet[Notice]:
    """Return the part of one's inbox that ``show`` (of ``SHOWN``) names; open: what still leaves something to do."""
    found = inbox(actor).select_related("owner__person")
    if show == "all":
        return found
    found = found.filter(settled_at__isnull=True)
    narrowed = {"unread": Q(read_at__isnull=True), "critical": Q(critical=True), "mine": Q(owner_id=actor.user_id)}
    return found.filter(narrowed[show]) if show in narrowed else found


def notice(actor: Actor, notice_id: UUID) -> Notice:
    """Return one of one's own notices; NotFound for any other."""
    found = shown_inbox(actor, "all").filter(pk=notice_id).first()
    if found is None:
        raise NotFound()
    return found


def pressing(now: dt.datetime) -> Q:
    """Return which notices come first: critical or late, and acknowledged by nobody who reads them here."""
    return Q(Q(critical=True) | Q(due__lt=now), settled_at__isnull=True, acknowledged_at__isnull=True)


def colleagues_told(actor: Actor, notices: list[Notice]) -> dict[UUID, list[Any]]:
    """Return who else was told, by event: whom a task can be handed to. One query for all notices."""
    told = visible(Notice, actor).filter(event_id__in={notice.event_id for notice in notices})
    found: dict[UUID, list[Any]] = {}
    for notice in told.exclude(Q(user_id=actor.user_id)).select_related("user__person").order_by("user__person__name"):
        found.setdefault(notice.event_id, []).append(notice.user)
    return found


def unread(actor: Actor) -> int:
    """Return how many open notices the acting person has not read (one query on a partial index)."""
    if not actor.is_human:
        return 0
    with reading(actor):
        return inbox(actor).filter(read_at__isnull=True, settled_at__isnull=True).order_by().count()


def preferences_of(actor: Actor) -> Preferences:
    """Return the acting person's preferences; what is usual where nothing was set."""
    if not actor.is_human or actor.user_id is None:
        return Preferences(zone=actor.zone)
    found = visible(Preferences, actor).filter(user_id=actor.user_id).first()
    return found or Preferences(zone=actor.zone)


def absence_of(actor: Actor) -> dict[str, Any] | None:
    """Return when the acting person is or will be away: days, zone, the deputy's user name; None if not."""
    if not actor.is_human or actor.user_id is None:
        return None
    rows = visible(Absence, actor).filter(user_id=actor.user_id, until__gt=timezone.now())
    row = rows.select_related("deputy").first()
    if row is None:
        return None
    first_day, last_day = absences.days_of(row)
    deputy = row.deputy.username if row.deputy else None
    return {"first_day": first_day, "last_day": last_day, "zone": row.zone, "deputy": deputy}


def away_words(actor: Actor) -> dict[UUID, str]:
    """Return “away until …, deputy: …” of everybody in the acting organization who is away now, by account."""
    return {user_id: found.words for user_id, found in absences.away(actor.organization_id).items()}


def task_owners(actor: Actor, stream_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """Return who in the acting organization took over what waits on these streams: (account, name) by event.

    One query for all; tasks that are settled have no owner any more. Nobody else's names are told.
    """
    rows = visible(Notice, actor).filter(stream_id__in=stream_ids, settled_at__isnull=True, owner__isnull=False)
    found = rows.order_by("pk").values_list("event_id", "owner_id", "owner__person__name")
    return {event_id: (owner_id, name or "") for event_id, owner_id, name in found}


def escalation_rule(actor: Actor) -> Rule:
    """Return when and to whom the acting organization's critical notices go on."""
    return rule_of(actor.organization_id, actor.organization_role)


def troubled_messages() -> QuerySet[OutboxMessage]:
    return outbox.troubled()


def troubled_deliveries() -> QuerySet[Delivery]:
    """Return deliveries that failed at least once and are not sent, dead ones first."""
    return Delivery.unwalled.filter(sent_at__isnull=True, attempts__gt=0).order_by("dead_at", "due_at")


def waiting() -> tuple[int, int]:
    """Return how many messages and deliveries wait to be sent (dead ones not counted)."""
    return outbox.waiting(), Delivery.unwalled.filter(sent_at__isnull=True, dead_at__isnull=True).count()


STATES = {
    "sent": Q(sent_at__isnull=False),
    "dead": Q(dead_at__isnull=False),
    "waiting": Q(sent_at__isnull=True, dead_at__isnull=True),
}


def event_kinds(actor: Actor) -> list[EventKind]:
    """Return the kinds of event that the acting organization can be told of."""
    return kinds_for(actor.organization_role)


def webhooks(actor: Actor) -> QuerySet[Webhook]:
    return visible(Webhook, actor).order_by("name", "pk")


def webhook(actor: Actor, webhook_id: UUID) -> Webhook:
    """Return one webhook of the acting organization; NotFound for any other."""
    found = webhooks(actor).filter(pk=webhook_id).first()
    if found is None:
        raise NotFound()
    return found


def delivery_counts(actor: Actor) -> dict[Any, dict[str, int]]:
    """Return how many deliveries of each webhook are sent, waiting, dead; one query for all."""
    rows = _posted(actor).order_by().values("webhook_id")
    counted: Any = rows.annotate(**{name: Count("pk", filter=condition) for name, condition in STATES.items()})
    return {row["webhook_id"]: {name: row[name] for name in STATES} for row in counted}


def webhook_deliveries(actor: Actor, webhook_id: UUID, state: str = "") -> QuerySet[Delivery]:
    """Return the deliveries of one webhook, newest first; ``state``: sent, waiting or dead only."""
    found = _posted(actor).filter(webhook_id=webhook_id)
    return found.filter(STATES[state]) if state in STATES else found


def _posted(actor: Actor) -> QuerySet[Delivery]:
    of_mine = Delivery.unwalled.filter(organization_id=actor.organization_id, webhook_id__isnull=False)
    return of_mine.order_by("-pk")


def events_told(actor: Actor, deliveries: list[Delivery]) -> dict[UUID, Any]:
    """Return the events of deliveries that the acting organization may read, by id; one query."""
    found = visible(Event, actor).filter(pk__in=[delivery.event_id for delivery in deliveries])
    return {event.pk: event for event in found.only("pk", "kind")}


def dead_webhooks(actor: Actor) -> int:
    """Return how many deliveries to the acting organization's webhooks are dead."""
    return _posted(actor).filter(STATES["dead"]).order_by().count()


def uuid_of(text: str) -> UUID | None:
    """Return the id that an address or form names; None for anything that is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
