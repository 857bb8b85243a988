"""Which EPCIS ids were given out, and for what, so that whoever has one can ask for its event again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from ledger.context import Acting, Actor, entered
from orders.models import EpcisEventId


def give_out(actor: Actor, ids: Iterable[tuple[str, UUID]]) -> None:
    """Keep for which event of the record each id stands; one that is known already stays as it is."""
    rows = [EpcisEventId(event_id=event_id, source_id=source_id) for event_id, source_id in ids]
    if rows:
        with entered(Acting(actor)), transaction.atomic():
            EpcisEventId.objects.bulk_create(rows, ignore_conflicts=True)
