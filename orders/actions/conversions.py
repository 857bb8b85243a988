"""Material split, pooled, sampled, replaced or repacked by whoever has it in hand (CL1)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from custody import conversions, identity, material, scans
from custody.actions.mismatch import stopping_the_line
from custody.states import TERMINAL_STATES, ConversionKind, Vessel
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import FactsMissing, InvalidInput, NotFound, WrongState
from orders.flow import order_named
from orders.inputs import PastTime, ScanField, read
from orders.label_texts import printing_for
from orders.models import Order
from orders.policies import may_see_therapy
from orders.states import OrderState
from personas.policies import require
from personas.states import Capability
from quality import queries as quality
from quality.states import BatchState

KINDS = [(str(kind), kind.label) for kind in conversions.BY_HAND]


class UsedBag(serializers.Serializer[Any]):
    """One container that is worked on."""

    scan = ScanField(label="Label of the container")


class MadeContainer(serializers.Serializer[Any]):
    """One container that is made."""

    volume_ml = serializers.DecimalField(
        max_digits=6, decimal_places=2, min_value=Decimal("0.01"), max_value=Decimal(5000), label="Volume (mL)"
    )


class ConvertInputs(serializers.Serializer[Any]):
    """What was made of what. Volumes add up to what went in; what is lost is said, with the reason."""

    kind = serializers.ChoiceField(choices=KINDS, label="What was done")
    bags = serializers.ListSerializer[Any](child=UsedBag(), label="Containers used", required=False, max_length=12)
    volumes = serializers.ListSerializer[Any](
        child=MadeContainer(), label="Containers made", required=False, max_length=24
    )
    lost_ml = serializers.DecimalField(
        max_digits=6,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(5000),
        required=False,
        default=Decimal(0),
        label="Lost (mL)",
    )
    vessel = serializers.ChoiceField(
        choices=Vessel.choices,
        required=False,
        allow_blank=True,
        default="",
        label="Made into",
        help_text="What the new containers are. Empty: the same as before.",
    )
    at = PastTime(label="Done at")
    reason = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        label="Why (needed for a loss or a replacement; no names)",
    )


def convert_material(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> list[str]:
    """Make containers of containers that the acting organization holds; return the codes of what was made.

    A scan of another chain of identity stops the line, as in a step. Raises InvalidInput beside the fields for what
    does not add up, FactsMissing for quarantine or a query, WrongState for an order that is on hold or has ended.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    with stopping_the_line(actor, order.stream_id, "Record a conversion of material"):
        return _convert(actor, order, raw, once)


def _convert(actor: Actor, order: Order, raw: Mapping[str, Any], once: Once | None) -> list[str]:
    with acting(
        actor,
        "orders.material_converted",
        stream_id=order.stream_id,
        subject=("order", order.code),
        capability=Capability.CONVERT_MATERIAL,
        once=once,
    ) as event:
        order = order_named(actor, order.code)
        given = read(ConvertInputs, raw, {"zone": ZoneInfo(actor.zone)})
        require(actor, Capability.CONVERT_MATERIAL)
        _refuse_stopped(order)
        sources = _scanned(actor, order, [row["scan"] for row in given.get("bags", [])])
        _refuse_released(actor, order, sources)
        act, made = conversions.convert(
            ConversionKind(given["kind"]),
            sources,
            [row["volume_ml"] for row in given.get("volumes", [])],
            at=given["at"],
            person_id=actor.person_id,
            printing=printing_for(order),
            lost=given["lost_ml"],
            reason=given["reason"],
            vessel=given["vessel"],
        )
        event.occurred_at, event.reason = given["at"], given["reason"].strip()
        _note(event, order, act, sources, made)
        event.result = {"made": [container.code for container in made]}
    return [container.code for container in made]


def _refuse_stopped(order: Order) -> None:
    if order.state != OrderState.OPEN:
        raise WrongState("This order has ended; its material is not worked on any more.", code="order_ended")
    if order.on_hold:
        remedy = "Lift the hold first."
        raise WrongState("This order is on hold.", code="on_hold", remedy=remedy)
    stops = identity.query_facts(order.stream_id)
    if stops:
        raise FactsMissing("The line is stopped.", facts=stops)


def _refuse_released(actor: Actor, order: Order, sources: list[Any]) -> None:
    """Raise WrongState for product whose batch is released: what was released is what was filled and tested."""
    batch = quality.batch_of(actor, order.stream_id)
    product = [bag.code for bag in sources if bag.kind in conversions.WHOLE_DOSES]
    if product and batch is not None and batch.state == BatchState.RELEASED:
        text = f"{product[0]} is released: a released bag is not opened, sampled or filled over."
        remedy = "Open a deviation; quality revokes the release or has the bag destroyed."
        raise WrongState(text, code="released", remedy=remedy)


def _scanned(actor: Actor, order: Order, codes: list[str]) -> list[Any]:
    if not codes:
        raise InvalidInput(fields={"bags": ["Scan the container that was worked on."]})
    at_hand = [
        bag
        for bag in material.of_stream(order.stream_id)
        if bag.custodian_id == actor.organization_id and bag.state not in TERMINAL_STATES
    ]
    return [scans.expect(order.stream_id, code, at_hand, f"bags[{place}].scan") for place, code in enumerate(codes)]


def _note(event: OpenEvent, order: Order, act: Any, sources: list[Any], made: list[Any]) -> None:
    event.note(
        order=order.code,
        conversion=act.kind,
        act=act.get_kind_display(),
        used=", ".join(source.code for source in sources),
        made=", ".join(container.code for container in made),
        volumes_ml={container.code: container.volume_ml for container in made},
        left_ml=act.volume_left,
        lost_ml=act.volume_lost,
    )
