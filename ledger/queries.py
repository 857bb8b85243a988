"""Reads of the record: actor first, narrowed querysets out."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from ledger.context import Actor
from ledger.models import Event, Party, Signature
from ledger.walls import visible


def events_of(actor: Actor, stream_id: UUID) -> QuerySet[Event]:
    """Return the stream's events that the actor's role on it may read, oldest first."""
    roles = list(
        Party.unwalled.filter(stream_id=stream_id, organization_id=actor.organization_id)
        .values_list("role", flat=True)
        .distinct()
    )
    readable = Q(audience=[]) | Q(audience__overlap=roles or ["nobody"])
    return visible(Event, actor).filter(readable, stream_id=stream_id).order_by("seq")


def signatures_of(actor: Actor, stream_id: UUID) -> QuerySet[Signature]:
    """Return the signatures on those events of the stream that the actor's role may read."""
    readable = events_of(actor, stream_id).order_by().values("pk")
    return visible(Signature, actor).filter(stream_id=stream_id, event__in=readable).order_by("signed_at", "position")
