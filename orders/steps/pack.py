"""Pack into a sealed shipper with a running logger, by the checklist of its flow (CL6, AN5)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import shipments
from custody.states import ContainerKind, ContainerState
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from ledger.states import Role
from orders import bags, checklists, evidence, parties, stopped_use, transit
from orders.counts import counted
from orders.inputs import NumberScanField, PastTime, ScanField
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality.states import SourceKind

INBOUND, OUTBOUND = "inbound", "outbound"


class Parameters(serializers.Serializer[Any]):
    """Which way the material goes: inbound to the plant, or outbound to the center; what is checked before."""

    direction = serializers.ChoiceField(choices=[INBOUND, OUTBOUND])
    stay_at_center = serializers.IntegerField(min_value=0, max_value=11, default=0)
    checklist = checklists.items()

    def validate_checklist(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return checklists.each_once(rows)


class PackedBag(serializers.Serializer[Any]):
    """One bag that goes into the shipper."""

    scan = ScanField(label="Bag label")


class Inputs(serializers.Serializer[Any]):
    """What goes into which shipper, under which seal."""

    bags = serializers.ListSerializer[Any](child=PackedBag(), label="Bags", min_length=1, max_length=12)
    shipper_code = NumberScanField(max_length=60, label="Shipper number")
    seal_code = NumberScanField(max_length=60, label="Seal number")
    logger_code = NumberScanField(max_length=60, label="Temperature logger number")
    logger_running = serializers.ChoiceField(choices=[("yes", "Running"), ("no", "Off")], label="Logger")
    checklist = checklists.ticks()
    packed_at = PastTime(label="Packed at")


def _no_courier() -> MissingFact:
    return MissingFact("no_courier", "No courier is a party of this order.", "Book the transport first.")


@step_kind
class Pack(StepKind):
    key = "pack"
    title = "Pack"
    capability = Capability.PACK_MATERIAL
    physical = True  # the box is closed
    audience = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO, Role.COURIER)
    scans_identity = True
    Inputs = Inputs
    Parameters = Parameters

    def _bags(self, ctx: StepContext) -> list[Any]:
        if ctx.parameters["direction"] == INBOUND:
            kinds, states = {ContainerKind.STARTING_MATERIAL}, {ContainerState.COLLECTED}
        else:
            kinds = {ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT}
            states = {ContainerState.STORED, ContainerState.PLANNED}
        found = bags.expected(ctx, kinds, *states)
        if not ctx.late:
            return found
        inbound, plant = ctx.parameters["direction"] == INBOUND, ctx.order.plant_site
        sender = ctx.order.center_id if inbound or plant is None else plant.organization_id
        boxed = shipments.underway(ctx.order.stream_id)
        return [bag for bag in found if bag.pk not in boxed and bag.custodian_id in (sender, None)]

    def _along(self, ctx: StepContext) -> list[Any]:
        """Samples and intermediates that may travel in the same box: where the box goes to. None of them has to."""
        sender = ctx.order.center_id
        if ctx.parameters["direction"] == OUTBOUND and ctx.order.plant_site is not None:
            sender = ctx.order.plant_site.organization_id
        found = [bag for bag in bags.of_kinds(ctx, shipments.ALONG) if bag.custodian_id == sender]
        boxed = shipments.underway(ctx.order.stream_id) if found else set()
        return [bag for bag in found if bag.state in shipments.PACKABLE and bag.pk not in boxed]

    def _reserve(self, ctx: StepContext) -> int:
        """How many bags may stay at the center: a box never goes without any."""
        return min(int(ctx.parameters.get("stay_at_center") or 0), len(self._bags(ctx)) - 1)

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return [*self._bags(ctx), *self._along(ctx)]

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        if ctx.order.plant_site is None:
            return [MissingFact("no_plant", "No plant is known for this order.", "Book the transport first.")]
        if parties.with_role(ctx.order, Role.COURIER) is None:
            return [_no_courier()]
        return bags.nothing(ctx, self._bags(ctx), "bag to pack")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        outbound = ctx.parameters["direction"] == OUTBOUND
        stops = evidence.revoked_missing(ctx.actor, ctx.order) if outbound else []
        if self._bags(ctx):
            return stops
        return [*stops, MissingFact("nothing_to_pack", "There is no bag to pack.", "Check the material of this order.")]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        everything = [*self._bags(ctx), *self._along(ctx)]
        rows: dict[str, Any] = {"bags": [{"scan": ""} for _ in everything], "logger_running": "yes"}
        return rows | checklists.initial(ctx)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        rows, along = [("Bags to pack", ", ".join(bag.code for bag in self._bags(ctx)))], self._along(ctx)
        if self._reserve(ctx) > 0:
            rows.append(("May stay here as reserve", f"{self._reserve(ctx)} of them: leave its line empty"))
        if along:
            rows.append(("May travel along", ", ".join(bag.code for bag in along)))
        return [*rows, *checklists.shown(ctx)]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        if inputs["logger_running"] == "no":
            off = MissingFact(
                "logger_off", "A shipper cannot be closed with its logger off.", "Start the logger, then close."
            )
            if not ctx.late:
                raise FactsMissing("The logger is off.", facts=[off])
            ctx.findings.append(MissingFact("logger_off", "The shipper was closed with its logger off."))
        ticked = checklists.checked(ctx, inputs.get("checklist", []))
        stopped = stopped_use.refuse(ctx, SourceKind.SHIPPER, [inputs["shipper_code"]], "shipper_code")
        waiting, along = self._bags(ctx), self._along(ctx)
        packed = [
            bags.scanned(ctx, given["scan"], [*waiting, *along], f"bags[{position}].scan")
            for position, given in enumerate(inputs["bags"])
        ]
        stays = self._staying(ctx, packed, waiting)
        for bag in packed if ctx.late else ():
            bags.take(ctx, bag, inputs["packed_at"])
            bags.note_state(ctx, bag, *shipments.PACKABLE)
        origin, destination = self._route(ctx)
        courier = parties.with_role(ctx.order, Role.COURIER)
        if courier is None:
            raise FactsMissing("No courier carries this order.", facts=[_no_courier()])
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
            way=transit.way(ctx.order, origin, destination, courier.organization_id),
            late=ctx.late,
            findings=ctx.findings,
        )
        stopped_use.catch(ctx, stopped, packed)
        return Outcome(
            " ".join(
                filter(
                    None,
                    [
                        f"{counted(len(packed), 'bag')} packed in {shipment.code}.",
                        _told(ctx, stays),
                        checklists.told(ticked),
                    ],
                )
            ),
            {
                "shipment": shipment.code,
                "seal": shipment.seal_code,
                "logger": shipment.logger_code,
                **({"reserve_at_center": [bag.code for bag in stays]} if stays else {}),
                **ticked,
            },
            happened_at=inputs["packed_at"],
        )

    def _staying(self, ctx: StepContext, packed: list[Any], waiting: list[Any]) -> list[Any]:
        """Return the bags that stay behind; InvalidInput for one scanned twice, and for more than may stay."""
        material = [bag for bag in packed if bag in waiting]
        if len({bag.pk for bag in packed}) != len(packed):
            raise InvalidInput(fields={"bags": ["Scan each bag once."]})
        if not material:
            raise InvalidInput(fields={"bags": ["Nothing but samples: a box goes with the bags that wait."]})
        bags.require_all(ctx, material, waiting, reserve=max(self._reserve(ctx), 0))
        return [] if ctx.late else [bag for bag in waiting if bag not in material]

    def _route(self, ctx: StepContext) -> tuple[Any, Any]:
        ends = (ctx.order.center_site, ctx.order.plant_site)
        return ends if ctx.parameters["direction"] == INBOUND else (ends[1], ends[0])


def _told(ctx: StepContext, stays: list[Any]) -> str:
    codes = ", ".join(bag.code for bag in stays)
    verb = "stays" if len(stays) == 1 else "stay"
    return f"{codes} {verb} at {ctx.order.center_site.name} as reserve." if stays else ""
