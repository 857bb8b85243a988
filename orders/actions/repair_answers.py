"""Each center answers the moves that a planner signed for its orders: accepted, all places at once, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import FactsMissing, MissingFact, NotFound, WrongState
from orders import queries, repairing, rescheduling
from orders.actions.rescheduling import require_mine
from orders.flow import order_named
from orders.inputs import DecisionInputs, read
from orders.models import Order
from orders.states import OrderState
from personas.states import Capability
from scheduling import changes, disrupted, freed_places, kept_moves, move_costs, slot_chains
from scheduling.capacity import SlotFull
from scheduling.chain_search import token_of
from scheduling.kept_moves import MoveDue
from scheduling.move_costs import Costs
from scheduling.queries import live_chains
from scheduling.repair import acceptance, standing
from scheduling.repair.runs import RepairMove
from scheduling.repair.snapshot import Material
from scheduling.slot_chains import SlotChain
from scheduling.states import ChangeReason, MoveState

AWAITS = (
    "A place of this move is still another order's of the same plan, whose center has not answered yet."
    " Your places stay kept until then: accept again later, or call the planner."
)
COLLECTED = ("collection_begun", "dates_frozen")  # what stops a change of the center's own


class MoveInputs(DecisionInputs):
    """The center's answer to the move of its order."""

    needs_reason = {"refuse": "Say why you refuse; the planner sees the reason."}

    decision = serializers.ChoiceField(choices=[("accept", "Accept"), ("refuse", "Refuse")], label="Answer")
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="", label="Reason")


def waiting_moves(actor: Actor) -> list[tuple[Order, RepairMove]]:
    """Return the moves that wait for the actor's center, the nearest collection first, with their orders."""
    moves = list(disrupted.repair_moves(actor).filter(state=MoveState.OFFERED, center_id=actor.organization_id))
    orders = queries.orders_by_stream(actor, [move.stream_id for move in moves]) if moves else {}
    return [(orders[move.stream_id], move) for move in moves if move.stream_id in orders]


def is_asked_to_move(actor: Actor, order: Order) -> bool:
    """Whether the actor may answer a signed move of the order, and it waits for that."""
    mine = order.center_id == actor.organization_id and actor.can(Capability.BOOK_SLOTS)
    return mine and order.state == OrderState.OPEN and bool(disrupted.waiting_for_centers(actor, [order.stream_id]))


def costs_of(actor: Actor, moves: Iterable[tuple[Order, RepairMove]]) -> Costs:
    """Return by move what accepting it would cost now: to a center what is charged to it, nobody else's price.

    Nothing of moves that wait for no answer. At most three queries, however many moves.
    """
    waiting = [(order, move) for order, move in moves if move.state == MoveState.OFFERED and move.starts]
    therapies = {order.stream_id: order.therapy_id for order, _ in waiting}
    prices = move_costs.prices_of(actor, set(therapies.values()))
    if not any(prices.rows.values()):
        return {}
    chains = {chain.stream_id: chain for chain in live_chains(actor, therapies)}
    known = [(move, chains[move.stream_id]) for _, move in waiting if move.stream_id in chains]
    return move_costs.of_moves(prices, known, therapies)


