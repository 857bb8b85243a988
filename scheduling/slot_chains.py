"""Slot chains: search, hold, renew, request, answer, free (DOMAIN 10.2; stories CO1, CO2, MP1).

``search`` reads; everything else runs inside an action, on the order's locked stream. Each move is one conditional
update, so that a chain read before the lock cannot be moved twice.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from ledger import directory
from ledger.context import Actor
from ledger.identifiers import new_id
from ledger.models import Stream
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import Conflict, InvalidInput, WrongState
from personas.queries import Site
from scheduling import freed_places, kept_moves, quotas
from scheduling.availability import is_disrupted
from scheduling.capacity import SlotFull, give_back_all, take_all
from scheduling.chain_search import next_best, offer_of_token, search
from scheduling.models import ChainLink, HoldDue, Slot, SlotChain
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

WAITING = (ChainState.HELD, ChainState.PROPOSED)  # until their time is over
HOLD_HOURS = 48
MOST_HOURS = 14 * 24
MOST_RENEWALS = 2


@dataclass(frozen=True)
class AutoConfirm:
    """When requested dates need no planner: so many days ahead at least, with the line so full at most (percent of the
    places of that start, the requested one among them)."""

    days_ahead: float
    line_load_percent: float


def hold(
    actor: Actor,
    stream: Stream | UUID,
    request: ChainRequest,
    token: str,
    hours: float = HOLD_HOURS,
    *,
    has_chain: bool = True,
) -> SlotChain:
    """Hold every place of the offer that ``token`` names, or none, for ``hours``.

    ``has_chain``: False when the caller has asked (``pending``) and the order has no live chain.
    The offer is computed anew from today's calendar. Raises InvalidInput for a token that was not issued here,
    Conflict ``hold_live`` when the order has a live chain, ``offer_gone`` when it is not feasible any more, SlotFull
    ``slot_full`` (with the next best offers) when a place went to somebody else.
    """
    stream_id = stream if isinstance(stream, UUID) else stream.pk
    until = timezone.now() + _hold_time(hours)
    if has_chain:
        refuse_second_chain(stream_id)
    offer = offer_of_token(actor, request, token)
    chain_id = new_id()
    try:
        with transaction.atomic() if offer.has_quota else nullcontext():  # places alone are taken all or none
            take_places(actor, request, offer, chain_id)
    except SlotFull as refusal:
        raise next_best(actor, request, offer, refusal) from None
    chain = record(actor.organization_id, stream_id, request, offer, held_until=until, id=chain_id)
    watch_hold(chain)
    return chain


def take_places(
    actor: Actor, request: ChainRequest, offer: ChainOffer, holder_id: UUID, *, beside: SlotChain | None = None
) -> None:
    """Take the places of an offer and what the quotas ask for it, all or none by the caller's savepoint.

    ``beside``: a chain of the same order that it is to replace; what both need is not taken again.
    """
    if offer.has_quota:
        _take_of_quotas(request, offer, holder_id, beside)
    wanted = Counter(link.slot_id for link in offer.links)
    take_all((wanted - places_in(beside) if beside else wanted).elements())


def _take_of_quotas(request: ChainRequest, offer: ChainOffer, holder_id: UUID, beside: SlotChain | None) -> None:
    (site,) = directory.rows(Site, [request.center_site_id]).values()
    quotas.take(
        holder_id,
        therapy_id=request.therapy_id,
        manufacturer_ids={request.manufacturer_id} if request.manufacturer_id else _lines(offer),
        center_id=site.organization_id,
        country=site.country,
        starts=starts_of(offer.links),
        beside=beside.pk if beside else None,
    )


def starts_of(links: Iterable[OfferLink | ChainLink]) -> dict[str, dt.datetime]:
    """Return when each stage starts first, as quotas count it: a contingency day counts no second time."""
    found: dict[str, dt.datetime] = {}
    for link in links:
        found[link.kind] = min(found.get(link.kind, link.starts_at), link.starts_at)
    return found


def _lines(offer: ChainOffer) -> set[UUID]:
    return {link.organization_id for link in offer.links if link.kind == ResourceKind.MANUFACTURING_LINE}


def _hold_time(hours: float) -> dt.timedelta:
    if not 0 < hours <= MOST_HOURS:
        raise InvalidInput(fields={"hours": [f"Hold for up to {MOST_HOURS} hours."]})
    return dt.timedelta(hours=hours)


def refuse_second_chain(stream_id: UUID) -> None:
    """Raise Conflict ``hold_live`` when the order has a live chain; a hold whose time is over ends here."""
    chain = live_chain(stream_id)
    if chain is None:
        return
    if is_overdue(chain, timezone.now()):  # the sweep has not come by yet
        expire(chain)
        return
    raise Conflict(
        f"This order already has a slot chain ({ChainState(chain.state).label.lower()}).",
        code="hold_live",
        remedy="Free it first, then hold another.",
    )


def record(
    organization_id: UUID, stream_id: UUID, request: ChainRequest, offer: ChainOffer, **values: Any
) -> SlotChain:
    """Write a chain of the offer's places, which were taken before; ``values``: its state and whatever goes with it."""
    chain: SlotChain = SlotChain.objects.create(
        stream_id=stream_id,
        organization_id=organization_id,
        manufacturer_id=request.manufacturer_id or next(iter(_lines(offer)), None),
        therapy_id=request.therapy_id,
        collection_starts_at=offer.collection_start,
        collection_ends_at=offer.collection_end,
        pickup_at=offer.pickup_at,
        arrival_at=offer.arrival_at,
        manufacture_starts_at=offer.manufacture_start,
        tentative_return_at=offer.tentative_return,
        earliest_infusion_at=offer.earliest_infusion,
        **values,
    )
    chain.at_hand = ChainLink.objects.bulk_create(
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
    return chain


def watch_hold(chain: SlotChain) -> None:
    """Let the sweep end the chain when its time is over."""
    HoldDue.objects.create(
        organization_id=chain.organization_id, stream_id=chain.stream_id, chain_id=chain.pk, due_at=chain.held_until
    )


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
    set_state(chain, (ChainState.HELD,), ChainState.HELD, held_until=until, renewals=chain.renewals + 1)
    HoldDue.unwalled.filter(chain_id=chain.pk).update(due_at=until)
    return chain


def submit(chain: SlotChain) -> SlotChain:
    """Request the held chain from the manufacturer: the countdown stops, an answer that is late frees nothing."""
    _refuse_overdue(chain)
    set_state(chain, (ChainState.HELD,), ChainState.REQUESTED, requested_at=timezone.now())
    HoldDue.unwalled.filter(chain_id=chain.pk).delete()
    return chain


def confirm(chain: SlotChain, actor: Actor) -> SlotChain:
    """Turn a requested chain into bookings."""
    return set_state(chain, (ChainState.REQUESTED,), ChainState.CONFIRMED, **answer_of(actor))


def confirm_by_rule(chain: SlotChain, rule: AutoConfirm, said_by: str) -> str:
    """Turn a requested chain into bookings where a rule of the manufacturer lets it; return why not, else nothing.

    ``said_by``: whose rule it is, in words, as the one who answered. Nobody learns more of a line than yes or no.
    """
    ahead = (chain.collection_starts_at - timezone.now()) / dt.timedelta(days=1)
    if ahead < rule.days_ahead:
        return f"The collection is less than {rule.days_ahead:g} days ahead."
    lines = [link.slot_id for link in links_of(chain) if link.kind == ResourceKind.MANUFACTURING_LINE]
    too_full = Q(taken__gt=F("capacity") * rule.line_load_percent / 100.0)
    if Slot.unwalled.filter(too_full | Q(is_disrupted()), pk__in=lines).exists():
        return "The line is too full, or stopped, for that start."
    answer = {"answered_by": None, "answered_by_name": said_by, "answered_at": timezone.now()}
    set_state(chain, (ChainState.REQUESTED,), ChainState.CONFIRMED, **answer)
    return ""


def decline(chain: SlotChain, actor: Actor, reason: str, proposed_date: dt.date | None = None) -> SlotChain:
    """Decline a requested chain, with a reason and perhaps a day that would fit; its places are free at once."""
    set_state(
        chain,
        (ChainState.REQUESTED,),
        ChainState.DECLINED,
        decline_reason=stated(reason),
        proposed_date=proposed_date,
        ended_at=timezone.now(),
        **answer_of(actor),
    )
    return let_go(chain)


def free(chain: SlotChain, reason: str) -> SlotChain:
    """Give up a live chain (held, requested or confirmed), with a reason; its places are free at once (CO5)."""
    drop_proposal(chain.stream_id, "The dates that it would have replaced were given up.")
    set_state(chain, LIVE, ChainState.FREED, free_reason=stated(reason), ended_at=timezone.now())
    return let_go(chain)


def drop_proposal(stream_id: UUID, reason: str) -> None:
    """Give up the change that is proposed for an order, and the move that waits after a disruption, if there are any:
    what they would replace is gone."""
    kept_moves.drop(stream_id, stated(reason))
    proposal = proposed_chain(stream_id)
    if proposal is not None:
        set_state(
            proposal, (ChainState.PROPOSED,), ChainState.FREED, free_reason=stated(reason), ended_at=timezone.now()
        )
        let_go(proposal)


def expire(chain: SlotChain, now: dt.datetime | None = None) -> SlotChain:
    """End a hold, or a proposed change, whose time is over.

    Raises WrongState when it is not due, was requested, or has ended already.
    """
    now = now or timezone.now()
    if not is_overdue(chain, now):
        raise WrongState("This hold is not over.")
    set_state(chain, WAITING, ChainState.EXPIRED, held_until__lte=now, ended_at=now)
    return let_go(chain)


def live_chain(stream_id: UUID) -> SlotChain | None:
    """Return the chain that keeps places for the order, if there is one."""
    return next(iter(_live(stream_id=stream_id)), None)


@Prepared
def _live(stream_id: UUID) -> QuerySet[SlotChain]:
    return SlotChain.unwalled.filter(stream_id=stream_id, state__in=[str(state) for state in LIVE]).order_by("pk")


def proposed_chain(stream_id: UUID) -> SlotChain | None:
    """Return the change that is proposed for the order, if there is one."""
    return SlotChain.unwalled.filter(stream_id=stream_id, state=ChainState.PROPOSED).first()


def links_of(chain: SlotChain) -> list[ChainLink]:
    """Return the chain's places in the order of the journey; those of a chain that was just written are at hand."""
    return chain.at_hand if chain.at_hand is not None else _links(chain_id=chain.pk)


@Prepared
def _links(chain_id: UUID) -> QuerySet[ChainLink]:
    return ChainLink.unwalled.filter(chain_id=chain_id).order_by("position")


def set_state(chain: SlotChain, sources: tuple[ChainState, ...], target: ChainState, **values: Any) -> SlotChain:
    """Move a chain from one of ``sources`` by one conditional update; raise WrongState when it is in none of them."""
    open_event()
    conditions = {name: values.pop(name) for name in list(values) if "__" in name}
    rows = SlotChain.unwalled.filter(pk=chain.pk, state__in=sources, **conditions)
    if not rows.update(state=target, **values):
        was = SlotChain.unwalled.filter(pk=chain.pk).values_list("state", flat=True).first()
        raise WrongState(f"This slot chain is {ChainState(was).label.lower() if was else 'gone'}.")
    for name, value in {"state": target, **values}.items():
        setattr(chain, name, value)
    return chain


def let_go(chain: SlotChain) -> SlotChain:
    """Give the places of a chain that has ended back at once."""
    HoldDue.unwalled.filter(chain_id=chain.pk).delete()
    quotas.give_back_of(chain.pk, chain.organization_id)
    give_back_all(places_of_its_own(chain), chain.organization_id)
    freed_places.note([chain.therapy_id])
    return chain


def places_of_its_own(chain: SlotChain) -> Iterable[UUID]:
    """Return the slots of the chain's places; a proposed change shares the unmoved ones with what it would replace."""
    places = places_in(chain)
    if chain.replaces is not None and chain.replaces.is_live:
        places -= places_in(chain.replaces)
    return places.elements()


def places_in(chain: SlotChain) -> Counter[UUID]:
    """Return how many places the chain has in each slot (a batch made again may need a second one)."""
    return Counter(ChainLink.unwalled.filter(chain_id=chain.pk).values_list("slot_id", flat=True))


def is_overdue(chain: SlotChain, now: dt.datetime) -> bool:
    return chain.state in WAITING and chain.held_until <= now


def _refuse_overdue(chain: SlotChain) -> None:
    if is_overdue(chain, timezone.now()):
        raise WrongState(
            "This slot hold has expired.", code="hold_expired", remedy="Search again and hold another slot chain."
        )


def answer_of(actor: Actor) -> dict[str, Any]:
    return {
        "answered_by": actor.person_id or actor.key_id,
        "answered_by_name": actor.display_name,
        "answered_at": timezone.now(),
    }


def stated(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput("Say why.", fields={"reason": ["A reason is needed."]})
    return reason.strip()
