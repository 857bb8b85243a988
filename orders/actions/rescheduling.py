"""Dates that move: by the center at once where the therapy lets it, else by agreement with the manufacturer (CO5).

The manufacturer's planner may propose other dates too, and so may a contract manufacturer's on its own lines: then the
center agrees, however far ahead they are (MP2, CM2).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, Stale, WrongState
from ledger.states import Role
from orders import queries, rescheduling, sponsors
from orders.flow import order_named
from orders.inputs import DecisionInputs, read
from orders.locks import stream_of
from orders.models import Order
from orders.rescheduling import Preview
from orders.states import OrderState
from orders.wish_inputs import WITH_OFFER, DateWishInputs, wished_in
from personas.policies import require
from personas.states import Capability
from scheduling import changes, slot_chains
from scheduling import queries as scheduling
from scheduling.changes import KnockOn
from scheduling.offers import ChainOffer, SearchResult
from scheduling.slot_chains import SlotChain
from scheduling.states import ChainState, ChangeReason, ChangeWindow, Ranking
from scheduling.wishes import GIVEN, Wishes, keep, of_order

MOVED, PROPOSED, REFUSED = "moved", "proposed", "refused"
AGREES = "The treatment center must agree to a change"
PLANNER_WORDS = {
    ChangeWindow.OPEN: "Not confirmed yet",
    ChangeWindow.FREE: AGREES,
    ChangeWindow.APPROVAL: AGREES,
}
# By who proposes: what is recorded.
PROPOSES = {
    Role.TREATMENT_CENTER: "orders.change_proposed",
    Role.MANUFACTURER: "orders.change_offered",
    Role.CMO: "orders.change_offered_by_plant",
}
# By who answers: what is recorded when it agrees, and when it refuses.
ANSWERED = {
    Role.MANUFACTURER: ("orders.change_agreed", "orders.change_refused"),
    Role.TREATMENT_CENTER: ("orders.offered_change_agreed", "orders.offered_change_refused"),
}


class ChangeInputs(DateWishInputs):
    """New dates for a booked order: the offer, and why, as a code and in words. What is wished of them is the center's
    to say: a wish that is absent is what the order remembers, one that is null is wished no more."""

    offer = serializers.CharField(
        max_length=4000, label="New dates", style=WITH_OFFER, help_text="token of an offer of the search"
    )
    code = serializers.ChoiceField(choices=ChangeReason.choices, label="Reason")
    reason = serializers.CharField(max_length=300, label="In words (no names)")


class AnswerInputs(DecisionInputs):
    """The other side's answer to a proposed change."""

    needs_reason = {"refuse": "Say why you refuse; the other side sees the reason."}

    decision = serializers.ChoiceField(choices=[("agree", "Agree"), ("refuse", "Refuse")], label="Answer")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed to refuse)"
    )


class ReasonInputs(serializers.Serializer[Any]):
    """Why something is given up."""

    reason = serializers.CharField(max_length=300, label="Reason (no names)")


@dataclass(frozen=True)
class Changed:
    """What a change came to: the order, ``moved``, ``proposed`` or ``refused``, and the chain that is new."""

    order: Order
    outcome: str
    chain: SlotChain


@dataclass(frozen=True)
class Standing:
    """How an order's dates stand: what is booked and what is proposed, with the knock-on of that."""

    chain: SlotChain | None
    window: ChangeWindow | None
    stops: list[MissingFact]
    proposal: SlotChain | None
    knock_on: KnockOn | None
    may_move: bool
    may_answer: bool
    may_withdraw: bool
    side: Role  # the actor's: the center that moves dates, or a manufacturer that proposes others

    @property
    def takes(self) -> str:
        """What a change by the actor's side takes, in words; empty where nothing is booked."""
        if self.window is None:
            return ""
        words = PLANNER_WORDS if self.proposes else {}
        return words.get(self.window, str(self.window.label))

    @property
    def proposes(self) -> bool:
        """Whether the actor's side only ever proposes."""
        return self.side != Role.TREATMENT_CENTER

    @property
    def may_choose(self) -> bool:
        """Whether new dates can be chosen now."""
        return self.may_move and self.chain is not None and not self.stops and self.proposal is None


