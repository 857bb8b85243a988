"""In which priority class a center collects for a therapy (AU1)."""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput
from scheduling.models import TherapyClass
from scheduling.policies import require_publisher
from scheduling.states import PriorityClass


def class_therapy(actor: Actor, therapy_id: UUID, priority: str) -> TherapyClass:
    """Put a therapy into a class; chairs reserved for it, or for a class after it, are offered to it at once."""
    with acting(actor, "scheduling.therapy_classed", subject=("therapy", str(therapy_id))) as event:
        require_publisher(actor)
        if priority not in PriorityClass.values:
            raise InvalidInput(fields={"priority": [f"Use one of {', '.join(PriorityClass.values)}."]})
        mine = TherapyClass.unwalled.filter(organization_id=actor.organization_id, therapy_id=therapy_id)
        row = mine.select_for_update().first()
        if row is None:
            row = TherapyClass.objects.create(
                organization_id=actor.organization_id, therapy_id=therapy_id, priority=priority
            )
        elif row.priority != priority:
            row.priority = priority
            mine.update(priority=priority)
        event.note(therapy=str(therapy_id), priority=priority)
    kept: TherapyClass = row
    return kept
