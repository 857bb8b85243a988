"""A receiver does not accept a box: said with its reason, custody stays with the courier, quality decides (CR6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from custody.shipments import Shipment
from custody.states import ShipmentState
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotAllowed, WrongState
from orders import boxes
from orders.flow import order_named
from orders.inputs import PastTime, read
from orders.locks import stream_of
from orders.states import BoxRefusal
from personas.states import Capability
from quality import deviations

MAY_REFUSE = (Capability.TAKE_CUSTODY, Capability.RECEIVE_MATERIAL, Capability.RECEIVE_PRODUCT)
AT_THE_DOOR = (ShipmentState.PICKED_UP, ShipmentState.IN_TRANSIT)


class RefusalInputs(serializers.Serializer[Any]):
    """Why the box is not accepted."""

    refusal = serializers.ChoiceField(choices=BoxRefusal.choices, label="Why")
    refused_at = PastTime(label="When")
    note = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        label="What was seen",
        help_text="Needed for “Something else”. Part of the record, no patient data.",
    )


def may_refuse(actor: Actor, box: Any) -> bool:
    """Whether the form is offered: the box is on its way to the actor's organization."""
    arrives = box.state in AT_THE_DOOR and box.to_site.organization_id == actor.organization_id
    return arrives and any(actor.can(one) for one in MAY_REFUSE)


def refuse_box(actor: Actor, code: str, box: str, raw: Mapping[str, Any], *, once: Once | None = None) -> str:
    """Record that the receiver does not accept a box; return its code. The delivery stays open.

    A major deviation is opened and everybody on the order is told at once. Raises NotAllowed for whoever is not its
    receiver, WrongState ``box_state`` unless the courier has it.
    """
    with reading(actor):
        boxes.shipment_of(actor, order_named(actor, code), box)  # whose it is comes before what is wrong with it
    given = read(RefusalInputs, raw, {"zone": ZoneInfo(actor.zone)})
    subject = ("order", code.upper())
    with acting(actor, "orders.box_refused", stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        shipment = boxes.shipment_of(actor, order, box)
        event.capability = _require_receiver(actor, shipment)
        words, note = BoxRefusal(given["refusal"]).label, given["note"].strip()
        if given["refusal"] == BoxRefusal.OTHER and not note:
            raise InvalidInput(fields={"note": ["Say what it was."]})
        if shipment.state not in AT_THE_DOOR:
            raise WrongState(
                f"Box {shipment.code} is {shipment.state_label.lower()}.",
                code="box_state",
                remedy="A box that was taken over already is put into quarantine at its receipt instead.",
            )
        _refuse_time(shipment, given["refused_at"])
        event.occurred_at, event.zone, event.reason = given["refused_at"], actor.zone, note
        text = " ".join(filter(None, [f"Box {shipment.code} was not accepted at delivery: {words.lower()}.", note]))
        deviations.open_deviation(order.stream_id, "transport", "major", text, automatic=True)
        event.note(order=order.code, box=shipment.code, organization=actor.organization_name, refusal=words)
        event.result = {"box": shipment.code}
    return shipment.code


def _require_receiver(actor: Actor, shipment: Shipment) -> Capability:
    found = next((one for one in MAY_REFUSE if actor.can(one)), None)
    if found is None or shipment.to_site.organization_id != actor.organization_id:
        raise NotAllowed("Only whoever the box is for accepts it, or does not.")
    return found


def _refuse_time(shipment: Shipment, at: Any) -> None:
    if shipment.picked_up_at is not None and at < shipment.picked_up_at:
        raise InvalidInput(fields={"refused_at": ["The time lies before the pick-up."]})
