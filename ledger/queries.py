"""Reads of the record: actor first, narrowed querysets out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from ledger.context import Actor
from ledger.models import Event, Party, Signature
from ledger.walls import on_stream, visible


def events_of(actor: Actor, stream_id: UUID) -> QuerySet[Event]:
    """Return the stream's events that the actor's role on it may read, oldest first."""
    roles = list(
        Party.unwalled.filter(stream_id=stream_id, organization_id=actor.organization_id)
        .values_list("role", flat=True)
        .distinct()
    )
    readable = Q(audience=[]) | Q(audience__overlap=roles or ["nobody"])
    return on_stream(Event, actor, stream_id).filter(readable).order_by("seq")


def events_since(actor: Actor, kind: str, since: dt.datetime) -> QuerySet[Event]:
    """Return the events of a kind recorded since a moment, on every stream the actor's organization reads."""
    readable = Q(audience=[]) | Q(audience__contains=[actor.organization_role])
    return visible(Event, actor).filter(readable, kind=kind, recorded_at__gte=since)


def signatures_of(actor: Actor, stream_id: UUID) -> QuerySet[Signature]:
    """Return the signatures on those events of the stream that the actor's role may read."""
    readable = events_of(actor, stream_id).order_by().values("pk")
    return on_stream(Signature, actor, stream_id).filter(event__in=readable).order_by("signed_at", "position")


def signatures_on(actor: Actor, stream_id: UUID, event_ids: Iterable[UUID]) -> QuerySet[Signature]:
    """Return the signatures on events of the stream that the actor has already read."""
    found = on_stream(Signature, actor, stream_id).filter(event__in=list(event_ids))
    return found.order_by("signed_at", "position")


def refusals_about(actor: Actor, subjects: Iterable[str], since: dt.datetime) -> QuerySet[Event]:
    """Return the refused attempts of the actor's own organization on these subjects and what is below them.

    They stand on the organization's own stream, so that nobody else's slips are told. ``CT-…`` finds ``CT-…/step`` too.
    """
    about = Q(subject_id__in=[])
    for subject in subjects:
        about |= Q(subject_id=subject) | Q(subject_id__startswith=f"{subject}/")
    found = visible(Event, actor).filter(stream_id=actor.organization_id, kind="ledger.refused", recorded_at__gte=since)
    return found.filter(about).order_by("-seq")
