"""A box is moved into another shipper on its way, by whoever has it: identity and custody go on as they are (CC3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from custody import equipment, shipments, shipper_swaps
from custody.shipments import Shipment
from custody.states import ShipmentState
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import FactsMissing, MissingFact, NotAllowed
from orders import boxes, stopped_use, transit
from orders.flow import order_named
from orders.inputs import NumberScanField, PastTime, ScanField, read
from orders.locks import stream_of
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES
from personas.states import Capability
from quality import deviations
from quality.states import SourceKind

MAY_SWAP = (Capability.TAKE_CUSTODY, Capability.MANAGE_LANES, Capability.PACK_MATERIAL)


class ShipperSwapInputs(serializers.Serializer[Any]):
    """What the box was in, and what it is in now."""

    outer_code = ScanField(label="Outer code of the box", help_text="The label moves with the box: its code stays.")
    seal_seen = NumberScanField(max_length=40, label="Seal that was cut", help_text="As it stood on the old shipper.")
    units = serializers.IntegerField(
        min_value=1, max_value=12, label="Units moved", help_text="Counted as they were moved, without opening them."
    )
    shipper_code = NumberScanField(max_length=40, label="Number of the other shipper")
    seal_code = NumberScanField(max_length=40, label="New seal")
    logger_code = NumberScanField(
        max_length=40, label="Logger that is in it", help_text="The same one, where it moved with the box."
    )
    logger_running = serializers.ChoiceField(choices=[("yes", "Running"), ("no", "Off")], label="Logger")
    swapped_at = PastTime(label="Moved at")
    place = serializers.CharField(max_length=120, label="Where", help_text="For example the airport's cargo terminal.")
    reason = serializers.CharField(max_length=300, label="Why", help_text="Part of the record. No patient data.")
    happened = serializers.BooleanField(
        required=False,
        default=False,
        label="It has happened already and cannot be undone",
        help_text="What speaks against shipper or logger is then recorded as a deviation, not refused.",
    )


def may_swap(actor: Actor, box: Any) -> bool:
    """Whether the form is offered: the box is on its way, and in the hands of the actor's organization."""
    has_it = box.from_site.organization_id if box.state == ShipmentState.PACKED else box.courier_id
    on_the_way = box.state in shipper_swaps.ON_THE_WAY
    return on_the_way and has_it == actor.organization_id and any(actor.can(one) for one in MAY_SWAP)


