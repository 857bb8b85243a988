"""What a courier reports between pick-up and delivery: legs, customs, another route agreed for contingency (CC2, CC4).

A new arrival moves what follows, is told to everybody, and is held against the shipper's hold and the load's clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from custody import way_reports
from custody.shipments import Shipment
from custody.states import WayReportKind as K
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from ledger.states import Role
from orders import arrivals, attempts, boxes, transit, way_points, way_shown
from orders.flow import order_named
from orders.inputs import PastTime, read
from orders.locks import stream_of
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES
from personas.states import Capability
from quality import deviations

MAY_REPORT = (Capability.TAKE_CUSTODY, Capability.MANAGE_LANES)
FARTHEST = dt.timedelta(days=30)
EVENTS = {K.CUSTOMS_HELD: "customs_held", K.CUSTOMS_CLEARED: "customs_cleared", K.ROUTE_CHANGED: "route_changed"}


class ExpectedTime(PastTime):
    """When something is expected; without an offset it is local time."""

    def to_internal_value(self, value: Any) -> dt.datetime:
        return serializers.DateTimeField.to_internal_value(self, value)


class WayInputs(serializers.Serializer[Any]):
    """What happened to the box on its way."""

    report = serializers.ChoiceField(choices=K.choices, label="What happened")
    happened_at = PastTime(label="When")
    leg = serializers.IntegerField(
        min_value=1, max_value=12, required=False, allow_null=True, label="Leg", help_text="Number, for a leg."
    )
    route = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        default="",
        label="Route",
        help_text="For another route: one that was agreed for contingency; empty: back to the planned one.",
    )
    reason = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        label="Why",
        help_text="Needed for customs that hold the box and for another route. No patient data.",
    )
    expected_at = ExpectedTime(
        required=False,
        allow_null=True,
        label="Expected at the destination",
        help_text="Where that is new. Empty: as worked out from the route, or as it was.",
    )


@dataclass(frozen=True)
class _Arrival:
    """When the box was expected, and is expected now; ``is_new`` where that has moved."""

    was: dt.datetime | None
    now: dt.datetime | None

    @property
    def is_new(self) -> bool:
        return self.now is not None and self.now != self.was

    @property
    def words(self) -> str:
        return f"{self.now.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if self.now else ""


def may_report(actor: Actor, box: Any) -> bool:
    """Whether the form is offered: the actor's organization carries the box, and it is on its way."""
    carries = box.courier_id == actor.organization_id and box.state in way_reports.ON_THE_WAY
    return carries and any(actor.can(one) for one in MAY_REPORT)


