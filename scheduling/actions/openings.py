"""Publishing what the opening rules make: up to the horizon, again and again, never at the cost of a taken place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from ledger.bulk import update_each
from ledger.context import Actor
from ledger.recording import acting
from personas.queries import organization_actor
from scheduling import freed_places, opening_sources
from scheduling.booked import Hit, refuse
from scheduling.models import CalendarDue, Slot
from scheduling.opening_changes import Changes, apply, compare
from scheduling.opening_sources import Sources
from scheduling.openings import Opening
from scheduling.policies import require_publisher

JOB = "make-openings"
HORIZON_DAYS = 182
EVERY = dt.timedelta(hours=6)
COLUMNS = ["ends_at", "capacity", "shift", "reserved_for", "open_from", "closed_reason"]


@dataclass(frozen=True)
class Made:
    """What was done; ``kept``: windows that the rules no longer want, kept because places are taken."""

    added: int
    changed: int
    closed: int
    kept: int


def make_openings(actor: Actor, *, touched: Collection[UUID] = ()) -> Made:
    """Publish what the organization's rules make from today to the horizon; twice changes nothing.

    Windows by hand are left alone. Raises CapacityInUse when a window of one of the resources ``touched`` would lose a
    taken place; those of other resources are kept as they are, and counted.
    """
    now = timezone.now()
    first = now.date() - dt.timedelta(days=1)  # somewhere it is still yesterday
    last = first + dt.timedelta(days=HORIZON_DAYS + 1)
    with acting(actor, "scheduling.openings_made", subject=("organization", str(actor.organization_id))) as event:
        require_publisher(actor)
        sources = opening_sources.load(actor)
        changes = compare(_windows(actor, sources, now, last), sources.plan(first, last), now)
        refuse(actor, [_hit(slot, sources) for slot in changes.kept if slot.resource_id in touched])
        _write(changes, sources)
        _come_back(actor, now)
        made = Made(len(changes.add), len(changes.change), len(changes.close), len(changes.kept))
        event.note(**vars(made), first=first, last=last)
    return made


def make_due_openings(due: CalendarDue) -> Made:
    """Make one organization's windows again, as a system job inside it."""
    return make_openings(organization_actor(due.organization_id, JOB))


def _windows(actor: Actor, sources: Sources, now: dt.datetime, last: dt.date) -> list[Slot]:
    """Lock (in id order) and return the windows that rules made, and all others of resources with rules."""
    ruled = {rule.resource_id for rule in sources.rules}
    until = dt.datetime.combine(last, dt.time(), dt.UTC) + dt.timedelta(days=2)
    mine = Slot.unwalled.select_for_update().filter(
        ~Q(shift="") | Q(resource_id__in=ruled),
        organization_id=actor.organization_id,
        ends_at__gt=now,
        starts_at__lt=until,
    )
    return list(mine.order_by("pk"))


def _hit(slot: Slot, sources: Sources) -> Hit:
    resource = sources.resources.get(slot.resource_id)
    return Hit(slot, resource.name if resource else "A resource", sources.zone(slot.resource_id))


def _write(changes: Changes, sources: Sources) -> None:
    """Close first: it may make room for what comes."""
    for slot, reason in changes.close:
        slot.capacity, slot.closed_reason = 0, reason[:160]
    update_each([slot for slot, _ in changes.close], ["capacity", "closed_reason"])
    update_each([apply(slot, opening) for slot, opening in changes.change], COLUMNS)
    Slot.objects.bulk_create([_slot(opening, sources) for opening in changes.add], batch_size=1000)
    offered = [opening.resource_id for opening in (*changes.add, *(opening for _, opening in changes.change))]
    if offered:
        freed_places.note(freed_places.served(sources.resources[resource_id] for resource_id in offered))


def _slot(opening: Opening, sources: Sources) -> Slot:
    resource = sources.resources[opening.resource_id]
    return apply(
        Slot(
            resource=resource,
            organization_id=resource.organization_id,
            site_id=resource.site_id,
            kind=resource.kind,
            starts_at=opening.starts_at,
        ),
        opening,
    )


def _come_back(actor: Actor, now: dt.datetime) -> None:
    """Let the sweep come again: the horizon moves on with every day."""
    due = CalendarDue.unwalled.filter(organization_id=actor.organization_id)
    if not due.update(due_at=now + EVERY):
        CalendarDue.objects.create(organization_id=actor.organization_id, due_at=now + EVERY)
