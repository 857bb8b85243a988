"""On hold, lifted, cancelled, repeated: with a reason, from any open phase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from custody import material
from custody.states import ContainerState
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, Stale, WrongState
from orders import attempts, reserve_shipping
from orders.flow import context_of, current_step, order_named
from orders.models import Order, OrderStep
from orders.policies import require_may_perform
from orders.states import PASSED_STEP_STATES, OrderState, StepState
from orders.step_kinds import kind_of
from personas.policies import require
from personas.states import Capability
from scheduling import date_requests, slot_chains, waiting


@contextmanager
def _on_order(
    actor: Actor,
    kind: str,
    code: str,
    capability: Capability,
    reason: str,
    once: Once | None = None,
    version: str | None = None,
) -> Iterator[tuple[Order, OpenEvent]]:
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    with acting(
        actor, kind, stream_id=stream_id, subject=("order", code), reason=reason, once=once, capability=capability
    ) as event:
        order = order_named(actor, code)
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
        require(actor, capability)
        if order.state != OrderState.OPEN:
            raise WrongState(f"The order is {order.get_state_display().lower()}.", code="order_ended")
        if version is not None and version.strip('"') != str(order.version):
            raise Stale()
        yield order, event


def put_on_hold(actor: Actor, code: str, reason: str, *, once: Once | None = None, version: str | None = None) -> Order:
    """Stop the line: until the hold is lifted, only what has happened already can be recorded, as late."""
    with _on_order(actor, "orders.put_on_hold", code, Capability.HOLD_ORDER, reason, once, version) as (
        order,
        event,
    ):
        if order.on_hold:
            raise WrongState("The order is on hold already.")
        order.on_hold, order.hold_reason = True, reason
        order.version += 1
        order.save()
        event.note(order=order.code)
    return order


def lift_hold(actor: Actor, code: str, reason: str, *, once: Once | None = None, version: str | None = None) -> Order:
    """Let an order go on."""
    with _on_order(actor, "orders.hold_lifted", code, Capability.HOLD_ORDER, reason, once, version) as (
        order,
        event,
    ):
        if not order.on_hold:
            raise WrongState("The order is not on hold.")
        order.on_hold, order.hold_reason = False, ""
        order.version += 1
        order.save()
        event.note(order=order.code)
    return order


def cancel(actor: Actor, code: str, reason: str, *, once: Once | None = None, version: str | None = None) -> Order:
    """End an order: open steps are cancelled, its slot chain is freed, and it becomes read-only."""
    with _on_order(actor, "orders.cancelled", code, Capability.CANCEL_ORDER, reason, once, version) as (
        order,
        event,
    ):
        infused = any(bag.state == ContainerState.INFUSED for bag in material.of_stream(order.stream_id))
        if infused:
            raise FactsMissing(
                "The product was infused.",
                remedy="Close the order instead.",
                facts=[MissingFact("already_infused", "An infused order is closed, not cancelled.")],
            )
        attempts.cancel_open(order)
        chain = slot_chains.live_chain(order.stream_id)
        if chain is not None:
            slot_chains.free(chain, reason)
        date_requests.drop(order.stream_id, "The order was cancelled.")
        waiting.end(order.stream_id, order.center_id, "The order was cancelled.")
        order.state, order.end_reason, order.closed_at = OrderState.CANCELLED, reason, timezone.now()
        order.on_hold, order.hold_reason = False, ""
        order.to_write |= {"end_reason", "on_hold", "hold_reason"}
        attempts.set_phase(order)
        event.note(order=order.code)
    return order


def lets_repeat(actor: Actor, order: Order, step: OrderStep) -> bool:
    """Whether a step may be begun again: as its flow says, or because reserve that stayed behind is to be shipped."""
    if step.flow_step.may_repeat or reserve_shipping.way_again(order, step):
        return True
    return kind_of(step.flow_step.kind).begins_again(context_of(actor, order, step))


def repeat_step(actor: Actor, code: str, key: str, reason: str, *, once: Once | None = None) -> OrderStep:
    """Begin a step that the flow allows to repeat again, as a new attempt, while nothing later is done.

    Packing with reserve left behind is begun again once the box before has been received: the reserve's own way.
    """
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    subject = ("step", f"{code}/{key}")
    with acting(actor, "orders.step_repeated", stream_id=stream_id, subject=subject, reason=reason, once=once) as event:
        order = order_named(actor, code)
        step = current_step(order, key)
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
        require_may_perform(actor, step)
        reserve_way = reserve_shipping.way_again(order, step)
        if not lets_repeat(actor, order, step):
            raise NotAllowed(
                "The flow does not let this step repeat.",
                code="step_does_not_repeat",
                remedy="Ask the manufacturer's configuration owner to change the flow.",
            )
        if step.state not in (StepState.DONE, StepState.FAILED):
            raise WrongState("Only a step that was done can be repeated.", code="step_not_done")
        later = [
            s
            for s in attempts.latest_attempts(order).values()
            if key in s.flow_step.after and s.state in PASSED_STEP_STATES
        ]
        if later and not reserve_way:
            raise WrongState(f"“{later[0].flow_step.title}” has been done since.", code="later_step_done")
        if reserve_way:
            reserve_shipping.begin(order, reserve_way, event.id)
        else:
            attempts.reopen(order, key, event.id, reason)
        fresh = current_step(order, key)
        event.note(step=key, title=step.flow_step.title, attempt=fresh.attempt)
    return fresh
