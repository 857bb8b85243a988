"""Custody changes hands, both ends sign on the same screen: who takes performs, who gives verifies (CR2, AN5)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from custody import custody_periods, equipment, material, scans, shipments
from custody.states import ContainerState, ShipmentState
from ledger.refusals import MissingFact
from ledger.states import Role
from orders import evidence, photos, transit
from orders.inputs import NumberScanField, PastTime, ScanField
from orders.states import WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, VerifierRule, step_kind
from orders.steps.pack import INBOUND, OUTBOUND
from personas.states import Capability
from quality import deviations

PICKUP, DELIVERY = "pickup", "delivery"
MOVES = {
    (PICKUP, False): shipments.pick_up,
    (PICKUP, True): shipments.pick_up_late,
    (DELIVERY, False): shipments.deliver,
    (DELIVERY, True): shipments.deliver_late,
}


class Parameters(serializers.Serializer[Any]):
    """Which shipment, and whether the courier takes it or gives it."""

    direction = serializers.ChoiceField(choices=[INBOUND, OUTBOUND])
    moment = serializers.ChoiceField(choices=[PICKUP, DELIVERY])


class Inputs(serializers.Serializer[Any]):
    """What both ends saw: the outer code, the seal, the time."""

    outer_code = ScanField(label="Outer code of the box")
    seal_seen = NumberScanField(max_length=60, label="Seal number on the box")
    condition = serializers.ChoiceField(choices=[("good", "Undamaged"), ("damaged", "Damaged")], label="Box")
    handed_over_at = PastTime(label="Handed over at")


@step_kind
class HandOver(StepKind):
    key = "hand_over"
    title = "Hand over"
    capability = Capability.TAKE_CUSTODY
    without_network = WithoutNetwork.KEPT
    signatures = 2
    meaning = "custody taken"
    second_scan = "Scan the outer code of the box yourself"
    physical = True  # the box has changed hands
    photo = True
    audience = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO, Role.COURIER)
    Inputs = Inputs
    Parameters = Parameters

    def _shipment(self, ctx: StepContext) -> Any:
        """Return the box, read once for the whole act: the order's stream is locked, nobody else moves it meanwhile."""
        if ("box", ctx.late) not in ctx.at_hand:
            ctx.at_hand["box", ctx.late] = self._found(ctx)
        return ctx.at_hand["box", ctx.late]

    def _found(self, ctx: StepContext) -> Any:
        if ctx.late:
            moment = "picked_up_at" if ctx.parameters["moment"] == PICKUP else "delivered_at"
            return shipments.awaiting(ctx.order.stream_id, ctx.parameters["direction"], moment)
        state = ShipmentState.PACKED if ctx.parameters["moment"] == PICKUP else ShipmentState.PICKED_UP
        return shipments.current(ctx.order.stream_id, ctx.parameters["direction"], state)

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        outbound = ctx.parameters["direction"] == OUTBOUND
        stops = evidence.revoked_missing(ctx.actor, ctx.order) if outbound else []
        shipment = self._shipment(ctx)
        if shipment is None:
            return [*stops, MissingFact("no_shipment", "There is no box to hand over.", "Pack it first.")]
        if ctx.parameters["moment"] == PICKUP:
            stops += self._too_short(ctx, shipment)
        bags = shipments.containers_in(shipment)
        if ctx.parameters["moment"] == DELIVERY:  # what was too warm is delivered all the same, and held there
            bags = [bag for bag in bags if not bag.quarantine_reason.startswith(material.EXCURSION)]
        return stops + material.quarantine_facts(bags)

    def _too_short(self, ctx: StepContext, shipment: Any) -> list[MissingFact]:
        """Return why the shipper would not hold for the way before it, if a register says how long it holds (DE2)."""
        if shipment.holds_until is None:
            return []
        way = transit.way(ctx.order, shipment.from_site, shipment.to_site, shipment.courier_id)
        return equipment.dispatch_facts(shipment, timezone.now(), way)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        if self._shipment(ctx) is not None:
            return []
        text = "No box waits for this hand-over on the record."
        return [MissingFact("no_shipment", text, "Record first, as late too, what was packed under which seal.")]

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        shipment = self._shipment(ctx)
        return [("Box", shipment.code), ("Seal", shipment.seal_code)] if shipment else []

    def verifier_rule(self, ctx: StepContext) -> VerifierRule:
        shipment = self._shipment(ctx)
        if ctx.parameters["moment"] == DELIVERY:
            giver, sites = shipment.courier_id, set()
        else:
            giver, sites = shipment.from_site.organization_id, {shipment.from_site_id}
        return VerifierRule(frozenset({giver}), Capability.GIVE_CUSTODY, frozenset(sites), meaning="custody given")

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        scans.expect_outer(self._shipment(ctx), scan)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        shipment, at = self._shipment(ctx), inputs["handed_over_at"]
        travelling = shipments.containers_in(shipment)
        if ctx.late and ctx.parameters["moment"] == DELIVERY and shipment.picked_up_at is None:
            text = f"Nobody recorded the pick-up of {shipment.code}: custody passes from its sender as it stands."
            ctx.findings.append(MissingFact("pickup_not_recorded", text))
        move = MOVES[ctx.parameters["moment"], ctx.late]
        finding = move(shipment, inputs["outer_code"], inputs["seal_seen"], at, ctx.performer_id)
        to = (ctx.actor.organization_id, self._place(ctx, shipment), ctx.performer_id, at)
        becomes = ContainerState.IN_TRANSIT if ctx.parameters["moment"] == PICKUP else None
        for bag in travelling:
            if ctx.late:
                custody_periods.hand_over_late(bag, *to)
            else:
                custody_periods.hand_over(bag, *to, becomes=becomes)
        found = self._open_deviations(ctx, finding, inputs)
        where = shipment.from_site if ctx.parameters["moment"] == PICKUP else shipment.to_site
        photo = photos.of_act(ctx, shipment, inputs, at, where.name)
        word = "picked up" if ctx.parameters["moment"] == PICKUP else "delivered"
        return Outcome(
            " ".join([f"{shipment.code} {word}.", *found, *(["Quality is told."] if found else [])]),
            {
                "shipment": shipment.code,
                "seal": inputs["seal_seen"],
                "condition": inputs["condition"],
                "moment": ctx.parameters["moment"],
                **photo,
            },
            happened_at=at,
        )

    def _place(self, ctx: StepContext, shipment: Any) -> Any:
        return None if ctx.parameters["moment"] == PICKUP else shipment.to_site_id

    def _open_deviations(self, ctx: StepContext, finding: str, inputs: dict[str, Any]) -> list[str]:
        """Tell quality what was found at the door; return it: both at the door saw it, and hear what comes of it."""
        texts = [finding] if finding else []
        if inputs["condition"] == "damaged":
            texts.append("The box was damaged at hand-over.")
        for text in texts:
            deviations.open_deviation(ctx.stream, "transport", "major", text, automatic=True)
        return texts
