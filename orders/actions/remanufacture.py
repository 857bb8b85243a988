"""After a lost batch the order goes on: made again from reserve, or collected again; as new attempts, never instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from custody import identity, material
from custody.states import GONE, ContainerKind, ContainerState
from ledger.canonical import canonical_text, digest
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import FactsMissing, MissingFact, NotAllowed, NotFound, Stale, WrongState
from orders import attempts, bookings, evidence, reserve, signers
from orders.flow import order_named
from orders.inputs import SignatureInput, read
from orders.locks import stream_of
from orders.models import Order, OrderStep
from orders.prescribers import require_credential
from orders.queries import may_see_therapy
from orders.states import OPEN_STEP_STATES, OrderState, StepState
from personas.policies import require
from personas.states import Capability
from quality.batches import ENDED
from scheduling import costs, slot_chains
from scheduling.costs import CostLine

RESERVE, COLLECT = "reserve", "collect"
WAYS = {RESERVE: "Make again from reserve", COLLECT: "Collect again"}
BEGINS_AT = {RESERVE: reserve.CONFIRM, COLLECT: "hold_slot_chain"}
NO_STEP = {
    RESERVE: MissingFact("no_reserve", "The flow of this order keeps no reserve.", "Collect again."),
    COLLECT: MissingFact("no_such_way", "The flow of this order collects nothing.", "Open a new order."),
}
MEANING = "remanufacture prescribed"
# The dates of the lost batch, where no slot chain promises new ones.
NO_LONGER_PLANNED = ("manufacture_start", "tentative_return", "earliest_infusion")


class RemanufactureInputs(serializers.Serializer[Any]):
    """How the order goes on after a lost batch, why, and the signature of the treating physician."""

    way = serializers.ChoiceField(choices=list(WAYS.items()), label="How the order goes on")
    reason = serializers.CharField(max_length=500, label="Reason (no names)")
    signature = SignatureInput(label="Your signature")


def remanufacture(
    actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None, version: str | None = None
) -> Order:
    """Begin again with new attempts of the same order and identity; what was lost stays on the record.

    By a physician of the patient's center, signed, with a prescriber's credential. Raises NotFound, InvalidInput,
    NotAllowed, WrongState, Stale, and FactsMissing that says what stands against it.
    """
    with acting(
        actor,
        "orders.remanufacture_decided",
        stream_id=stream_of(code),
        subject=("order", code.upper()),
        capability=Capability.PRESCRIBE,
        once=once,
    ) as event:
        order = _visible(actor, code)
        given = read(RemanufactureInputs, raw)
        _require_may(actor, order)
        _require_open(order, version)
        missing = missing_for(actor, order, given["way"])
        if missing:
            raise FactsMissing("The order cannot go on this way.", facts=missing)
        entered = {"order": order.code, "identity": order.identity_code, "way": given["way"], "reason": given["reason"]}
        bound = digest(canonical_text(entered))
        signing = signers.sign_act(actor, given["signature"], Capability.PRESCRIBE, MEANING, bound, order.center_site)
        require_credential(order, signing.person_id)
        event.signatures, event.reason = [signing], given["reason"]
        lost = evidence.current_batch(actor, order)
        event.note(order=order.code, way=WAYS[given["way"]].lower(), batch=lost.number if lost else "none")
        _begin_again(order, given["way"], event.id, given["reason"])
        event.result = {"order": order.code}
    return order


def ways_of(actor: Actor, order: Order) -> dict[str, str]:
    """Return the ways that are open to the actor now, with their labels: what the action would not refuse."""
    return open_ways(actor, order) if _may(actor, order) else {}


def open_ways(actor: Actor, order: Order) -> dict[str, str]:
    """Return the ways in which the order may go on after a lost batch, whoever decides; empty when none was lost."""
    if order.state != OrderState.OPEN or order.on_hold or not may_see_therapy(actor):
        return {}
    if not _is_lost(actor, order, material.of_stream(order.stream_id)):
        return {}
    return {way: label for way, label in WAYS.items() if not missing_for(actor, order, way)}


def costs_of_collecting(actor: Actor, order: Order) -> list[CostLine]:
    """Return what a second collection costs by the manufacturer's price list, as far as the actor may see it."""
    return costs.of_recollection(costs.in_force(actor, order.therapy_id, timezone.now().date())).sums