def preview(actor: Actor, code: str, token: str, given: Mapping[str, Any] | None = None) -> Preview:
    """Return what moving the order to an offer would do and take; changes nothing. By whoever may book, or answers.

    ``given``: what is wished now, as validated inputs. Raises as ``reschedule`` does for a token that is none, or dates
    that are gone; what stops it now is in the answer.
    """
    with reading(actor):
        order = order_named(actor, code)
        side = require_side(actor, order)
        chain = slot_chains.live_chain(order.stream_id)
        if chain is None:
            raise FactsMissing("No dates are booked.", facts=rescheduling.stops(order, None))
        wishes = _wishes(order, side, given or {})
        with sponsors.sight(actor, order) as seen:
            request = rescheduling.request_of(actor, order, order.opened_at.date(), wishes)
            offer = changes.offer_for(seen, chain, request, token)
        return rescheduling.preview(actor, order, chain, offer, side)


def search_dates(
    actor: Actor, code: str, earliest: dt.date, given: Mapping[str, Any] | None = None, ranking: str = Ranking.EARLIEST
) -> SearchResult:
    """Return the dates to which a booked order could move, and why other days have none. By whoever may book, or
    answers for the manufacturer. ``given``: what the center wishes now, instead of what the order remembers."""
    with reading(actor):
        order = order_named(actor, code)
        side, said = require_side(actor, order), dict(given or {})
        if side != Role.TREATMENT_CENTER:
            said.pop("earliest", None)  # where a planner's search begins is no wish
        wishes = _wishes(order, side, said)
        chain = slot_chains.live_chain(order.stream_id)
        if chain is None:
            return SearchResult()
        wishes = replace(wishes or of_order(order.stream_id), ranking=ranking)
        return rescheduling.search(actor, order, chain, earliest, wishes)


def search_start(
    actor: Actor,
    code: str,
    line_id: UUID,
    date: dt.date,
    given: Mapping[str, Any] | None = None,
    ranking: str = Ranking.EARLIEST,
) -> SearchResult:
    """Return the dates with which manufacture of a booked order would start on a line on a day, and why there are none.

    By whoever may book, or answers for the manufacturer. ``given``: as in ``search_dates``.
    """
    with reading(actor):
        order = order_named(actor, code)
        wishes = _wishes(order, require_side(actor, order), given or {})
        chain = slot_chains.live_chain(order.stream_id)
        if chain is None:
            return SearchResult()
        wishes = replace(wishes or of_order(order.stream_id), ranking=ranking)
        return rescheduling.search_start(actor, order, chain, line_id, date, wishes)


def least_moved(standing: Standing, found: SearchResult) -> ChainOffer | None:
    """Return the offer to look at first: one that leaves the collection, else the shortest from vein to vein, else the
    nearest to what is booked; None where there is none."""
    booked = standing.chain.collection_starts_at if standing.chain else None

    def harm(offer: ChainOffer) -> tuple[bool, float, dt.timedelta]:
        away = abs(offer.collection_start - booked) if booked else dt.timedelta()
        return bool(away), offer.vein_to_vein_days, away

    return min(found.offers, key=harm, default=None)


def lines_of(actor: Actor, order: Order) -> list[tuple[UUID, str]]:
    """Return the lines on which the order could be made, with names. Run inside ``reading``."""
    return rescheduling.lines_of(actor, order)


def standing(actor: Actor, order: Order) -> Standing:
    """Return how the order's dates stand, for who may see its therapy: booked, proposed, and what a change takes."""
    chain = slot_chains.live_chain(order.stream_id)
    proposal = slot_chains.proposed_chain(order.stream_id) if chain else None
    found = None
    if chain and proposal:
        found = changes.knock_on(chain, changes.itinerary_of(proposal))
    side = _side(actor, order)
    proposer = _proposed_by(order, proposal)
    return Standing(
        chain=chain,
        window=rescheduling.window(order, chain) if chain else None,
        stops=rescheduling.stops(order, chain, side or Role.TREATMENT_CENTER),
        proposal=proposal,
        knock_on=found,
        may_move=may_reschedule(actor, order),
        may_answer=bool(side and proposer and side == _answerer(proposer)),
        may_withdraw=bool(side and proposer and _withdraws(side, proposer)),
        side=side or Role.TREATMENT_CENTER,
    )


