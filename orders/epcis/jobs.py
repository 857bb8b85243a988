"""What an organization's systems left here: documents that they sent, queries that they keep under a name."""

from __future__ import annotations

from django.db.models import QuerySet

from ledger.context import Actor
from ledger.walls import visible
from orders.epcis.capturing import MOST_EVENTS as MOST_EVENTS
from orders.models import EpcisCapture, EpcisQuery


def jobs_of(actor: Actor) -> QuerySet[EpcisCapture]:
    """Return the capture jobs of the actor's organization, newest first."""
    return visible(EpcisCapture, actor).filter(organization_id=actor.organization_id).order_by("-pk")


def kept_queries(actor: Actor) -> QuerySet[EpcisQuery]:
    """Return the queries that the actor's organization keeps, by name."""
    found = visible(EpcisQuery, actor).filter(organization_id=actor.organization_id, dropped_at__isnull=True)
    return found.order_by("name")