def swap_shipper(actor: Actor, code: str, box: str, raw: Mapping[str, Any], *, once: Once | None = None) -> str:
    """Record that a box was moved into another shipper; return the box's code. ``raw``: see ``ShipperSwapInputs``.

    Everybody on the order is told, and a deviation is opened: quality assurance sees what was not as planned. Raises
    NotAllowed for whoever did not have the box then, FactsMissing for a shipper or logger that a register speaks
    against and ``source_stopped`` for a stopped shipper (recorded late, the order joins its stop), and what
    ``custody.shipper_swaps.swap`` raises.
    """
    subject = ("order", code.upper())
    with acting(actor, "orders.shipper_swapped", stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        shipment = boxes.shipment_of(actor, order, box)
        given = read(ShipperSwapInputs, raw, {"zone": ZoneInfo(actor.zone)})
        at, late = given["swapped_at"], given["happened"]
        event.capability = _require_holder(actor, shipment, at)
        event.occurred_at, event.zone, event.reason = at, actor.zone, given["reason"].strip()
        off = _refuse_logger_off(given["logger_running"], late=late)
        stopped = stopped_use.stops_on(order.manufacturer_id, SourceKind.SHIPPER, [given["shipper_code"]])
        off += stopped_use.refuse_or_tell(stopped, "shipper_code", late=late)
        was = shipper_swaps.carried(shipment)[-1]
        done = shipper_swaps.swap(
            shipment,
            given["outer_code"],
            given["seal_seen"],
            _replacement(given),
            at,
            _way_left(order, shipment, at),
            actor.organization_id,
            actor.person_id,
            late=late,
        )
        stopped_use.catch_in(order.stream_id, stopped, shipments.containers_in(shipment))
        findings = off + done.findings
        _open_deviation(order, shipment, was.shipper_code, done, findings)
        event.note(
            order=order.code,
            box=shipment.code,
            was_shipper=was.shipper_code,
            was_seal=was.seal_code,
            was_logger=was.logger_code,
            shipper=shipment.shipper_code,
            seal=shipment.seal_code,
            logger=shipment.logger_code,
            units=given["units"],
            place=given["place"].strip(),
            findings=findings,
            recorded_late=late,
        )
        event.result = {"box": shipment.code}
    return shipment.code


def _replacement(given: Mapping[str, Any]) -> shipper_swaps.Replacement:
    names = ("shipper_code", "seal_code", "logger_code", "place", "reason")
    return shipper_swaps.Replacement(units=given["units"], **{name: given[name].strip() for name in names})


def _require_holder(actor: Actor, shipment: Shipment, at: dt.datetime) -> Capability:
    """Return the capability that is used; NotAllowed unless the actor's organization had the box at that time."""
    found = next((one for one in MAY_SWAP if actor.can(one)), None)
    if found is None:
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not move a box into another shipper.")
    had = shipper_swaps.holder(shipments.containers_in(shipment), at) or _on_paper(shipment, at)
    if had != actor.organization_id:
        raise NotAllowed(
            f"Box {shipment.code} was not in your hands then: only who has it moves it into another shipper.",
            code="not_the_holder",
            remedy="Check the time. Was it handed over in between, record the hand-over first.",
        )
    return found


def _on_paper(shipment: Shipment, at: dt.datetime) -> UUID | None:
    """Who has a box whose units have no chain of custody of their own (a unit from stock): by its hand-overs."""
    if shipment.delivered_at is not None and at >= shipment.delivered_at:
        return shipment.to_site.organization_id
    taken = shipment.picked_up_at is not None and at >= shipment.picked_up_at
    return shipment.courier_id if taken else shipment.from_site.organization_id


def _refuse_logger_off(running: str, *, late: bool) -> list[str]:
    if running == "yes":
        return []
    text = "The other shipper was closed with its logger off."
    if late:
        return [text]
    fact = MissingFact("logger_off", "A shipper cannot be closed with its logger off.", "Start the logger, then close.")
    raise FactsMissing("The logger is off.", facts=[fact])


def _way_left(order: Order, shipment: Shipment, at: dt.datetime) -> equipment.Way:
    """Return the rest of the way: until the arrival that is expected; the whole lane where that is past or unknown."""
    whole = transit.way(order, shipment.from_site, shipment.to_site, shipment.courier_id)
    arrival = _arrival(order, shipment.direction)
    left = arrival - at if arrival is not None else None
    if left is None or left <= dt.timedelta() or arrival is None or arrival < timezone.now():
        left = whole.planned
    return equipment.Way(left, whole.buffer, whole.zone, whole.keepers)


def _arrival(order: Order, direction: str) -> dt.datetime | None:
    steps = OrderStep.unwalled.select_related("flow_step").filter(
        order=order, state__in=OPEN_STEP_STATES, flow_step__kind="hand_over", flow_step__parameters__direction=direction
    )
    step = steps.filter(flow_step__parameters__moment="delivery").order_by("-attempt").first()
    return (transit.expected_at(order, step.key) or step.planned_at or step.due_at) if step else None


def _open_deviation(
    order: Order, shipment: Shipment, was: str, done: shipper_swaps.Swapped, findings: list[str]
) -> None:
    row = done.row
    told = f"Box {shipment.code} was moved from shipper {was} into {row.shipper_code} at {row.place}: {row.reason}"
    text = " ".join([told.rstrip(".") + ".", *findings])[:2000]
    deviations.open_deviation(order.stream_id, "transport", "major" if findings else "minor", text, automatic=True)