def waiting_changes(actor: Actor) -> list[tuple[Order, SlotChain]]:
    """Return the proposed changes that the actor's organization answers, first to expire first, with their orders."""
    proposals = scheduling.proposals_waiting(actor)
    orders = queries.orders_by_stream(actor, [proposal.stream_id for proposal in proposals])
    return [(orders[proposal.stream_id], proposal) for proposal in proposals if proposal.stream_id in orders]


def reschedule(
    actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None, version: str | None = None
) -> Changed:
    """Move the booked dates: all places or none, at once or, where the therapy wants it, when the manufacturer agrees.

    A planner of the manufacturer or of the plant proposes them, and the center agrees (MP2, CM2).
    Raises NotFound, InvalidInput, NotAllowed, Stale, FactsMissing (what stops it, with a remedy), SlotFull with the
    next best offers.
    """
    with _on_chain(actor, "orders.dates_moved", code, once, version) as (order, chain, event):
        given = read(ChangeInputs, raw)
        side = require_side(actor, order)
        facts = rescheduling.stops(order, chain, side)
        if facts or chain is None:
            raise FactsMissing("The dates cannot move now.", facts=facts)
        event.reason = given["reason"]
        wishes = _wishes(order, side, given)
        if wishes is not None:
            keep(actor, order.stream_id, order.center_id, wishes)
        with sponsors.sight(actor, order) as seen:
            request = rescheduling.request_of(actor, order, order.opened_at.date(), wishes)
            offer = changes.offer_for(seen, chain, request, given["offer"])
        found = rescheduling.preview(actor, order, chain, offer, side)
        why = {"code": given["code"], "reason": given["reason"]}
        if found.at_once:
            fresh, outcome = changes.move(actor, chain, request, offer, **why), MOVED
            rescheduling.replan(order, found.knock_on, fresh, event.id)
        else:
            event.kind = kind_named(PROPOSES[side])
            with sponsors.sight(actor, order) as seen:
                fresh = changes.propose(seen, chain, request, offer, proposed_by=actor.organization_id, **why)
            outcome = PROPOSED
        _note(event, order, chain, fresh)
        event.result = {"order": order.code, "outcome": outcome}
    return Changed(order, outcome, fresh)


