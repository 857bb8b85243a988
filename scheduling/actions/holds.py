"""The door by which the clock ends a slot hold, and what a signed move keeps."""

from __future__ import annotations

import datetime as dt
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ledger.events import kind_named
from ledger.recording import acting
from ledger.refusals import WrongState
from scheduling import kept_moves
from scheduling.jobs import job_in
from scheduling.models import HoldDue, MoveDue, SlotChain
from scheduling.signals import hold_expired
from scheduling.slot_chains import expire, links_of
from scheduling.states import ChainState

JOB, MOVES = "expire-slot-holds", "expire-moves"


def expire_hold(due: HoldDue, now: dt.datetime | None = None) -> bool:
    """End one overdue hold or proposed change, as a system job of the center; return whether it ended.

    Nothing happens when it was renewed, requested or freed meanwhile. Once committed, ``signals.hold_expired`` is sent.
    """
    actor = job_in(due.organization_id, JOB)
    subject = ("slot_chain", str(due.chain_id))
    try:
        with acting(actor, "scheduling.hold_expired", stream_id=due.stream_id, subject=subject) as event:
            chain = SlotChain.unwalled.filter(pk=due.chain_id, stream_id=due.stream_id).first()
            if chain is None:
                raise WrongState("There is no such hold.")
            if chain.state == ChainState.PROPOSED:
                event.kind = kind_named("scheduling.change_expired")
            expire(chain, now)
            event.note(chain=chain.pk, held_until=chain.held_until, places=len(links_of(chain)))
            transaction.on_commit(partial(_announce, due.stream_id, due.organization_id), robust=True)
    except WrongState:
        return False
    return True


def expire_move(due: MoveDue, now: dt.datetime | None = None) -> bool:
    """End a signed move that its center did not answer in time, as a system job of the center; return whether it ended.

    Its places are free, once; planner and center are told. Nothing happens when it was answered meanwhile.
    """
    actor = job_in(due.organization_id, MOVES)
    subject = ("move", str(due.move_id))
    try:
        with acting(actor, "scheduling.move_expired", stream_id=due.stream_id, subject=subject) as event:
            places = len(due.kept)
            move = kept_moves.expire(due, now or timezone.now())
            event.note(move=move.pk, after=move.after, kept_until=due.due_at, places=places)
    except WrongState:
        return False
    return True


def _announce(stream_id: UUID, organization_id: UUID) -> None:
    hold_expired.send_robust(sender=SlotChain, stream_id=stream_id, organization_id=organization_id)
