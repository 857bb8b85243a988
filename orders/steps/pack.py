"""Pack into a sealed shipper with a running logger (CL6, AN5)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import material, scans, shipments
from custody.states import ContainerKind, ContainerState
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from ledger.states import Role
from orders import parties
from orders.inputs import PastTime, ScanField
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

INBOUND, OUTBOUND = "inbound", "outbound"


class Parameters(serializers.Serializer[Any]):
    """Which way the material goes: inbound to the plant, or outbound to the center."""

    direction = serializers.ChoiceField(choices=[INBOUND, OUTBOUND])


class PackedBag(serializers.Serializer[Any]):
    """One bag that goes into the shipper."""

    scan = ScanField(label="Bag label")


class Inputs(serializers.Serializer[Any]):
    """What goes into which shipper, under which seal."""

    bags = serializers.ListSerializer[Any](child=PackedBag(), label="Bags", min_length=1, max_length=12)
    shipper_code = serializers.CharField(max_length=60, label="Shipper number")
    seal_code = serializers.CharField(max_length=60, label="Seal number")
    logger_code = serializers.CharField(max_length=60, label="Temperature logger number")
    logger_running = serializers.ChoiceField(choices=[("yes", "Running"), ("no", "Off")], label="Logger")
    packed_at = PastTime(label="Packed at")


@step_kind
class Pack(StepKind):
    key = "pack"
    title = "Pack"
    capability = Capability.PACK_MATERIAL
    audience = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO, Role.COURIER)
    Inputs = Inputs
    Parameters = Parameters

    def _bags(self, ctx: StepContext) -> list[Any]:
        if ctx.parameters["direction"] == INBOUND:
            kinds, states = {ContainerKind.STARTING_MATERIAL}, {ContainerState.COLLECTED}
        else:
            kinds = {ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT}
            states = {ContainerState.STORED, ContainerState.PLANNED}
        found = material.of_stream(ctx.order.stream_id)
        return [bag for bag in found if bag.kind in kinds and bag.state in states]

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if self._bags(ctx):
            return []
        return [MissingFact("nothing_to_pack", "There is no bag to pack.", "Check the material of this order.")]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)], "logger_running": "yes"}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [("Bags to pack", ", ".join(bag.code for bag in self._bags(ctx)))]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        if inputs["logger_running"] == "no":
            raise FactsMissing(
                "The logger is off.",
                facts=[
                    MissingFact(
                        "logger_off", "A shipper cannot be closed with its logger off.", "Start the logger, then close."
                    )
                ],
            )
        waiting = self._bags(ctx)
        packed = [
            scans.expect(ctx.order.stream_id, given["scan"], waiting, f"bags[{position}].scan")
            for position, given in enumerate(inputs["bags"])
        ]
        if {bag.pk for bag in packed} != {bag.pk for bag in waiting} or len(packed) != len(waiting):
            raise InvalidInput(fields={"bags": [f"Scan each of the {len(waiting)} bags once."]})
        origin, destination = self._route(ctx)
        courier = next((p for p in parties.current_parties(ctx.order) if p.role == Role.COURIER), None)
        if courier is None:
            raise FactsMissing(
                "No courier carries this order.",
                facts=[MissingFact("no_courier", "No courier is a party of this order.", "Book the transport first.")],
            )
        shipment = shipments.pack(
            ctx.stream,
            packed,
            ctx.parameters["direction"],
            origin,
            destination,
            courier.organization_id,
            inputs["shipper_code"],
            inputs["seal_code"],
            inputs["logger_code"],
            inputs["packed_at"],
        )
        return Outcome(
            f"{len(packed)} bag(s) packed in {shipment.code}.",
            {
                "shipment": shipment.code,
                "seal": inputs["seal_code"],
                "logger": inputs["logger_code"],
            },
            happened_at=inputs["packed_at"],
        )

    def _route(self, ctx: StepContext) -> tuple[Any, Any]:
        ends = (ctx.order.center_site_id, ctx.order.plant_site_id)
        return ends if ctx.parameters["direction"] == INBOUND else (ends[1], ends[0])