def answer_change(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> Changed:
    """Agree to a proposed change, which is in force then, or refuse it with a reason.

    By the manufacturer's planner what the center proposed, by the center what the planner did.
    """
    with _on_chain(actor, "orders.change_agreed", code, once) as (order, chain, event):
        given = read(AnswerInputs, raw)
        side = require_side(actor, order)
        proposal = _proposal(order)
        proposer = _proposed_by(order, proposal)
        if proposer == side:
            raise NotAllowed("The other side answers a change that your organization proposed.")
        if proposer is None or side != _answerer(proposer):
            raise NotAllowed("The treatment center and the manufacturer of the therapy answer each other's proposals.")
        agreed, refused = ANSWERED[side]
        event.kind, event.reason = kind_named(agreed), given["reason"].strip()
        if given["decision"] == "refuse":
            event.kind = kind_named(refused)
            changes.refuse(proposal, actor, given["reason"])
            _note(event, order, chain, proposal)
            return Changed(order, REFUSED, proposal)
        stopped = [fact for fact in rescheduling.stops(order, chain) if fact.code != "dates_frozen"]
        if stopped or chain is None:
            raise FactsMissing("The change cannot be agreed to now.", facts=stopped)
        former, fresh = changes.agree(proposal, actor)
        found = changes.knock_on(former, changes.itinerary_of(fresh))
        rescheduling.replan(order, found, fresh, event.id)
        _note(event, order, former, fresh)
    return Changed(order, MOVED, fresh)


def withdraw_change(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> Order:
    """Give a proposed change up: what was confirmed stays. By the side that proposed it; a sponsor also what its
    contract manufacturer proposed, because it answers for the order."""
    with _on_chain(actor, "orders.change_withdrawn", code, once) as (order, _, event):
        given = read(ReasonInputs, raw)
        side = require_side(actor, order)
        if not _withdraws(side, _proposed_by(order, _proposal(order))):
            raise NotAllowed("Whoever proposed the change withdraws it; you can refuse it.")
        event.reason = given["reason"]
        slot_chains.drop_proposal(order.stream_id, given["reason"])
        event.note(order=order.code)
    return order


def _wishes(order: Order, side: Role, given: Mapping[str, Any]) -> Wishes | None:
    """Return what is wished where something is said now; a planner says nothing of it."""
    wishes = wished_in(order, given)
    if wishes is not None and side != Role.TREATMENT_CENTER:
        said = {name: ["The treatment center says what is wished of its dates."] for name in GIVEN if name in given}
        raise InvalidInput(fields=said)
    return wishes


def require_mine(actor: Actor, order: Order) -> None:
    """Raise NotAllowed unless the actor books for the order's center, at its site."""
    require(actor, Capability.BOOK_SLOTS)
    if actor.organization_id != order.center_id or actor.site_id not in (None, order.center_site_id):
        raise NotAllowed("The coordinator of the patient's own treatment center changes its dates.")


def require_side(actor: Actor, order: Order) -> Role:
    """Return for whom the actor moves the order's dates: center, manufacturer, or the contract manufacturer whose line
    it is; raise NotAllowed for anybody else."""
    side = _side(actor, order)
    if side is None:
        planner = actor.organization_id != order.center_id
        require(actor, Capability.CONFIRM_SLOTS if planner else Capability.BOOK_SLOTS)
        raise NotAllowed("The center's own coordinator and the planners of its manufacturer change an order's dates.")
    return side


def _side(actor: Actor, order: Order) -> Role | None:
    if actor.organization_id == order.center_id:
        mine = actor.site_id in (None, order.center_site_id) and actor.can(Capability.BOOK_SLOTS)
        return Role.TREATMENT_CENTER if mine else None
    if not actor.can(Capability.CONFIRM_SLOTS):
        return None
    if actor.organization_id == order.manufacturer_id:
        return Role.MANUFACTURER
    return Role.CMO if sponsors.is_made_by(actor, order) else None


def _proposed_by(order: Order, proposal: SlotChain | None) -> Role | None:
    if proposal is None:
        return None
    if proposal.proposed_by in (None, order.center_id):
        return Role.TREATMENT_CENTER
    return Role.MANUFACTURER if proposal.proposed_by == order.manufacturer_id else Role.CMO


def _answerer(proposer: Role) -> Role:
    """Return which side answers what the other proposed: a contract manufacturer never does."""
    return Role.MANUFACTURER if proposer == Role.TREATMENT_CENTER else Role.TREATMENT_CENTER


def _withdraws(side: Role, proposer: Role | None) -> bool:
    return side == proposer or (side == Role.MANUFACTURER and proposer == Role.CMO)


def may_reschedule(actor: Actor, order: Order) -> bool:
    """Whether the order's page offers to move its dates: who may, and an order that goes on."""
    return bool(_side(actor, order) and order.state == OrderState.OPEN and order.plan)


@contextmanager
def _on_chain(
    actor: Actor, kind: str, code: str, once: Once | None, version: str | None = None
) -> Iterator[tuple[Order, SlotChain | None, OpenEvent]]:
    subject = ("order", code.upper())
    with acting(actor, kind, stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        event.zone = order.center_site.zone
        if version is not None and version.strip('"') != str(order.version):
            raise Stale()
        yield order, slot_chains.live_chain(order.stream_id), event


def _proposal(order: Order) -> SlotChain:
    proposal = slot_chains.proposed_chain(order.stream_id)
    if proposal is None:
        raise WrongState(
            "No change of dates is proposed.",
            code="no_change_proposed",
            remedy="Look at the order: it may be answered.",
        )
    return proposal


def _note(event: OpenEvent, order: Order, former: SlotChain | None, fresh: SlotChain) -> None:
    before = former.collection_starts_at.isoformat() if former else ""
    event.note(
        order=order.code,
        chain=fresh.pk,
        before=before,
        after=fresh.collection_starts_at.isoformat(),
        code=ChangeReason(fresh.change_code).label if fresh.change_code else "",
        state=str(ChainState(fresh.state).label),
    )
