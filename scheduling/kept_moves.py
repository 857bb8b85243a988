"""Places of a signed move, kept for its center until it answers, or for so long. Runs inside an action.

Of an offered place along the waiting list the same holds: slots and quota are really taken, the clock gives them back
once, and an acceptance lets them go in the transaction in which it takes them for the order. A place that another order
of the plan still has is *lacking*: it goes to the move in the transaction in which that order gives it up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, IntegerField, Value, When
from django.utils import timezone

from ledger import directory
from ledger.recording import open_event
from ledger.refusals import WrongState
from personas.queries import Site
from scheduling import freed_places, quotas
from scheduling.capacity import SlotFull, give_back_all, seen_by, take
from scheduling.models import Allotment, MoveDue, RepairMove, Slot, SlotChain
from scheduling.states import MoveState, Share

HOURS = 72  # a center has so long to answer, as with a change that a planner proposes


@dataclass(frozen=True)
class Keeping:
    """What is kept for a move: ``slot_ids`` that its order does not have yet, ``starts`` by stage for quotas, ``chain``
    that it would replace, ``first``: when the first of these places begins."""

    move: RepairMove
    chain: SlotChain
    center_site_id: UUID
    slot_ids: tuple[UUID, ...]
    starts: Mapping[str, dt.datetime]

    @property
    def makers(self) -> set[UUID]:
        return {self.chain.manufacturer_id} if self.chain.manufacturer_id else set()


def keep(wanted: Sequence[Keeping], now: dt.datetime) -> list[MoveDue]:
    """Take what is free of the places of signed moves, for ``HOURS`` or until the first of them begins.

    What is not free is written down as lacking: the caller has asked whether another order of the plan gives it up.
    Quotas first, then slots, each locked in one order for all moves, as whoever takes places does.
    """
    open_event()
    if _lock_quotas(wanted):
        for one in wanted:
            _take_quotas(one)
    slots, taken = _locked_slots(wanted), Counter[UUID]()
    rows = []
    for one in wanted:
        ids = sorted(set(one.slot_ids) & slots.keys())
        kept = [pk for pk in ids if slots[pk].capacity - slots[pk].taken > taken[pk]]
        taken.update(kept)
        rows.append(_kept(one, kept, min((slots[pk].starts_at for pk in ids), default=None), now))
    for places in sorted(set(taken.values())):
        ids = [pk for pk, number in taken.items() if number == places]
        Slot.unwalled.filter(pk__in=ids).update(taken=F("taken") + places)
    return MoveDue.objects.bulk_create(rows) if rows else []


def _kept(one: Keeping, kept: Sequence[UUID], begins: dt.datetime | None, now: dt.datetime) -> MoveDue:
    latest = now + dt.timedelta(hours=HOURS)
    return MoveDue(
        organization_id=one.move.center_id,
        stream_id=one.move.stream_id,
        move_id=one.move.pk,
        disruption_id=one.move.disruption_id,
        therapy_id=one.chain.therapy_id,
        due_at=min(latest, max(begins, now)) if begins else latest,
        kept=list(kept),
        lacking=sorted(set(one.slot_ids) - set(kept)),
    )


def _lock_quotas(wanted: Sequence[Keeping]) -> bool:
    """Lock what quotas may count of the moves, in the order in which whoever takes of them does; False without any."""
    starts = [start for one in wanted for start in one.starts.values()]
    if not starts:
        return False
    rows = Allotment.unwalled.select_for_update(of=("self",)).filter(
        therapy_id__in={one.chain.therapy_id for one in wanted}, starts_at__lte=max(starts), ends_at__gt=min(starts)
    )
    return bool(list(rows.order_by("quota_id", _share_order(), "pk").values_list("pk")))


def _locked_slots(wanted: Sequence[Keeping]) -> dict[UUID, Slot]:
    slots = Slot.unwalled.select_for_update(of=("self",)).filter(pk__in={pk for one in wanted for pk in one.slot_ids})
    return {slot.pk: slot for slot in slots.order_by("pk")}


def _share_order() -> Case:
    whens = (When(share=share, then=Value(position)) for position, share in enumerate(Share.values))
    return Case(*whens, output_field=IntegerField())


def _take_quotas(one: Keeping) -> None:
    """Take the move's places of quotas, if there are any: one that another order of the plan has is left to it."""
    (site,) = directory.rows(Site, [one.center_site_id]).values()
    try:
        with transaction.atomic():
            quotas.take(
                one.move.pk,
                therapy_id=one.chain.therapy_id,
                manufacturer_ids=one.makers,
                center_id=site.organization_id,
                country=site.country,
                starts=one.starts,
                beside=one.chain.pk,
            )
    except SlotFull:
        return


