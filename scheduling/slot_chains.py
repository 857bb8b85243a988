"""Slot chains: search, hold, renew, request, answer, free (DOMAIN 10.2; stories CO1, CO2, MP1).

``search`` reads; everything else runs inside an action, on the order's locked stream. Each move is one conditional
update, so that a chain read before the lock cannot be moved twice.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.models import Stream
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import Conflict, InvalidInput, WrongState
from scheduling.capacity import SlotFull, give_back_all, take_all
from scheduling.chain_search import next_best, offer_of_token, search
from scheduling.models import ChainLink, HoldDue, SlotChain
from scheduling.offers import (
    ChainOffer,
    ChainRequest,
    LinkRequest,
    OfferLink,
    RefusedDate,
    SearchResult,
)
from scheduling.states import LIVE, ChainState, ResourceKind

__all__ = [
    "ChainOffer",
    "ChainRequest",
    "LinkRequest",
    "OfferLink",
    "RefusedDate",
    "SearchResult",
    "SlotChain",
    "confirm",
    "decline",
    "expire",
    "free",
    "hold",
    "links_of",
    "live_chain",
    "renew",
    "search",
    "submit",
]

HOLD_HOURS = 48
MOST_HOURS = 14 * 24
MOST_RENEWALS = 2


def hold(
    actor: Actor, stream: Stream | UUID, request: ChainRequest, token: str, hours: float = HOLD_HOURS
) -> SlotChain:
    """Hold every place of the offer that ``token`` names, or none, for ``hours``.

    The offer is computed anew from today's calendar. Raises InvalidInput for a token that was not issued here,
    Conflict ``hold_live`` when the order has a live chain, ``offer_gone`` when it is not feasible any more, SlotFull
    ``slot_full`` (with the next best offers) when a place went to somebody else.
    """
    stream_id = stream if isinstance(stream, UUID) else stream.pk
    until = timezone.now() + _hold_time(hours)
    _refuse_second_chain(stream_id)
    offer = offer_of_token(actor, request, token)
    try:
        with transaction.atomic():
            take_all(link.slot_id for link in offer.links)
    except SlotFull as refusal:
        raise next_best(actor, request, offer, refusal) from None
    return _record(actor, stream_id, request, offer, until)


def _hold_time(hours: float) -> dt.timedelta:
    if not 0 < hours <= MOST_HOURS:
        raise InvalidInput(fields={"hours": [f"Hold for up to {MOST_HOURS} hours."]})
    return dt.timedelta(hours=hours)


def _refuse_second_chain(stream_id: UUID) -> None:
    chain = live_chain(stream_id)
    if chain is None:
        return
    if _is_overdue(chain, timezone.now()):  # the sweep has not come by yet
        expire(chain)
        return
    raise Conflict(
        f"This order already has a slot chain ({ChainState(chain.state).label.lower()}).",
        code="hold_live",
        remedy="Free it first, then hold another.",
    )


def _record(actor: Actor, stream_id: UUID, request: ChainRequest, offer: ChainOffer, until: dt.datetime) -> SlotChain:
    lines = [link.organization_id for link in offer.links if link.kind == ResourceKind.MANUFACTURING_LINE]
    chain: SlotChain = SlotChain.objects.create(
        stream_id=stream_id,
        organization_id=actor.organization_id,
        manufacturer_id=request.manufacturer_id or next(iter(lines), None),
        therapy_id=request.therapy_id,
        held_until=until,
        collection_starts_at=offer.collection_start,
        collection_ends_at=offer.collection_end,
        pickup_at=offer.pickup_at,
        arrival_at=offer.arrival_at,
        manufacture_starts_at=offer.manufacture_start,
        tentative_return_at=offer.tentative_return,
        earliest_infusion_at=offer.earliest_infusion,
    )
    ChainLink.objects.bulk_create(
        ChainLink(
            stream_id=stream_id,
            chain=chain,
            slot_id=link.slot_id,
            position=position,
            kind=link.kind,
            organization_id=link.organization_id,
            site_id=link.site_id,
            starts_at=link.starts_at,
            ends_at=link.ends_at,
            zone=link.zone,
            place_name=link.place_name,
            resource_name=link.resource_name,
        )
        for position, link in enumerate(offer.links)
    )
    HoldDue.objects.create(organization_id=chain.organization_id, stream_id=stream_id, chain_id=chain.pk, due_at=until)
    return chain


def renew(chain: SlotChain, hours: float = HOLD_HOURS) -> SlotChain:
    """Let a hold run for ``hours`` from now; at most twice. Raises WrongState when it has ended, Conflict beyond."""
    until = timezone.now() + _hold_time(hours)
    _refuse_overdue(chain)
    if chain.renewals >= MOST_RENEWALS:
        raise Conflict(
            f"This hold was renewed {MOST_RENEWALS} times already.",
            code="no_more_renewals",
            remedy="Request the slot chain, or free it for others.",
        )
    if until <= chain.held_until:
        raise InvalidInput(fields={"hours": ["This would end the hold earlier than it ends now."]})
    _move(chain, (ChainState.HELD,), ChainState.HELD, held_until=until, renewals=chain.renewals + 1)
    HoldDue.unwalled.filter(chain_id=chain.pk).update(due_at=until)
    return chain


def submit(chain: SlotChain) -> SlotChain:
    """Request the held chain from the manufacturer: the countdown stops, an answer that is late frees nothing."""
    _refuse_overdue(chain)
    _move(chain, (ChainState.HELD,), ChainState.REQUESTED, requested_at=timezone.now())
    HoldDue.unwalled.filter(chain_id=chain.pk).delete()
    return chain


def confirm(chain: SlotChain, actor: Actor) -> SlotChain:
    """Turn a requested chain into bookings."""
    return _move(chain, (ChainState.REQUESTED,), ChainState.CONFIRMED, **_answer(actor))


def decline(chain: SlotChain, actor: Actor, reason: str) -> SlotChain:
    """Decline a requested chain, with a reason; its places are free at once."""
    _move(
        chain,
        (ChainState.REQUESTED,),
        ChainState.DECLINED,
        decline_reason=_stated(reason),
        ended_at=timezone.now(),
        **_answer(actor),
    )
    return _let_go(chain)


def free(chain: SlotChain, reason: str) -> SlotChain:
    """Give up a live chain (held, requested or confirmed), with a reason; its places are free at once (CO5)."""
    _move(chain, LIVE, ChainState.FREED, free_reason=_stated(reason), ended_at=timezone.now())
    return _let_go(chain)


def expire(chain: SlotChain, now: dt.datetime | None = None) -> SlotChain:
    """End a hold whose time is over. Raises WrongState when it is not due, was requested, or has ended already."""
    now = now or timezone.now()
    if not _is_overdue(chain, now):
        raise WrongState("This hold is not over.")
    _move(chain, (ChainState.HELD,), ChainState.EXPIRED, held_until__lte=now, ended_at=now)
    return _let_go(chain)


def live_chain(stream_id: UUID) -> SlotChain | None:
    """Return the chain that keeps places for the order, if there is one."""
    return next(iter(_live(stream_id=stream_id)), None)


@Prepared
def _live(stream_id: UUID) -> QuerySet[SlotChain]:
    return SlotChain.unwalled.filter(stream_id=stream_id, state__in=[str(state) for state in LIVE]).order_by("pk")


def links_of(chain: SlotChain) -> list[ChainLink]:
    """Return the chain's places in the order of the journey."""
    return _links(chain_id=chain.pk)


