"""What a driver reports from the road: the box could not be taken, or it comes later (CR3, CR5, CR6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from custody import shipments
from custody.states import ShipmentState
from ledger.context import Actor
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from ledger.states import Role
from orders import arrivals, attempts, parties, transit, way_points
from orders.courier_notes import HAND_OVER, LONGEST_NOTE, PICKUP
from orders.courier_notes import SOON as SOON
from orders.courier_notes import title_of as title_of
from orders.flow import current_step, order_named
from orders.locks import stream_of
from orders.models import Order, OrderStep
from orders.policies import may_see, require_may_perform
from orders.states import OPEN_STEP_STATES, OrderState, PickupFailure
from orders.step_kinds import Noted
from personas.states import Capability
from quality import deviations

FARTHEST = dt.timedelta(days=14)


@dataclass(frozen=True)
class _OnTheWay:
    order: Order
    step: OrderStep
    event: OpenEvent


@contextmanager
def _hand_over(
    actor: Actor,
    kind: str,
    code: str,
    key: str,
    note: str,
    once: Once | None,
    noted: Noted | None,
    then: Callable[[Order], None] | None,
) -> Iterator[_OnTheWay]:
    times: dict[str, Any] = {"occurred_at": noted.happened_at, "device_time": noted.device_time} if noted else {}
    subject = ("step", f"{code.upper()}/{key}")
    with acting(
        actor, kind, stream_id=stream_of(code), subject=subject, reason=note.strip(), once=once, **times
    ) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        step = current_step(order, key)
        if step.flow_step.kind != HAND_OVER or not may_see(actor, step):
            raise NotFound()
        if len(note) > LONGEST_NOTE:
            raise InvalidInput(fields={"note": [f"Use at most {LONGEST_NOTE} characters."]})
        event.zone = step.site.zone if step.site else order.center_site.zone
        way = _OnTheWay(order, step, event)
        yield way
        if noted:
            event.clock_skew = noted.clock_skew
            noted.beside(way)
        if then is not None:
            then(order)


def _require_open(order: Order, step: OrderStep) -> None:
    if order.state != OrderState.OPEN:
        raise WrongState(f"The order is {order.get_state_display().lower()}.", code="order_ended")
    if step.state not in OPEN_STEP_STATES:
        raise WrongState(f"“{step.flow_step.title}” is {step.get_state_display().lower()}.", code="step_not_open")


def report_failed_pickup(
    actor: Actor,
    code: str,
    key: str,
    failure: str,
    note: str = "",
    *,
    once: Once | None = None,
    noted: Noted | None = None,
    then: Callable[[Order], None] | None = None,
) -> Order:
    """Record that the driver left without the box: everybody on the order is told, a deviation is opened.

    The pickup stays open, to be tried again. The deviation says how long the material can still wait, to those who may
    read deviations: never to the courier. ``noted``: that it was noted before, on a device without network. ``then``
    is called with the order before the commit; not on replay.
    """
    with _hand_over(actor, "orders.pickup_failed", code, key, note, once, noted, then) as way:
        order, step, event = way.order, way.step, way.event
        if step.flow_step.parameters.get("moment") != PICKUP:
            raise NotFound()
        faults = {}
        if failure not in PickupFailure.values:
            faults["failure"] = ["Say why: choose one."]
        elif failure == PickupFailure.OTHER and not note.strip():
            faults["note"] = ["Say what it was."]
        if faults:
            raise InvalidInput(fields=faults)
        event.capability = Capability.TAKE_CUSTODY
        require_may_perform(actor, step)
        _require_open(order, step)
        box = shipments.current(order.stream_id, step.flow_step.parameters["direction"], ShipmentState.PACKED)
        words = PickupFailure(failure).label
        margin = transit.margin(order) if step.flow_step.parameters["direction"] == "inbound" else None
        text = " ".join(
            filter(None, [f"{step.flow_step.title} failed: {words.lower()}.", note.strip(), str(margin or "")])
        )
        deviations.open_deviation(event.stream, "transport", "major", text, automatic=True)
        event.note(order=order.code, step=key, title=step.flow_step.title, failure=words, box=box.code if box else "")
    return order


def report_delay(
    actor: Actor,
    code: str,
    key: str,
    expected_at: dt.datetime | None,
    note: str = "",
    *,
    once: Once | None = None,
    noted: Noted | None = None,
    then: Callable[[Order], None] | None = None,
) -> Order:
    """Record when the courier now expects to be there; everybody on the order is told, the plan itself stays.

    What the box has in reserve on arrival is reckoned anew from that time, and told with it. Where it would arrive too
    late, or its shipper does not hold that long, a deviation is opened.
    """
    with _hand_over(actor, "orders.delayed", code, key, note, once, noted, then) as way:
        order, step, event = way.order, way.step, way.event
        _refuse_bad_time(expected_at)
        event.capability = Capability.TAKE_CUSTODY if actor.can(Capability.TAKE_CUSTODY) else Capability.MANAGE_LANES
        require_carrier(actor, order)
        _require_open(order, step)
        assert expected_at is not None  # noqa: S101 - refused above
        transit.expect(order, key, expected_at)
        way_points.watch(order, attempts.latest_attempts(order).values())
        direction = step.flow_step.parameters["direction"]
        box = shipments.current(order.stream_id, direction)
        arrival = arrivals.expected(order, direction)
        if arrival is not None:
            transit.keep_left(order, key, arrival.left)
        _open_case(order, step, arrival, note)
        event.note(
            order=order.code,
            box=box.code if box else "",
            step=key,
            title=step.flow_step.title,
            planned_at=f"{step.planned_at:%Y-%m-%d %H:%M} UTC" if step.planned_at else "",
            expected_at=f"{expected_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
            margin=arrival.words if arrival else "",
            left=f"{arrival.left:g}" if arrival and arrival.left is not None else "",
        )
    return order


def _open_case(order: Order, step: OrderStep, arrival: arrivals.Arrival | None, note: str) -> None:
    """Open a deviation where the delay uses up what the box had in reserve; quality alone reads which clock it was."""
    if arrival is None or not (arrival.is_too_late or arrival.warnings):
        return
    text = " ".join(filter(None, [f"{step.flow_step.title} is late.", note.strip(), arrival.case]))
    severity = "critical" if arrival.is_too_late else "major"
    deviations.open_deviation(order.stream_id, "transport", severity, text[:2000], automatic=True)


def _refuse_bad_time(expected_at: dt.datetime | None) -> None:
    now = timezone.now()
    if expected_at is None:
        raise InvalidInput(fields={"expected_at": ["Give a day and a time."]})
    if not now < expected_at <= now + FARTHEST:
        raise InvalidInput(fields={"expected_at": ["Give a time to come, within two weeks."]})


def require_carrier(actor: Actor, order: Order) -> None:
    """Raise NotAllowed unless the courier that carries the order acts, as driver or at control."""
    carriers = {party.organization_id for party in parties.current_parties(order) if party.role == Role.COURIER}
    if actor.organization_id not in carriers:
        raise NotAllowed("Only the courier that carries the order reports a delay.", remedy="Call the courier.")
    if not (actor.can(Capability.TAKE_CUSTODY) or actor.can(Capability.MANAGE_LANES)):
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not report a delay.")
