"""How urgent an order is, as a class. Points for urgency stay with the center; the class alone leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import open_event
from ledger.walls import visible
from network import queries as network
from scheduling.models import UrgencyClass, WaitingEntry
from scheduling.states import CriterionKind, Urgency


def class_of(criteria: Sequence[Mapping[str, Any]], points: Mapping[str, int]) -> Urgency | None:
    """Return the class that the points for urgency come to, by thirds; None where no criterion asks for urgency."""
    asked = [one for one in criteria if one["kind"] == CriterionKind.URGENCY]
    if not asked:
        return None
    given, most = sum(points.get(one["key"], 0) for one in asked), sum(one["most"] for one in asked)
    if 3 * given > 2 * most:
        return Urgency.CANNOT_WAIT
    return Urgency.SOON if 3 * given > most else Urgency.ROUTINE


def note(actor: Actor, entry: WaitingEntry, found: Urgency | None) -> None:
    """Let the manufacturer know the class of an order that waits; without one the former class is gone."""
    open_event()
    rows, level = UrgencyClass.unwalled.filter(stream_id=entry.stream_id), found or Urgency.ROUTINE
    if not rows.update(level=level, noted_at=timezone.now()) and found is not None:
        UrgencyClass.objects.create(
            stream_id=entry.stream_id,
            organization_id=entry.organization_id,
            manufacturer_id=network.therapy(actor, entry.therapy_id).manufacturer_id,
            level=level,
            noted_at=timezone.now(),
        )


def levels(actor: Actor, stream_ids: Iterable[UUID]) -> dict[UUID, Urgency]:
    """Return the classes that are known of orders, by stream: one query."""
    rows = visible(UrgencyClass, actor).filter(stream_id__in=set(stream_ids)).values_list("stream_id", "level")
    return {stream_id: Urgency(level) for stream_id, level in rows}