def may_decide(actor: Actor, order: Order) -> bool:
    return bool(ways_of(actor, order))


def missing_for(actor: Actor, order: Order, way: str) -> list[MissingFact]:
    """Return what stands against going on this way; empty when it may be signed."""
    found = identity.query_facts(order.stream_id)
    bags = material.of_stream(order.stream_id)
    if any(bag.state == ContainerState.INFUSED for bag in bags):
        return [*found, MissingFact("already_infused", "The product was infused.", "Close the order instead.")]
    step = _first_step(order, way)
    if step is None:
        return [*found, NO_STEP[way]]
    if not _is_lost(actor, order, bags):
        text = "No batch of this order has failed or been rejected, and no starting material was lost."
        found.append(MissingFact("nothing_lost", text, "Wait for the decision of quality."))
    elif step.state in OPEN_STEP_STATES and not reserve.is_over(order):
        found.append(MissingFact("decided_already", "The order goes on already.", "Look whose turn it is."))
    elif way == RESERVE:
        found += reserve.missing(order) or reserve.line_missing(actor, order)
    return found


def _visible(actor: Actor, code: str) -> Order:
    order = order_named(actor, code)
    if not may_see_therapy(actor):
        raise NotFound()
    return order


def _may(actor: Actor, order: Order) -> bool:
    here = actor.site_id in (None, order.center_site_id)
    return actor.organization_id == order.center_id and here and actor.can(Capability.PRESCRIBE)


def _require_may(actor: Actor, order: Order) -> None:
    require(actor, Capability.PRESCRIBE)
    if not _may(actor, order):
        raise NotAllowed("A physician of the patient's own center prescribes that an order is made again.")


def _require_open(order: Order, version: str | None) -> None:
    if version is not None and version.strip('"') != str(order.version):
        raise Stale()
    if order.state != OrderState.OPEN:
        raise WrongState(
            f"The order is {order.get_state_display().lower()}.",
            code="order_ended",
            remedy="A closed or cancelled order is read-only. Open a new order if the patient needs one.",
        )
    if order.on_hold:
        raise WrongState(
            f"The order is on hold: {order.hold_reason}", code="order_on_hold", remedy="Lift the hold first."
        )


def _first_step(order: Order, way: str) -> OrderStep | None:
    steps = attempts.of_kind(order, BEGINS_AT[way])
    return steps[0] if steps else None


def _is_lost(actor: Actor, order: Order, bags: list[Any]) -> bool:
    """Whether the newest batch has ended without a product, or the material was lost before there was a batch.

    While a newer attempt runs, the former batch is history.
    """
    started = attempts.of_kind(order, "start_manufacture")
    if started and started[0].state == StepState.DONE:
        batch = evidence.current_batch(actor, order)
        return batch is not None and batch.state in ENDED
    if reserve.is_over(order):
        return True
    if not started or attempts.still_open(order, "collect"):
        return False
    sources = [bag for bag in bags if bag.kind == ContainerKind.STARTING_MATERIAL]
    unused = [bag for bag in sources if bag.state != ContainerState.CONSUMED]
    return bool(unused) and all(bag.state in GONE for bag in unused)


def _begin_again(order: Order, way: str, event_id: Any, reason: str) -> None:
    if way == COLLECT:
        chain = slot_chains.live_chain(order.stream_id)
        if chain is not None:
            slot_chains.free(chain, reason)
        bookings.release_plan(order)
    elif slot_chains.live_chain(order.stream_id) is None:
        order.plan = {name: time for name, time in order.plan.items() if name not in NO_LONGER_PLANNED}
        order.save(update_fields=["plan"])
    step = _first_step(order, way)
    assert step is not None  # noqa: S101 - asked by missing_for
    attempts.reopen(order, step.key, event_id, reason)