def _is_taken(slot_id: UUID) -> bool:
    try:
        take(slot_id)
    except SlotFull:
        return False
    return True


def locked(disruption_id: UUID, move_id: UUID) -> MoveDue | None:
    """Return what is kept for a move, locked with all of its disruption's: one center answers after the other."""
    rows = MoveDue.unwalled.select_for_update().filter(disruption_id=disruption_id).order_by("pk")
    return next((due for due in list(rows) if due.move_id == move_id), None)


def of_moves(moves: Iterable[RepairMove]) -> dict[UUID, MoveDue]:
    """Return what is kept for the moves that wait, by move: one query (none for none)."""
    ids = [move.pk for move in moves if move.state == MoveState.OFFERED]
    return {due.move_id: due for due in MoveDue.unwalled.filter(move_id__in=ids)} if ids else {}


def let_go(due: MoveDue) -> Counter[UUID] | None:
    """Give what is kept for a move back, once; return the places by slot (none, where all were lacking), None when that
    was done already."""
    open_event()
    if not MoveDue.unwalled.filter(pk=due.pk).delete()[0]:
        return None
    quotas.give_back_of(due.move_id, due.organization_id)
    give_back_all(due.kept, due.organization_id)
    return Counter(due.kept)


def hand_on(disruption_id: UUID, freed: Iterable[UUID]) -> None:
    """Give places that this transaction has freed to the moves of the disruption that lack them, oldest first.

    Nobody else can come between: the slots stay locked until the commit. The caller has locked the moves' rows.
    """
    left = set(freed)
    if not left:
        return
    rows = MoveDue.unwalled.filter(disruption_id=disruption_id, lacking__overlap=list(left)).order_by("pk")
    for due in list(rows):
        with seen_by(due.organization_id):
            got = [slot_id for slot_id in sorted(left & set(due.lacking)) if _is_taken(slot_id)]
        if got:
            rest = [slot_id for slot_id in due.lacking if slot_id not in got]
            MoveDue.unwalled.filter(pk=due.pk).update(kept=[*due.kept, *got], lacking=rest)


def expire(due: MoveDue, now: dt.datetime) -> RepairMove:
    """End a move that its center did not answer in time. Raises WrongState when it is not due or was answered."""
    found = locked(due.disruption_id, due.move_id)
    if found is None or found.due_at > now:
        raise WrongState("This move is not over.")
    move: RepairMove = RepairMove.unwalled.get(pk=found.move_id)
    move.state = MoveState.EXPIRED
    move.save(update_fields=["state"])
    hand_on(found.disruption_id, let_go(found) or ())
    freed_places.note([found.therapy_id])
    return move


def drop(stream_id: UUID, reason: str) -> None:
    """Withdraw the move that waits for an order which gets other dates, or none: its places are free at once."""
    due = MoveDue.unwalled.filter(stream_id=stream_id).first()
    if due is None or let_go(due) is None:
        return
    RepairMove.unwalled.filter(pk=due.move_id, state=MoveState.OFFERED).update(
        state=MoveState.WITHDRAWN, reason=reason, answered_at=timezone.now()
    )
    freed_places.note([due.therapy_id])
