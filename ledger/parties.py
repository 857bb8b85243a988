"""Who takes part in a stream now. Within an act it is asked once: the stream is locked, so only the act changes it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from ledger.context import current
from ledger.models import Party
from ledger.prepared import Prepared


def parties_of(stream_id: UUID) -> list[Party]:
    """Return the parties of a stream that the acting organization sees, those that joined first before others."""
    acting = current()
    if acting is None or acting.event_id is None:
        return _parties(stream_id=stream_id)
    key = (acting.actor.organization_id, stream_id)
    if key not in acting.parties:
        acting.parties[key] = _parties(stream_id=stream_id)
    return list(acting.parties[key])


def forget_parties(stream_id: UUID) -> None:
    """Ask anew who takes part in a stream: this act has just changed it."""
    acting = current()
    for key in [key for key in acting.parties if key[1] == stream_id] if acting else []:
        del acting.parties[key]  # type: ignore[union-attr]


def note_parties(stream_id: UUID, fresh: list[Party]) -> None:
    """Let who has joined in this act count with the others."""
    acting = current()
    for key in [key for key in acting.parties if key[1] == stream_id] if acting else []:
        acting.parties[key] += fresh  # type: ignore[union-attr]


@Prepared
def _parties(stream_id: UUID) -> QuerySet[Party]:
    return Party.unwalled.filter(stream_id=stream_id, until__isnull=True).order_by("since", "pk")
