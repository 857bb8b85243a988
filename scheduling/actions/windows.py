"""Windows by hand: moved, closed with a reason, or given back to the rules. Publishing them is ``publish_capacity``."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils import timezone

from ledger.bulk import update_each
from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from scheduling.actions.openings import make_openings
from scheduling.booked import Hit, refuse
from scheduling.models import ONE_AT_A_TIME, Slot
from scheduling.opening_sources import places_of
from scheduling.policies import require_publisher


def move_window(actor: Actor, slot_id: UUID, starts_at: dt.datetime) -> Slot:
    """Let a window begin at another time, as long as before; from now on it is a window by hand.

    Raises CapacityInUse when places are taken: whoever has them is moved by their order, not by the calendar.
    """
    with acting(actor, "scheduling.window_moved", subject=("slot", str(slot_id))) as event:
        require_publisher(actor)
        slot = _own_window(actor, slot_id)
        _refuse_taken(actor, slot)
        if starts_at <= timezone.now():
            raise InvalidInput(fields={"starts_at": ["This time is over: give a later one."]})
        before = slot.starts_at
        slot.starts_at, slot.ends_at = starts_at, starts_at + (slot.ends_at - before)
        _refuse_neighbors(slot)
        slot.shift, slot.reserved_for, slot.open_from = "", "", None
        update_each([slot], ["starts_at", "ends_at", "shift", "reserved_for", "open_from"])
        event.note(resource=slot.resource.code, before=before, after=starts_at)
    return slot


def close_window(actor: Actor, slot_id: UUID, reason: str) -> Slot:
    """Take every place out of one window, with the reason; no rule opens it again. Raises CapacityInUse."""
    with acting(actor, "scheduling.closed", subject=("slot", str(slot_id)), reason=reason) as event:
        require_publisher(actor)
        slot = _own_window(actor, slot_id)
        if not reason.strip() or len(reason.strip()) > 150:
            raise InvalidInput(fields={"reason": ["Say why, in up to 150 characters."]})
        _refuse_taken(actor, slot)
        slot.capacity, slot.shift, slot.closed_reason = 0, "", f"Closed: {reason.strip()}"
        update_each([slot], ["capacity", "shift", "closed_reason"])
        event.note(
            place=slot.resource.code,
            kind="closure",
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            why=reason.strip(),
        )
    return slot


def follow_rules(actor: Actor, slot_id: UUID) -> Slot:
    """Give a window by hand back to the opening rules: they change it, or close it. Raises CapacityInUse."""
    with acting(actor, "scheduling.openings_made", subject=("slot", str(slot_id))) as event:
        require_publisher(actor)
        slot = _own_window(actor, slot_id)
        slot.shift = "by-rule"
        update_each([slot], ["shift"])
        made = make_openings(actor, touched={slot.resource_id})
        event.note(**vars(made))
        slot.refresh_from_db()
    return slot


def _own_window(actor: Actor, slot_id: UUID) -> Slot:
    mine = Slot.unwalled.select_related("resource").select_for_update(of=("self",))
    slot: Slot | None = mine.filter(organization_id=actor.organization_id, pk=slot_id).first()
    if slot is None:
        raise NotFound()
    return slot


def _refuse_taken(actor: Actor, slot: Slot) -> None:
    if slot.taken:
        place = places_of(actor, [slot.resource]).get(slot.resource_id)
        refuse(actor, [Hit(slot, slot.resource.name, place.zone if place else "UTC")])


def _refuse_neighbors(slot: Slot) -> None:
    """One chair or bed has one window at a time; no resource has two that begin together."""
    others = Slot.unwalled.filter(resource_id=slot.resource_id).exclude(pk=slot.pk)
    together = others.filter(starts_at=slot.starts_at).exists()
    overlapping = slot.kind in ONE_AT_A_TIME and others.filter(
        capacity__gt=0, starts_at__lt=slot.ends_at, ends_at__gt=slot.starts_at
    )
    if together or (overlapping and overlapping.exists()):
        raise InvalidInput(fields={"starts_at": ["Overlaps another window of this resource."]})