def report_way(
    actor: Actor,
    code: str,
    box: str,
    raw: Mapping[str, Any],
    *,
    once: Once | None = None,
    then: Callable[[Order], None] | None = None,
) -> str:
    """Record what happened to a box on its way; return the box's code. ``raw``: see ``WayInputs``.

    ``then`` is called with the order before the commit; not on replay.

    Raises NotAllowed for whoever does not carry it, InvalidInput for a route that was not agreed, a leg that the route
    does not have or an arrival that is past, and what ``custody.way_reports.report`` raises.
    """
    with reading(actor):
        boxes.shipment_of(actor, order_named(actor, code), box)  # whose it is comes before what is wrong with it
    given = read(WayInputs, raw, {"zone": ZoneInfo(actor.zone)})
    kind, subject = K(given["report"]), ("order", code.upper())
    told = _event_kind(actor, code, box, given)
    with acting(actor, told, stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        shipment = boxes.shipment_of(actor, order, box)
        event.capability = _require_carrier(actor, shipment)
        way = _way(order, shipment)
        _refuse(given, kind, way)
        event.occurred_at, event.zone, event.reason = given["happened_at"], actor.zone, given["reason"].strip()
        way_reports.report(
            shipment,
            kind,
            given["happened_at"],
            route=given["route"].strip(),
            leg=given.get("leg"),
            reason=given["reason"].strip(),
        )
        arrival = _arrival(order, shipment, way, kind, given)
        warnings = _expect(order, shipment, arrival) if arrival.is_new else []
        way_points.watch(order, attempts.latest_attempts(order).values())  # the legs to come are told anew
        if kind in (K.CUSTOMS_HELD, K.ROUTE_CHANGED) or warnings:
            _open_deviation(order, shipment, kind, given, arrival, warnings)
        _note(event, order, shipment, kind, given, way, arrival, warnings)
        if then is not None:
            then(order)
    return shipment.code


def _event_kind(actor: Actor, code: str, box: str, given: Mapping[str, Any]) -> str:
    """Return the kind of event; a leg is told to everybody only where the arrival moves by it."""
    kind = K(given["report"])
    if kind in EVENTS:
        return f"orders.{EVENTS[kind]}"
    with reading(actor):
        order = order_named(actor, code)
        shipment = boxes.shipment_of(actor, order, box)
        moves = _arrival(order, shipment, _way(order, shipment), kind, given).is_new
    return "orders.leg_late" if moves else "orders.leg_reported"


def _require_carrier(actor: Actor, shipment: Shipment) -> Capability:
    found = next((one for one in MAY_REPORT if actor.can(one)), None)
    if actor.organization_role != Role.COURIER or found is None:
        raise NotAllowed("The courier that carries the box reports its way.", remedy="Call the courier.")
    if shipment.courier_id != actor.organization_id:
        raise NotFound()
    return found


def _delivery(order: Order, shipment: Shipment) -> OrderStep | None:
    for step in attempts.latest_attempts(order).values():
        is_delivery = way_points.milestone_of(step) == way_shown.DELIVERY
        if is_delivery and way_points.direction_of(step) == shipment.direction and step.state in OPEN_STEP_STATES:
            return step
    return None


def _way(order: Order, shipment: Shipment) -> way_shown.Way:
    step = _delivery(order, shipment)
    steps = list(attempts.latest_attempts(order).values())
    expected = way_points.times(order, steps).get(step.pk) if step else None
    known = way_points.known_of(order, steps, shipment.direction, shipment)
    return way_shown.of_box(order, shipment, known, expected)


def _refuse(given: Mapping[str, Any], kind: K, way: way_shown.Way) -> None:
    faults: dict[str, list[str]] = {}
    if kind in way_reports.LEG_KINDS and not 1 <= (given.get("leg") or 0) <= len(way.legs):
        legs = f"Its route has {len(way.legs)} legs." if way.legs else "Nobody wrote the legs of its route down."
        faults["leg"] = [f"Give the number of the leg. {legs}"]
    if kind in (K.CUSTOMS_HELD, K.ROUTE_CHANGED) and not given["reason"].strip():
        faults["reason"] = ["Say why; everybody on the order is told."]
    names = {route.name for route in way.routes}
    if kind == K.ROUTE_CHANGED and given["route"].strip() not in names:
        agreed = ", ".join(sorted(names - {""})) or "none"
        faults["route"] = [f"Only a route that was agreed for this lane: {agreed}."]
    now, expected = timezone.now(), given.get("expected_at")
    if expected is not None and not now < expected <= now + FARTHEST:
        faults["expected_at"] = ["Give a time to come, within thirty days."]
    if faults:
        raise InvalidInput(fields=faults)


def _arrival(order: Order, shipment: Shipment, way: way_shown.Way, kind: K, given: Mapping[str, Any]) -> _Arrival:
    """Return the arrival: as reported, else by the other route, else later by as much as the leg is late."""
    was, start = way.expected_at, shipment.picked_up_at
    if given.get("expected_at"):
        return _Arrival(was, given["expected_at"])
    if kind == K.ROUTE_CHANGED and start is not None:
        route = next((one for one in way.routes if one.name == given["route"].strip()), None)
        return _Arrival(was, start + dt.timedelta(hours=route.hours) if route else was)
    number = given.get("leg") or 0
    if kind in way_reports.LEG_KINDS and start is not None and 1 <= number <= len(way.legs):
        leg, route = way.legs[number - 1], next(one for one in way.routes if one.name == way.route)
        planned = leg.departs if kind == K.LEG_DEPARTED else leg.arrives
        late = given["happened_at"] - planned if planned else dt.timedelta()
        then = start + dt.timedelta(hours=route.hours) + late
        if late > way_points.ON_TIME and (was is None or then > was + way_points.ON_TIME):
            return _Arrival(was, then)
    return _Arrival(was, was)


def _expect(order: Order, shipment: Shipment, arrival: _Arrival) -> list[str]:
    """Keep the new arrival, and return what speaks against it: the shipper's hold, the load's own clock."""
    step = _delivery(order, shipment)
    assert arrival.now is not None  # noqa: S101 - is_new
    if step is not None:
        transit.expect(order, step.key, arrival.now)
    found = arrivals.of(order, shipment.direction, shipment, arrival.now)
    if step is not None:
        transit.keep_left(order, step.key, found.left)
    too_late = [arrivals.sentence(arrivals.told(found.left))] if found.left is not None and found.is_too_late else []
    return [*too_late, *found.warnings]


def _open_deviation(
    order: Order, shipment: Shipment, kind: K, given: Mapping[str, Any], arrival: _Arrival, warnings: list[str]
) -> None:
    left = transit.left_on_arrival(order, shipment, arrival.now) if arrival.now else None
    margin = "" if left is None else f"What is inside keeps {left:g} h longer than that."
    if left is not None and left < 0:
        margin = f"What is inside is over its limit by {-left:g} h then."
    parts = [f"Box {shipment.code}: {kind.label.lower()}.", given["reason"].strip()]
    parts += [f"Expected at {arrival.words}." if arrival.now else "", margin, *warnings]
    deviations.open_deviation(
        order.stream_id, "transport", "major", " ".join(filter(None, parts))[:2000], automatic=True
    )


def _note(
    event: OpenEvent,
    order: Order,
    shipment: Shipment,
    kind: K,
    given: Mapping[str, Any],
    way: way_shown.Way,
    arrival: _Arrival,
    warnings: list[str],
) -> None:
    number = given.get("leg") or 0
    is_leg = kind in way_reports.LEG_KINDS
    event.note(
        order=order.code,
        box=shipment.code,
        report=kind.label,
        route=(given["route"].strip() or "the planned route") if kind == K.ROUTE_CHANGED else way.route,
        leg=f"leg {number}: {way.legs[number - 1].words}" if is_leg else "",
        expected_at=arrival.words,
        warnings=" ".join(warnings),
    )
    event.result = {"box": shipment.code}
