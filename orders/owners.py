"""Who of the reader's own organization took a waiting step over, by name, and whether they are away (CO8).

Names of other organizations' people are not told: what they are told stands behind their wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from ledger.context import Actor
from ledger.models import Event
from ledger.walls import visible
from notifications.queries import away_words, task_owners
from orders.models import OrderStep

OVERDUE = "orders.step_overdue"


def of_steps(actor: Actor, steps: Iterable[OrderStep]) -> dict[UUID, str]:
    """Return the owner's name in words by step, for those that somebody owns; as many queries for one as for fifty."""
    own = [step for step in steps if step.responsible_id == actor.organization_id]
    owners = task_owners(actor, {step.stream_id for step in own}) if own else {}
    if not owners:
        return {}
    absent = away_words(actor)
    overdue = _overdue(actor, set(owners) - {step.ready_event_id for step in own})
    found = {}
    for step in own:
        # Whoever took the overdue step over owns it, even where somebody else had it when it became ready.
        event_id = overdue.get((step.stream_id, step.key, step.attempt)) or step.ready_event_id
        if event_id in owners:
            owner_id, name = owners[event_id]
            found[step.pk] = f"{name} ({absent[owner_id]})" if owner_id in absent else name
    return found


def name_on(actor: Actor, steps: Iterable[OrderStep]) -> None:
    """Set ``named_owner`` of each step of a desk's rows, for those that somebody owns."""
    rows = list(steps)
    found = of_steps(actor, rows)
    for step in rows:
        step.named_owner = found.get(step.pk, "")


def _overdue(actor: Actor, event_ids: set[UUID]) -> Mapping[tuple[UUID, str, int], UUID]:
    """Return the newest of these events that told of an overdue step, by stream, step and attempt."""
    if not event_ids:
        return {}
    rows = visible(Event, actor).filter(pk__in=event_ids, kind=OVERDUE).order_by("seq")
    return {(row.stream_id, row.payload["step"], row.payload["attempt"]): row.pk for row in rows}