def answer_move(actor: Actor, move_id: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> RepairMove:
    """Accept the move of an own order: all new places are taken and the former given back, or none. Or refuse it.

    A refused order stays on the disruption's list. Raises SlotFull with the next best dates when somebody was faster.
    """
    with reading(actor):
        move = disrupted.repair_moves(actor).filter(pk=move_id).first()
        if move is None:
            raise NotFound()
        order = Order.unwalled.filter(stream_id=move.stream_id).get()
    subject = ("order", order.code)
    with acting(actor, "orders.dates_moved", stream_id=move.stream_id, subject=subject, once=once) as event:
        order = order_named(actor, order.code)
        order.stream = event.stream
        given = read(MoveInputs, raw)
        require_mine(actor, order)
        move = RepairMove.unwalled.select_for_update().get(pk=move_id)
        if move.state != MoveState.OFFERED:
            raise WrongState(f"This move is {MoveState(move.state).label.lower()} already.")
        due = kept_moves.locked(move.disruption_id, move_id)
        if due is not None and due.due_at <= timezone.now():  # the sweep has not come by yet
            raise WrongState("The time to answer this move is over.", code="move_expired", remedy=acceptance.REMEDY)
        before, after = move.before.isoformat(), move.after.isoformat()
        code = ChangeReason.DISRUPTION.label
        event.note(order=order.code, before=before, after=after, code=code, chain="", state="")
        if given["decision"] == "refuse":
            event.kind, event.reason = kind_named("orders.move_refused"), given["reason"].strip()
            move.state, move.reason = MoveState.REFUSED, given["reason"].strip()
            _let_go(order, due)
        else:
            _take_up(actor, order, move, due, event)
            move.state = MoveState.ACCEPTED
        move.answered_by_name, move.answered_at = actor.display_name, timezone.now()
        move.save()
    return move


def _let_go(order: Order, due: MoveDue | None) -> None:
    """Free what was kept for a move at once, first for the moves of the same plan that wait for a place of it."""
    if due is not None:
        kept_moves.hand_on(due.disruption_id, kept_moves.let_go(due) or ())
        freed_places.note([order.therapy_id])


def _take_up(actor: Actor, order: Order, move: RepairMove, due: MoveDue | None, event: OpenEvent) -> None:
    """Move the order to its kept places; what it gives up goes to the moves of the same plan that wait for it."""
    if due is not None:
        kept_moves.let_go(due)
    try:
        former, fresh = _move(actor, order, move, event)
    except SlotFull as refusal:
        if due is not None and due.lacking:
            refusal.remedy = AWAITS
        raise
    freed = slot_chains.places_in(former) - slot_chains.places_in(fresh)
    kept_moves.hand_on(move.disruption_id, freed)


def _move(actor: Actor, order: Order, move: RepairMove, event: OpenEvent) -> tuple[SlotChain, SlotChain]:
    """Move the chain, or what is left of it after the collection; return it as it was, and as it is. The plant itself
    asks, so nothing is frozen."""
    chain = slot_chains.live_chain(order.stream_id)
    hit = repairing.hit_now(order, chain) if chain else None
    began = hit is not None and hit.where.material != Material.NOT_COLLECTED
    ignored = COLLECTED if began else COLLECTED[1:]
    facts = [fact for fact in rescheduling.stops(order, chain) if fact.code not in ignored]
    if hit and began and hit.why_not:
        facts.append(MissingFact("not_movable", hit.why_not, "Look at the order: it needs another decision."))
    if facts or chain is None or hit is None:
        raise FactsMissing("The dates cannot move now.", facts=facts)
    request = changes.staying(chain, rescheduling.request_of(actor, order, order.opened_at.date()))
    if began:
        offer = acceptance.offer_of_move(actor, repairing.affected_by(hit, request), move.slot_ids)
    else:
        request = standing.as_booked(request, request.own_slot_ids, move.slot_ids)
        offer = changes.offer_for(actor, chain, request, token_of(move.slot_ids))
    found = changes.knock_on(chain, offer)
    try:
        fresh = changes.move(actor, chain, request, offer, code=ChangeReason.DISRUPTION, reason=move.text)
    except SlotFull as refusal:
        if began:  # the next best of a search would begin with another collection
            refusal.offers, refusal.remedy = (), acceptance.REMEDY
        raise
    rescheduling.replan(order, found, fresh, event.id)
    if hit.where.has_started:
        event.kind = kind_named("orders.return_moved")
        event.note(before=chain.earliest_infusion_at.isoformat(), after=fresh.earliest_infusion_at.isoformat())
    elif not found.collection_later:
        event.kind = kind_named("orders.start_moved")
        before, after = chain.manufacture_starts_at, fresh.manufacture_starts_at
        event.note(before=before.isoformat(), after=after.isoformat())
    event.note(chain=fresh.pk, state=str(fresh.get_state_display()))
    return chain, fresh
