"""What an organization's systems left here: documents that they sent, queries that they keep under a name."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from ledger.context import Actor
from ledger.walls import visible
from orders.epcis.capturing import MOST_EVENTS as MOST_EVENTS
from orders.models import EpcisCapture, EpcisFeed, EpcisQuery, EpcisSubscription


def jobs_of(actor: Actor) -> QuerySet[EpcisCapture]:
    """Return the capture jobs of the actor's organization, newest first."""
    return visible(EpcisCapture, actor).filter(organization_id=actor.organization_id).order_by("-pk")


def kept_queries(actor: Actor) -> QuerySet[EpcisQuery]:
    """Return the queries that the actor's organization keeps, by name."""
    found = visible(EpcisQuery, actor).filter(organization_id=actor.organization_id, dropped_at__isnull=True)
    return found.order_by("name")


def subscriptions_of(actor: Actor, *asked: EpcisQuery) -> QuerySet[EpcisSubscription]:
    """Return the running subscriptions of queries of the actor's organization, the oldest first."""
    found = visible(EpcisSubscription, actor).filter(organization_id=actor.organization_id, query__in=asked)
    return found.filter(ended_at__isnull=True).order_by("pk")


def feeds_of(subscriptions: Iterable[EpcisSubscription]) -> dict[UUID, EpcisFeed]:
    """Return how far these subscriptions are, by subscription."""
    rows = EpcisFeed.unwalled.filter(subscription_id__in=[one.pk for one in subscriptions])
    return {row.subscription_id: row for row in rows}
