"""Orders on the waiting list, and the free places that are offered along it (CO5, CO10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import NotAllowed, Refusal, WrongState
from orders import bookings
from orders.flow import order_named
from orders.models import FlowStep, Order
from orders.states import OrderState
from scheduling import slot_chains, waiting, waiting_offers, wishes
from scheduling.actions.waiting import add_entry, take_back_disrupted
from scheduling.chain_search import offer_of_token
from scheduling.freed_places import OpenList, note_offered
from scheduling.jobs import job_in
from scheduling.offers import ChainOffer, ChainRequest
from scheduling.states import DecisionState
from scheduling.waiting import RankDecision, RankedEntry, WaitingEntry
from scheduling.wishes import NOTHING, Wishes

JOB = "offer-free-places"
BOOKING_KIND = "hold_slot_chain"
MOST_AT_ONCE = 20  # places offered of one list in one sweep


@dataclass(frozen=True)
class Proposal:
    """A feasible place, who is asked about it, and who stood ahead and found no feasible dates."""

    request: ChainRequest
    offer: ChainOffer
    asked: Sequence[RankedEntry]
    passed_over: Sequence[str]


def add_to_waiting_list(actor: Actor, code: str, earliest: dt.date | None = None) -> WaitingEntry:
    """Put an own open order that has no dates on its therapy's waiting list; ``earliest``: no collection before."""
    with reading(actor):
        order = order_named(actor, code)
    with acting(actor, "scheduling.waiting_added", subject=("order", order.code)):
        order = order_named(actor, order.code)
        if order.center_id != actor.organization_id:
            raise NotAllowed("Only the treatment center's own orders wait on its list.")
        if order.state != OrderState.OPEN:
            raise WrongState(f"The order is {order.get_state_display().lower()}.", code="order_ended")
        if slot_chains.live_chain(order.stream_id) is not None:
            raise WrongState(
                "This order has dates already.", code="has_dates", remedy="Free them first if they cannot be kept."
            )
        return add_entry(
            actor,
            stream_id=order.stream_id,
            order_code=order.code,
            therapy_id=order.therapy_id,
            site_id=order.center_site_id,
            earliest=earliest,
        )


def offer_free_places(known: OpenList, now: dt.datetime | None = None) -> int:
    """Offer what is free to one center's list, in rank order, until nobody is left or nothing is feasible.

    First what a disruption took of the places offered before is taken back. Returns how many places were offered. A
    system job of the center: idempotent, for it looks at what is so now.
    """
    actor = job_in(known.organization_id, JOB)
    take_back_disrupted(actor, known.therapy_id)
    for offered in range(MOST_AT_ONCE):
        if not _offer_one(actor, known, now or timezone.now()):
            return offered
    return MOST_AT_ONCE


def _offer_one(actor: Actor, known: OpenList, now: dt.datetime) -> bool:
    with reading(actor):
        decision = waiting.decision_now(actor, known.therapy_id)
        if decision is None or decision.state != DecisionState.IN_FORCE or not waiting.candidates(actor, decision):
            return False
    try:
        with acting(actor, "scheduling.place_offered", subject=("therapy", str(known.therapy_id))) as event:
            decision = waiting.decision_now(actor, known.therapy_id)
            found = _proposal(actor, decision) if decision and decision.state == DecisionState.IN_FORCE else None
            if decision is None or found is None:
                raise WrongState("No place can be offered.")
            until = now + dt.timedelta(hours=decision.criteria.offer_hours)
            until = min(until, found.offer.collection_start)
            place = waiting_offers.offer_place(actor, found.request, found.offer, found.asked, until)
            if place is None:
                raise WrongState("The place went to somebody else.")
            note_offered(known, now)
            event.note(orders=[one.entry.order_code for one in found.asked], ranks=[one.rank for one in found.asked])
            event.note(until=until, mode=decision.criteria.offer_mode, passed_over=list(found.passed_over))
    except WrongState:
        return False
    return True


def _proposal(actor: Actor, decision: RankDecision) -> Proposal | None:
    """Return the best place of the first in rank order who has feasible dates, and whom to ask about it."""
    ranked = waiting.candidates(actor, decision)
    declined = waiting.declined_places(actor, [one.entry_id for one in ranked])
    orders = _orders(ranked)
    wished = wishes.of_orders(orders)
    passed: list[str] = []
    for position, one in enumerate(ranked):
        request = _request(orders.get(one.entry.stream_id), one, wished)
        offer = _first(actor, request, declined.get(one.entry_id, set())) if request else None
        if request is None or offer is None:
            passed.append(one.entry.order_code)
            continue
        asked, more = [one], decision.criteria.parallel - 1
        for other in ranked[position + 1 :]:
            theirs = _request(orders.get(other.entry.stream_id), other, wished)
            refused = declined.get(other.entry_id, set())
            if more > 0 and theirs and not _repeats(offer, refused) and _fits(actor, theirs, offer):
                asked.append(other)
                more -= 1
        return Proposal(request, offer, asked, passed)
    return None


def _orders(ranked: Sequence[RankedEntry]) -> dict[UUID, Order]:
    rows = Order.unwalled.select_related("therapy", "specification", "flow", "center_site")
    found = rows.filter(stream_id__in=[one.entry.stream_id for one in ranked], state=OrderState.OPEN, on_hold=False)
    return {order.stream_id: order for order in found}


def _request(order: Order | None, ranked: RankedEntry, wished: Mapping[UUID, Wishes]) -> ChainRequest | None:
    """Return what is searched for an order, as its dates are wished; None for one that is stopped or over."""
    if order is None:
        return None
    today = order.center_site.today
    step = FlowStep.unwalled.filter(flow_id=order.flow_id, kind=BOOKING_KIND).first()
    return bookings.wished_request(
        order,
        dict(step.parameters) if step else {},
        max(today, ranked.entry.earliest or today),
        wished.get(order.stream_id, NOTHING),
    )


def _first(actor: Actor, request: ChainRequest, declined: set[str]) -> ChainOffer | None:
    try:
        offers = slot_chains.search(actor, request).offers
    except Refusal:
        return None
    return next((offer for offer in offers if not _repeats(offer, declined)), None)


def _fits(actor: Actor, request: ChainRequest, offer: ChainOffer) -> bool:
    """Whether another order could take this very place."""
    try:
        return _slots(offer_of_token(actor, request, offer.token)) == _slots(offer)
    except Refusal:
        return False


def _repeats(offer: ChainOffer, declined: set[str]) -> bool:
    return bool(declined & waiting.scarce_slots([{"kind": one.kind, "slot_id": one.slot_id} for one in offer.links]))


def _slots(offer: ChainOffer) -> frozenset[UUID]:
    return frozenset(link.slot_id for link in offer.links)
