"""Capture jobs, read: what became of the documents that an organization's systems sent."""

from __future__ import annotations

from django.db.models import QuerySet

from ledger.context import Actor
from ledger.walls import visible
from orders.epcis.capturing import MOST_EVENTS as MOST_EVENTS
from orders.models import EpcisCapture


def jobs_of(actor: Actor) -> QuerySet[EpcisCapture]:
    """Return the capture jobs of the actor's organization, newest first."""
    return visible(EpcisCapture, actor).filter(organization_id=actor.organization_id).order_by("-pk")
