"""Booked dates that move: the knock-on first, then every new place or none (CO5, CO6; DOMAIN 10.3).

A change is a new slot chain that takes the place of the former. It is in force at once, or proposed: then it keeps its
places beside the former's until the other side agrees. Everything but ``knock_on`` and ``window_of`` runs inside an
action, on the order's locked stream.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ledger.context import Actor
from ledger.identifiers import new_id
from ledger.refusals import Conflict, WrongState
from scheduling import freed_places, kept_moves, quotas
from scheduling.capacity import SlotFull, give_back_all
from scheduling.chain_search import next_best, offer_of_token
from scheduling.models import ChainLink, HoldDue, SlotChain
from scheduling.offers import ChainOffer, ChainRequest, OfferLink
from scheduling.slot_chains import (
    answer_of,
    drop_proposal,
    is_overdue,
    let_go,
    links_of,
    places_in,
    proposed_chain,
    record,
    set_state,
    starts_of,
    stated,
    take_places,
    watch_hold,
)
from scheduling.states import LIVE, ChainState, ChangeWindow, LinkKind

PROPOSAL_HOURS = 72


Link = ChainLink | OfferLink


@dataclass(frozen=True)
class Itinerary:
    """The dates and links of a booked chain, named as an offer names them."""

    collection_start: dt.datetime
    collection_end: dt.datetime
    earliest_infusion: dt.datetime
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Shift:
    """One link before and after a change; None where it did not exist before, or does not any more."""

    kind: str
    before: Link | None
    after: Link | None

    @property
    def label(self) -> str:
        return str(LinkKind(self.kind).label)

    @property
    def stays(self) -> bool:
        return (
            self.before is not None
            and self.after is not None
            and (self.before.slot_id, self.before.starts_at) == (self.after.slot_id, self.after.starts_at)
        )

    @property
    def later(self) -> dt.timedelta | None:
        """By how much it begins later (negative: earlier)."""
        return self.after.starts_at - self.before.starts_at if self.before and self.after else None

    @property
    def organization_ids(self) -> set[UUID]:
        return {link.organization_id for link in (self.before, self.after) if link}


@dataclass(frozen=True)
class KnockOn:
    """What a change does to the whole chain. Times are lengths; vein-to-vein runs from collection to infusion."""

    shifts: tuple[Shift, ...]
    collection_later: dt.timedelta
    infusion_later: dt.timedelta
    vein_to_vein_before: dt.timedelta
    vein_to_vein_after: dt.timedelta

    @property
    def moved(self) -> tuple[Shift, ...]:
        return tuple(shift for shift in self.shifts if not shift.stays)

    def moves(self, kind: str) -> bool:
        return any(shift.kind == kind for shift in self.moved)


def knock_on(chain: SlotChain, then: ChainOffer | Itinerary) -> KnockOn:
    """Return how every link and date of the chain would move if the other dates took its place."""
    now = itinerary_of(chain)
    before: dict[str, Link] = {link.kind: link for link in now.links}  # of two lines the last one is in force
    after: dict[str, Link] = {link.kind: link for link in then.links}
    kinds = [kind for kind in LinkKind.values if kind in before or kind in after]
    return KnockOn(
        shifts=tuple(Shift(kind, before.get(kind), after.get(kind)) for kind in kinds),
        collection_later=then.collection_start - now.collection_start,
        infusion_later=then.earliest_infusion - now.earliest_infusion,
        vein_to_vein_before=now.earliest_infusion - now.collection_end,
        vein_to_vein_after=then.earliest_infusion - then.collection_end,
    )


def itinerary_of(chain: SlotChain) -> Itinerary:
    """Return what a booked chain has, to weigh it against another one."""
    return Itinerary(
        chain.collection_starts_at, chain.collection_ends_at, chain.earliest_infusion_at, tuple(links_of(chain))
    )


def window_of(chain: SlotChain, now: dt.datetime, free_days: float, frozen_days: float) -> ChangeWindow:
    """Return what a change of the chain takes now: free from ``free_days`` before the collection on, frozen from
    ``frozen_days`` before it on, in between the manufacturer agrees. Days are 24 hours."""
    if chain.state != ChainState.CONFIRMED:
        return ChangeWindow.OPEN
    left = chain.collection_starts_at - now
    if left < dt.timedelta(days=frozen_days):
        return ChangeWindow.FROZEN
    return ChangeWindow.FREE if left >= dt.timedelta(days=free_days) else ChangeWindow.APPROVAL


def staying(chain: SlotChain, request: ChainRequest) -> ChainRequest:
    """Return the request as the order itself may search: the places it has are free to it."""
    return replace(request, own_slot_ids=frozenset(places_in(chain)), own_chain_id=chain.pk)


def offer_for(actor: Actor, chain: SlotChain, request: ChainRequest, token: str) -> ChainOffer:
    """Return the offer that ``token`` names as it is now, for an order that may stay where it is.

    The chairs are the center's own, whoever looks: a planner is shown, and proposes, chains of the order's center.
    Raises as ``chain_search.offer_of_token`` does, and Conflict ``same_dates`` for the dates that are booked already.
    """
    offer = offer_of_token(actor, staying(chain, request), token, chain.organization_id)
    if places_of(offer) == places_in(chain):
        raise Conflict("These are the dates that are booked.", code="same_dates", remedy="Choose other dates.")
    return offer


def move(
    actor: Actor, chain: SlotChain, request: ChainRequest, offer: ChainOffer, *, code: str, reason: str
) -> SlotChain:
    """Put the offer in the place of a live chain, all places or none; it is held, requested or confirmed as that was.

    A hold keeps its countdown and its renewals: moving never prolongs it. Raises SlotFull with the next best offers,
    WrongState when the chain has ended meanwhile.
    """
    if is_overdue(chain, timezone.now()):
        raise WrongState("This slot hold has expired.", code="hold_expired", remedy="Search again and hold new dates.")
    drop_proposal(chain.stream_id, "Other dates were chosen.")
    kept = {name: getattr(chain, name) for name in KEPT}
    state = ChainState(chain.state)
    fresh_id = _take_new(actor, chain, request, offer)
    set_state(chain, LIVE, ChainState.REPLACED, ended_at=timezone.now(), free_reason=stated(reason))
    fresh = record(
        chain.organization_id,
        chain.stream_id,
        request,
        offer,
        id=fresh_id,
        state=state,
        replaces=chain,
        change_code=code,
        change_reason=reason.strip(),
        **kept,
    )
    _follow(chain, fresh)
    return fresh


KEPT = ("held_until", "renewals", "requested_at", "answered_by", "answered_by_name", "answered_at")


def propose(
    actor: Actor,
    chain: SlotChain,
    request: ChainRequest,
    offer: ChainOffer,
    *,
    code: str,
    reason: str,
    proposed_by: UUID | None = None,
    hours: float = PROPOSAL_HOURS,
) -> SlotChain:
    """Take the places of the offer beside those of a confirmed chain until the other side answers, or for ``hours``,
    and never beyond the beginning of the collection that it moves.

    ``proposed_by``: whose proposal it is, the actor's organization unless said. What the center proposes the
    manufacturer answers; the center answers what the manufacturer or its plant proposes.

    Raises Conflict ``change_proposed`` when a change waits already, SlotFull with the next best offers.
    """
    if proposed_chain(chain.stream_id) is not None:
        raise Conflict(
            "A change of these dates waits for an answer already.",
            code="change_proposed",
            remedy="Wait for the answer, or let whoever proposed it withdraw it first.",
        )
    if chain.state != ChainState.CONFIRMED:
        raise WrongState("Only confirmed dates are changed by agreement.", code="not_confirmed")
    proposal_id = _take_new(actor, chain, request, offer)
    now = timezone.now()
    until = min(now + dt.timedelta(hours=hours), offer.collection_start)
    if chain.collection_starts_at > now:  # once the patient was collected nothing is left to agree to
        until = min(until, chain.collection_starts_at)
    proposal = record(
        chain.organization_id,
        chain.stream_id,
        request,
        offer,
        id=proposal_id,
        state=ChainState.PROPOSED,
        replaces=chain,
        proposed_by=proposed_by or actor.organization_id,
        change_code=code,
        change_reason=stated(reason),
        requested_at=now,
        held_until=until,
    )
    watch_hold(proposal)
    return proposal


def agree(proposal: SlotChain, actor: Actor) -> tuple[SlotChain, SlotChain]:
    """Put a proposed change in force; return the former chain and the new one. Raises WrongState when it has ended."""
    former = proposal.replaces
    if former is None or is_overdue(proposal, timezone.now()):
        raise WrongState(
            "This proposed change has expired.", code="change_expired", remedy="Ask for another, or propose one."
        )
    kept_moves.drop(former.stream_id, "Other dates were agreed.")
    set_state(former, (ChainState.CONFIRMED,), ChainState.REPLACED, ended_at=timezone.now(), free_reason="Changed.")
    set_state(proposal, (ChainState.PROPOSED,), ChainState.CONFIRMED, **answer_of(actor))
    _follow(former, proposal)
    return former, proposal


def refuse(proposal: SlotChain, actor: Actor, reason: str) -> SlotChain:
    """Decline a proposed change, with a reason: what was confirmed stays, the places beside it are free at once."""
    set_state(
        proposal,
        (ChainState.PROPOSED,),
        ChainState.DECLINED,
        decline_reason=stated(reason),
        ended_at=timezone.now(),
        **answer_of(actor),
    )
    return let_go(proposal)


def exchange(first: SlotChain, second: SlotChain, *, code: str, reason: str) -> tuple[SlotChain, SlotChain]:
    """Swap the places of two confirmed chains of one treatment center; no place is taken or given back.

    Raises WrongState unless both are confirmed. The chains of identity stay with their orders: only dates move.
    """
    now = timezone.now()
    for chain in (first, second):
        drop_proposal(chain.stream_id, "The dates were swapped.")
        set_state(chain, (ChainState.CONFIRMED,), ChainState.REPLACED, ended_at=now, free_reason=stated(reason))
    return _copy(second, first, code, reason), _copy(first, second, code, reason)


DATES = (
    "collection_starts_at",
    "collection_ends_at",
    "pickup_at",
    "arrival_at",
    "manufacture_starts_at",
    "tentative_return_at",
    "earliest_infusion_at",
)
PLACE = ("slot_id", "position", "kind", "organization_id", "site_id", "starts_at", "ends_at", "zone")
NAMES = ("place_name", "resource_name")


def _copy(source: SlotChain, replaced: SlotChain, code: str, reason: str) -> SlotChain:
    """Give the order of ``replaced`` the places of ``source``."""
    values: dict[str, Any] = {name: getattr(source, name) for name in (*DATES, "manufacturer_id", "therapy_id")}
    values |= {name: getattr(source, name) for name in KEPT}
    fresh: SlotChain = SlotChain.objects.create(
        stream_id=replaced.stream_id,
        organization_id=replaced.organization_id,
        state=ChainState.CONFIRMED,
        replaces=replaced,
        change_code=code,
        change_reason=reason.strip(),
        **values,
    )
    ChainLink.objects.bulk_create(
        ChainLink(stream_id=replaced.stream_id, chain=fresh, **{name: getattr(link, name) for name in (*PLACE, *NAMES)})
        for link in links_of(source)
    )
    quotas.hand_over(source.pk, fresh.pk)
    return fresh


def _take_new(actor: Actor, chain: SlotChain, request: ChainRequest, offer: ChainOffer) -> UUID:
    """Take the places of the offer that the chain does not have; return the id of the chain that is to have them."""
    fresh_id = new_id()
    try:
        with transaction.atomic():
            take_places(actor, request, offer, fresh_id, beside=chain)
    except SlotFull as refusal:
        raise next_best(actor, staying(chain, request), offer, refusal) from None
    return fresh_id


def _follow(former: SlotChain, fresh: SlotChain) -> None:
    """Let a new chain succeed: the former's places that it does not share are free, the countdown is its own now."""
    HoldDue.unwalled.filter(chain_id__in=[former.pk, fresh.pk]).delete()
    if fresh.state == ChainState.HELD:
        watch_hold(fresh)
    quotas.succeed(former.pk, fresh.pk, former.organization_id, starts_of(links_of(fresh)))
    give_back_all((places_in(former) - places_in(fresh)).elements(), former.organization_id)
    freed_places.note([former.therapy_id])


def places_of(offer: ChainOffer) -> Counter[UUID]:
    """Return how many places the offer takes in each slot."""
    return Counter(link.slot_id for link in offer.links)
