"""Two patients of one center exchange their booked dates: a physician agrees for each; identities never move (CO6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.recording import Once, OpenEvent, Signing, acting
from ledger.refusals import Conflict, FactsMissing, InvalidInput, MissingFact, NotFound, WrongState
from ledger.walls import visible
from orders import attempts, queries, rescheduling, signers
from orders.actions.rescheduling import ReasonInputs, require_mine
from orders.flow import order_named
from orders.inputs import DecisionInputs, SignatureInput, read
from orders.models import Order, SlotSwap
from orders.states import OrderState, SwapState
from personas.policies import require
from personas.states import Capability
from scheduling import changes, slot_chains, wishes
from scheduling import queries as scheduling
from scheduling.slot_chains import SlotChain
from scheduling.states import ChainState, ChangeReason

MEANING = "swap of dates approved"


class SwapInputs(serializers.Serializer[Any]):
    """With which order the dates are exchanged, and why."""

    other = serializers.CharField(max_length=16, label="Exchange with")
    code = serializers.ChoiceField(choices=ChangeReason.choices, label="Reason")
    reason = serializers.CharField(max_length=300, label="In words (no names)")


class ApprovalInputs(DecisionInputs):
    """For which of the two orders a physician agrees or refuses, signed."""

    needs_reason = {"refuse": "Say why you refuse."}

    order = serializers.CharField(max_length=16, label="For order")
    decision = serializers.ChoiceField(choices=[("approve", "Approve"), ("refuse", "Refuse")], label="Decision")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed to refuse)"
    )
    signature = SignatureInput(label="Your signature")


def propose_swap(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> SlotSwap:
    """Ask that two orders of the center exchange their confirmed dates. By whoever books for both.

    Raises NotFound, InvalidInput, NotAllowed, Conflict ``swap_proposed``, FactsMissing (what stops it).
    """
    given = read(SwapInputs, raw)
    with reading(actor):
        first, second = order_named(actor, code), _other(actor, given["other"])
    with acting(
        actor,
        "orders.swap_proposed",
        stream_id=first.stream_id,
        also=[second.stream_id],
        subject=("order", first.code),
        capability=Capability.BOOK_SLOTS,
        reason=given["reason"],
        once=once,
    ) as event:
        first, second = order_named(actor, first.code), order_named(actor, second.code)
        for order in (first, second):
            require_mine(actor, order)
        facts = stops(first, second)
        if facts:
            raise FactsMissing("These dates cannot be exchanged.", facts=facts)
        if open_swaps(actor, first) or open_swaps(actor, second):
            raise Conflict(
                "A swap of one of these orders waits for its physicians already.",
                code="swap_proposed",
                remedy="Withdraw it first, or wait for the answer.",
            )
        swap: SlotSwap = SlotSwap.objects.create(
            center_id=actor.organization_id,
            first=first,
            second=second,
            code=given["code"],
            reason=given["reason"],
            proposed_by=actor.display_name,
        )
        _note(event, swap)
        event.result = {"swap": str(swap.pk)}
    return swap


def answer_swap(actor: Actor, swap_id: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> SlotSwap:
    """Approve or refuse a swap for one of its orders, signed by a physician of the center.

    One person agrees for both orders only who prescribed both. With the second approval the dates are exchanged in the
    same transaction. Raises NotFound, InvalidInput, NotAllowed, WrongState, FactsMissing ``second_person_needed``.
    """
    given = read(ApprovalInputs, raw)
    with reading(actor):
        seen = swap_named(actor, swap_id)
    with acting(
        actor,
        "orders.swap_approved",
        stream_id=seen.first.stream_id,
        also=[seen.second.stream_id],
        subject=("swap", str(swap_id)),
        capability=Capability.PRESCRIBE,
        reason=given["reason"],
        once=once,
    ) as event:
        swap = swap_named(actor, swap_id)
        require(actor, Capability.PRESCRIBE)
        order = _for_order(swap, given["order"])
        if swap.state != SwapState.PROPOSED:
            raise WrongState(f"This swap is {swap.get_state_display().lower()}.", code="swap_ended")
        event.signatures = [signing := _sign(actor, swap, order, given)]
        if given["decision"] == "refuse":
            _end(swap, SwapState.REFUSED, event)
        else:
            _approve(swap, order, signing, event)
    return swap


def withdraw_swap(actor: Actor, swap_id: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> SlotSwap:
    """Give a proposed swap up: both orders keep their dates."""
    given = read(ReasonInputs, raw)
    with reading(actor):
        seen = swap_named(actor, swap_id)
    with acting(
        actor,
        "orders.swap_ended",
        stream_id=seen.first.stream_id,
        also=[seen.second.stream_id],
        subject=("swap", str(swap_id)),
        capability=Capability.BOOK_SLOTS,
        reason=given["reason"],
        once=once,
    ) as event:
        swap = swap_named(actor, swap_id)
        require_mine(actor, swap.first)
        if swap.state != SwapState.PROPOSED:
            raise WrongState(f"This swap is {swap.get_state_display().lower()}.", code="swap_ended")
        _end(swap, SwapState.WITHDRAWN, event)
    return swap


def swap_named(actor: Actor, swap_id: UUID) -> SlotSwap:
    """Return a swap of the actor's center with its two orders; NotFound for anybody else's."""
    swap = visible(SlotSwap, actor).filter(pk=swap_id).first()
    if swap is None:
        raise NotFound()
    codes = dict(visible(Order, actor).filter(pk__in=[swap.first_id, swap.second_id]).values_list("pk", "code"))
    swap.first, swap.second = (order_named(actor, codes[pk]) for pk in (swap.first_id, swap.second_id))
    return swap


def open_swaps(actor: Actor, order: Order) -> list[SlotSwap]:
    """Return the swap that waits for an answer and concerns the order (at most one)."""
    found = visible(SlotSwap, actor).filter(state=SwapState.PROPOSED)
    return [swap for swap in found if order.pk in (swap.first_id, swap.second_id)]


def candidates(actor: Actor, order: Order) -> list[tuple[Order, SlotChain]]:
    """Return the center's other orders with which this one might exchange its dates, earliest collection first.

    Of the same therapy at the same site, confirmed, not yet collected; what else stands against it ``stops`` says.
    """
    same = queries.orders(actor).filter(
        therapy_id=order.therapy_id, center_site_id=order.center_site_id, state=OrderState.OPEN, on_hold=False
    )
    others = list(same.exclude(pk=order.pk))
    begun = rescheduling.begun_among(actor, others)
    orders = {other.stream_id: other for other in others if other.pk not in begun}
    chains = scheduling.confirmed_after(actor, orders, timezone.now())
    ready = sorted(chains.values(), key=lambda chain: (chain.collection_starts_at, chain.pk))
    return [(orders[chain.stream_id], chain) for chain in ready]


def waiting_swaps(actor: Actor) -> list[SlotSwap]:
    """Return the swaps of the actor's center that wait for a physician, oldest first."""
    found = list(visible(SlotSwap, actor).filter(state=SwapState.PROPOSED).order_by("proposed_at", "pk"))
    ids = {pk for swap in found for pk in (swap.first_id, swap.second_id)}
    orders = {order.pk: order for order in queries.orders(actor).filter(pk__in=ids)}
    for swap in found:
        swap.first, swap.second = orders[swap.first_id], orders[swap.second_id]
    return found


