"""A slot hold that is renewed, and what follows when one ends without a request."""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import NotFound, WrongState
from orders import attempts, bookings
from orders.flow import order_named
from orders.models import Order, OrderStep
from orders.policies import require_may_perform
from orders.states import OrderState, StepState
from personas.queries import system_actor
from scheduling import slot_chains
from scheduling.slot_chains import SlotChain

BOOKING_KIND = "hold_slot_chain"


def renew_hold(actor: Actor, code: str, *, once: Once | None = None) -> SlotChain:
    """Let the order's slot hold run for its flow's hold time from now; by whoever may book, at most twice (CO2)."""
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    subject = ("order", code.upper())
    with acting(actor, "orders.hold_renewed", stream_id=stream_id, subject=subject, once=once) as event:
        order = order_named(actor, code)
        step = next((s for s in attempts.latest_attempts(order).values() if s.flow_step.kind == BOOKING_KIND), None)
        if step is None:
            raise NotFound()
        require_may_perform(actor, step)
        chain = slot_chains.live_chain(stream_id)
        if chain is None:
            raise WrongState("There is no slot hold.", remedy="Search, and hold a slot chain.")
        slot_chains.renew(chain, int(step.flow_step.parameters.get("hold_hours", slot_chains.HOLD_HOURS)))
        event.note(order=order.code, chain=chain.pk, held_until=chain.held_until)
    return chain


def reopen_booking(stream_id: UUID, organization_id: UUID) -> bool:
    """Begin the booking step again when its chain is gone; returns whether there was anything to reopen."""
    actor = system_actor(organization_id, "reopen-booking", name="System")
    with reading(actor):
        if _lost_booking(stream_id) is None:
            return False
    try:
        _reopen(actor, stream_id)
    except WrongState:
        return False
    return True


def _lost_booking(stream_id: UUID) -> tuple[Order, OrderStep] | None:
    order = Order.unwalled.select_related("therapy", "specification", "flow").filter(stream_id=stream_id).first()
    if order is None or order.state != OrderState.OPEN or slot_chains.live_chain(stream_id) is not None:
        return None
    booked = (step for step in attempts.latest_attempts(order).values() if step.flow_step.kind == BOOKING_KIND)
    step = next(booked, None)
    return (order, step) if step is not None and step.state == StepState.DONE else None


def _reopen(actor: Actor, stream_id: UUID) -> None:
    with acting(actor, "orders.booking_reopened", stream_id=stream_id) as event:
        lost = _lost_booking(stream_id)
        if lost is None:
            raise WrongState("The booking is in place.")
        order, step = lost
        event.subject_type, event.subject_id = "order", order.code
        bookings.release_plan(order)
        attempts.reopen(order, step.key, event.id, "The slot hold expired.")
        event.note(order=order.code, why="hold_expired")
