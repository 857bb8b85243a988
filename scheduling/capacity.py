"""The one place where places are taken and given back. No rule counts bookings: the slot row itself says how many.

Take last, in slot id order, and briefly (DESIGN 8); both run only inside an action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from ledger.context import current, entered
from ledger.postgresql.statements import Kept
from ledger.recording import open_event
from ledger.refusals import Conflict
from scheduling.models import Slot


class NotToBeHad(Conflict):
    """Dates that cannot be had. ``reasons`` say which constraint stands against them: ``{code, date, text}`` each, with
    a stable code (``constraints.Constraint``) and the day of collection, if it is about one."""

    reasons: tuple[dict[str, Any], ...] = ()

    def as_problem(self) -> dict[str, Any]:
        problem = super().as_problem()
        if self.reasons:
            problem["reasons"] = list(self.reasons)
        return problem


class SlotFull(NotToBeHad):
    """The last place went to somebody else. ``offers`` are the next best chains as JSON, if they were looked for."""

    code, title = "slot_full", "That place has just been taken"
    remedy = "Search again and choose the next offer."
    offers: tuple[dict[str, Any], ...] = ()

    def as_problem(self) -> dict[str, Any]:
        problem = super().as_problem()
        if self.offers:
            problem["offers"] = list(self.offers)
        return problem


class OfferGone(NotToBeHad):
    """Dates that were offered and are not feasible any more."""

    code, title = "offer_gone", "These dates are not to be had any more"
    remedy = "Search again and choose another offer."


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


def take_all(slot_ids: Iterable[UUID]) -> None:
    """Take one place of each slot (of one named twice: two), locked in id order; all, or none with SlotFull.

    One statement for any number of slots: those that have a place are locked, then counted up, if it is all of them.
    Two where a slot is named twice.
    """
    open_event()
    wanted = Counter(slot_ids)
    if max(wanted.values(), default=0) == 1:
        if not _take_each(list(wanted)):
            raise SlotFull("Every place of this slot is taken.")
        return
    rows = Slot.unwalled.select_for_update(of=("self",)).filter(pk__in=list(wanted), taken__lt=F("capacity"))
    left = {pk: capacity - taken for pk, capacity, taken in rows.order_by("pk").values_list("pk", "capacity", "taken")}
    if any(left.get(pk, 0) < places for pk, places in wanted.items()):
        raise SlotFull("Every place of this slot is taken.")
    for places in sorted(set(wanted.values())):
        ids = [pk for pk, number in wanted.items() if number == places]
        Slot.unwalled.filter(pk__in=ids).update(taken=F("taken") + places)


def _take_each(slot_ids: list[UUID]) -> bool:
    """Take one place of each slot, or none; return whether each had one. The row is read again once it is locked."""
    table = Slot._meta.db_table
    with connection.cursor() as cursor:
        taking = (
            f"with free as materialized (select id from {table} where id = any(%s::uuid[]) and taken < capacity"  # noqa: S608
            f" order by id for update) update {table} s set taken = s.taken + 1 from free where s.id = free.id"
            " and (select count(*) from free) = %s::int"
        )
        cursor.execute(Kept(taking), [slot_ids, len(slot_ids)])
        return bool(cursor.rowcount == len(slot_ids))


def give_back_all(slot_ids: Iterable[UUID], organization_id: UUID) -> None:
    """Give one place of each slot back, in the sight of the organization that took them.

    Who declines or cancels may not know every organization of the chain (a plant's planner, the center's courier): the
    wall must not make freed capacity vanish. The open event and its actor stay as they are.
    """
    with seen_by(organization_id):
        for slot_id in sorted(slot_ids):
            give_back(slot_id)


@contextmanager
def seen_by(organization_id: UUID) -> Iterator[None]:
    """See what another organization sees, where its own rows must follow what somebody else did.

    Event and actor stay as they are.
    """
    acting = current()
    if acting is None:
        raise RuntimeError("nobody is acting")
    if acting.actor.organization_id == organization_id:
        yield
        return
    seen = replace(acting.actor, organization_id=organization_id)
    with entered(replace(acting, actor=seen, kept={}, answers={}, streams_seen=set())):
        yield