def stops(first: Order, second: Order) -> list[MissingFact]:
    """Return why two orders cannot exchange their dates now; empty when they can."""
    if first.pk == second.pk:
        return [MissingFact("same_order", "This is the same order.", "Choose another order.")]
    found = []
    chains = [slot_chains.live_chain(order.stream_id) for order in (first, second)]
    for order, chain in zip((first, second), chains, strict=True):
        facts = rescheduling.stops(order, chain)
        if not facts and chain is not None and chain.state != ChainState.CONFIRMED:
            facts = [MissingFact("not_confirmed", "The dates are not confirmed yet.", "Wait for the planner's answer.")]
        found += [MissingFact(f.code, f"{order.code}: {f.text}", f.remedy) for f in facts]
    if (first.therapy_id, first.center_site_id) != (second.therapy_id, second.center_site_id):
        text = "The orders are not for the same therapy at the same site."
        found.append(MissingFact("not_alike", text, "Move the dates of each order instead."))
    return found + _unmet(first, chains[1]) + _unmet(second, chains[0])


def _unmet(order: Order, theirs: SlotChain | None) -> list[MissingFact]:
    """Return what is wished of the order's dates that the other order's do not meet: a washout binds here, too."""
    if theirs is None:
        return []
    then = order.center_site.date_of(theirs.collection_starts_at)
    words = wishes.of_order(order.stream_id).unmet(then, rescheduling.usual_washout(order))
    day = f"{then:%a %d %b %Y}".replace(" 0", " ")
    remedy = "Choose another order, or say first what is wished of this order's dates now."
    return [MissingFact("wish_unmet", f"{order.code} would be collected on {day}: {text}.", remedy) for text in words]