@Prepared
def _links(chain_id: UUID) -> QuerySet[ChainLink]:
    return ChainLink.unwalled.filter(chain_id=chain_id).order_by("position")


def _move(chain: SlotChain, sources: tuple[ChainState, ...], target: ChainState, **values: Any) -> SlotChain:
    open_event()
    conditions = {name: values.pop(name) for name in list(values) if "__" in name}
    rows = SlotChain.unwalled.filter(pk=chain.pk, state__in=sources, **conditions)
    if not rows.update(state=target, **values):
        was = SlotChain.unwalled.filter(pk=chain.pk).values_list("state", flat=True).first()
        raise WrongState(f"This slot chain is {ChainState(was).label.lower() if was else 'gone'}.")
    for name, value in {"state": target, **values}.items():
        setattr(chain, name, value)
    return chain


def _let_go(chain: SlotChain) -> SlotChain:
    HoldDue.unwalled.filter(chain_id=chain.pk).delete()
    slot_ids = ChainLink.unwalled.filter(chain_id=chain.pk).values_list("slot_id", flat=True)
    give_back_all(list(slot_ids), chain.organization_id)
    return chain


def _is_overdue(chain: SlotChain, now: dt.datetime) -> bool:
    return chain.state == ChainState.HELD and chain.held_until <= now


def _refuse_overdue(chain: SlotChain) -> None:
    if _is_overdue(chain, timezone.now()):
        raise WrongState(
            "This slot hold has expired.", code="hold_expired", remedy="Search again and hold another slot chain."
        )


def _answer(actor: Actor) -> dict[str, Any]:
    return {
        "answered_by": actor.person_id or actor.key_id,
        "answered_by_name": actor.display_name,
        "answered_at": timezone.now(),
    }


def _stated(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput("Say why.", fields={"reason": ["A reason is needed."]})
    return reason.strip()
