"""Two people receive starting material: scan, condition, temperature, age (MO1). Out of range is quarantined."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody import material, returns, scans, shipments
from custody.schemes import printed
from custody.states import ContainerState, Direction
from ledger.refusals import MissingFact
from orders import bags, photos, scanned_twice
from orders.counts import counted
from orders.inputs import PastTime, ScanField
from orders.states import WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import deviations


class ReceivedBag(serializers.Serializer[Any]):
    """One bag as it arrived."""

    scan = ScanField(label="Bag label")
    condition = serializers.ChoiceField(choices=[("good", "Intact"), ("damaged", "Damaged")], label="Condition")


class Inputs(serializers.Serializer[Any]):
    """What two people saw at the dock."""

    bags = serializers.ListSerializer[Any](
        child=ReceivedBag(), label="Bags", min_length=1, max_length=12, style={"unexpected": True}
    )
    temperature_c = serializers.DecimalField(
        max_digits=6,
        decimal_places=1,
        min_value=Decimal(-273),
        max_value=Decimal(100),
        label="Temperature at opening (°C)",
    )
    received_at = PastTime(label="Received at")


RECEIVED = (ContainerState.RECEIVED, ContainerState.ACCEPTED, ContainerState.IN_PROCESS, *bags.PUT_ASIDE)


@step_kind
class ReceiveMaterial(StepKind):
    key = "receive_material"
    title = "Receive starting material"
    capability = Capability.RECEIVE_MATERIAL
    without_network = WithoutNetwork.KEPT
    signatures = 2
    meaning = "received"
    second_scan = "Scan every bag yourself, one after the other"
    scans_many = True
    physical = True  # the material lies on the dock
    photo = True
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        found = bags.expected(ctx, bags.STARTING_MATERIAL, ContainerState.IN_TRANSIT, beyond=RECEIVED)
        return found + shipments.arrived_along(ctx.order.stream_id, Direction.INBOUND) if found else found

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return bags.nothing(ctx, self._bags(ctx), "starting material")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if self._bags(ctx):
            return []
        nothing = MissingFact("nothing_arrived", "No bag of this order has arrived.", "Take over the box first.")
        return bags.held_or(ctx, bags.STARTING_MATERIAL, nothing)

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        limits = ctx.limits
        return [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Expected bags", ", ".join(bag.code for bag in self._bags(ctx))),
            ("Age limit", f"{limits['max_age_hours']} h after the end of collection"),
            ("Temperature", f"{limits['receipt_min_c']} to {limits['receipt_max_c']} °C"),
        ]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        scanned_twice.as_the_first(ctx.order.stream_id, scan, inputs["bags"], self._bags(ctx))

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        seen = [
            scans.expect(ctx.order.stream_id, given["scan"], waiting, f"bags[{position}].scan", label_unproven=True)
            for position, given in enumerate(inputs["bags"])
        ]
        bags.require_all(ctx, seen, waiting)
        shipments.open_boxes(seen, inputs["received_at"])
        photo = photos.of_act(ctx, shipments.box_of(seen), inputs, inputs["received_at"], photos.site_of(ctx))
        held = []
        for bag, given in zip(seen, inputs["bags"], strict=True):
            bags.take(ctx, bag, inputs["received_at"])
            bags.move(ctx, bag, ContainerState.RECEIVED, ContainerState.IN_TRANSIT)
            findings = self._findings(ctx, bag, given, inputs)
            if findings:
                held.append(bag.code)
                material.quarantine(bag, " ".join(findings))
                deviations.open_deviation(
                    ctx.stream, "receipt", "critical", f"{bag.code}: {' '.join(findings)}", automatic=True
                )
            else:
                bags.move(ctx, bag, ContainerState.ACCEPTED, *bags.ANY)
        returns.unpack(ctx.order.stream_id, seen, inputs["received_at"])
        word = (
            f"{len(held)} quarantined for QA: {', '.join(held)}." if held else f"{counted(len(seen), 'bag')} accepted."
        )
        return Outcome(
            word,
            {
                "bags": [bag.code for bag in seen],
                "quarantined": held,
                "temperature_c": inputs["temperature_c"],
                **photo,
            },
            happened_at=inputs["received_at"],
        )

    def _findings(self, ctx: StepContext, bag: Any, given: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
        limits, found = ctx.limits, []
        if given["condition"] == "damaged":
            found.append("Damaged.")
        age = inputs["received_at"] - bag.ended_at if bag.ended_at else None
        if age is None:  # only on a late record: nobody recorded the end of its collection
            found.append("Age unknown: the end of its collection is not recorded.")
        elif age > dt.timedelta(hours=float(limits["max_age_hours"])):
            found.append(f"Over age: {age.total_seconds() / 3600:.1f} h, limit {limits['max_age_hours']} h.")
        if not float(limits["receipt_min_c"]) <= float(inputs["temperature_c"]) <= float(limits["receipt_max_c"]):
            found.append(f"Temperature {inputs['temperature_c']} °C is out of range.")
        return found