def _other(actor: Actor, code: str) -> Order:
    try:
        return order_named(actor, code)
    except NotFound:
        raise InvalidInput(fields={"other": ["There is no such order."]}) from None


def _for_order(swap: SlotSwap, code: str) -> Order:
    order = next((order for order in swap.orders if order.code == code.upper()), None)
    if order is None:
        raise InvalidInput(fields={"order": ["Name one of the two orders of the swap."]})
    return order


def _sign(actor: Actor, swap: SlotSwap, order: Order, given: Mapping[str, Any]) -> Signing:
    entered = {
        "swap": str(swap.pk),
        "orders": [one.code for one in swap.orders],
        "identities": [one.identity_code for one in swap.orders],
        "dates": [_start(one) for one in swap.orders],
        "for": order.code,
        "decision": given["decision"],
        "reason": given["reason"],
    }
    bound = digest(canonical_text(entered))
    return signers.sign_act(actor, given["signature"], Capability.PRESCRIBE, MEANING, bound, order.center_site)


def _start(order: Order) -> str:
    return str(order.plan.get("collection_start", ""))


def _approve(swap: SlotSwap, order: Order, signing: Signing, event: OpenEvent) -> None:
    side = "first" if order.pk == swap.first_id else "second"
    other_id = swap.second_approved_by_id if side == "first" else swap.first_approved_by_id
    if other_id == signing.person_id and not all(_prescribed(one, signing.person_id) for one in swap.orders):
        raise FactsMissing(
            "Another physician agrees for this patient.",
            code="second_person_needed",
            facts=[
                MissingFact(
                    "second_person_needed",
                    "One person agrees for both patients only who prescribed for both.",
                    "Ask the other patient's physician to sign.",
                )
            ],
        )
    setattr(swap, f"{side}_approved_by_id", signing.person_id)
    setattr(swap, f"{side}_approved_by", signing.person_name)
    if swap.first_approved_by_id and swap.second_approved_by_id:
        _exchange(swap, event)
    else:
        _note(event, swap)
        event.note(order=order.code)
    swap.save()


def _prescribed(order: Order, person_id: UUID | None) -> bool:
    return any(step.done_by_id == person_id for step in attempts.of_kind(order, "prescribe"))


def _exchange(swap: SlotSwap, event: OpenEvent) -> None:
    facts = stops(swap.first, swap.second)
    if facts:
        raise FactsMissing("These dates cannot be exchanged any more.", facts=facts)
    before = {order.pk: slot_chains.live_chain(order.stream_id) for order in swap.orders}
    first, second = before[swap.first_id], before[swap.second_id]
    assert first is not None and second is not None  # noqa: S101 - asked by ``stops``
    pairs = ((first, second), (second, first))
    moves = [changes.knock_on(mine, changes.itinerary_of(theirs)) for mine, theirs in pairs]
    fresh = changes.exchange(first, second, code=swap.code, reason=swap.reason)
    for order, found, chain in zip(swap.orders, moves, fresh, strict=True):
        rescheduling.replan(order, found, chain, event.id)
    swap.state, swap.ended_at = SwapState.DONE, timezone.now()
    event.kind = kind_named("orders.dates_swapped")  # everybody on either order hears of it, of the other order nobody
    event.note(code=str(ChangeReason(swap.code).label))


def _end(swap: SlotSwap, state: SwapState, event: OpenEvent) -> None:
    event.kind = kind_named("orders.swap_ended")
    swap.state, swap.ended_at = state, timezone.now()
    swap.save()
    _note(event, swap)


def _note(event: OpenEvent, swap: SlotSwap) -> None:
    event.note(first=swap.first.code, second=swap.second.code, state=str(SwapState(swap.state).label))
