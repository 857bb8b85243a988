"""The one place where places are taken and given back. No rule counts bookings: the slot row itself says how many.

Take last, in slot id order, and briefly (DESIGN 8); both run only inside an action.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import F

from ledger.recording import open_event
from ledger.refusals import Conflict
from scheduling.models import Slot


class SlotFull(Conflict):
    """The last place went to somebody else."""

    code, title = "slot_full", "That place has just been taken"
    remedy = "Search again and choose the next offer."


def take(slot_id: UUID) -> None:
    """Take one place; raise SlotFull (409 ``slot_full``) when none is left. Decided by one conditional update."""
    open_event()
    if not Slot.unwalled.filter(pk=slot_id, taken__lt=F("capacity")).update(taken=F("taken") + 1):
        raise SlotFull("Every place of this slot is taken.")


def give_back(slot_id: UUID) -> None:
    """Give one place back; raise RuntimeError when the actor's organization cannot see the slot or none was taken."""
    open_event()
    if not Slot.unwalled.filter(pk=slot_id, taken__gt=0).update(taken=F("taken") - 1):
        raise RuntimeError(f"slot {slot_id} has no place that could be given back here")
