"""Two people receive drug product bag by bag: accept, quarantine or reject each (CL2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody import material, returns, scans, shipments
from custody.schemes import printed
from custody.states import ContainerState, Direction
from ledger.refusals import InvalidInput, MissingFact
from orders import bags, evidence, namesakes, photos, scanned_twice
from orders.bags import PRODUCT
from orders.counts import counted
from orders.inputs import PastTime, ScanField
from orders.states import StepState, WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import deviations

RECEIVED = (
    ContainerState.RECEIVED,
    ContainerState.ACCEPTED,
    ContainerState.ISSUED,
    ContainerState.THAWED,
    *bags.PUT_ASIDE,
)
STATE_OF_DECISION = {"accept": ContainerState.ACCEPTED, "reject": ContainerState.REJECTED}


class ReceivedBag(serializers.Serializer[Any]):
    """One bag and the decision on it."""

    scan = ScanField(label="Bag label")
    decision = serializers.ChoiceField(
        choices=[("accept", "Accept"), ("quarantine", "Quarantine"), ("reject", "Reject")], label="Decision"
    )
    reason = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", label="Reason (unless accepted)"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["decision"] != "accept" and not attrs["reason"].strip():
            raise serializers.ValidationError({"reason": ["Say why the bag is not accepted."]})
        return attrs


class Inputs(serializers.Serializer[Any]):
    """What two people saw when the box was opened."""

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


@step_kind
class ReceiveProduct(StepKind):
    key = "receive_product"
    title = "Receive drug product"
    capability = Capability.RECEIVE_PRODUCT
    without_network = WithoutNetwork.KEPT
    signatures = 2
    meaning = "received"
    second_scan = "Scan every bag yourself, one after the other"
    scans_many = True
    warnings = (namesakes.SAME_NAME,)
    physical = True  # the product has arrived
    photo = True
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        found = bags.expected(ctx, PRODUCT, ContainerState.IN_TRANSIT, beyond=RECEIVED)
        found = [bag for bag in found if not bags.is_stored_at(bag, ctx.order.center_id)]
        return found + shipments.arrived_along(ctx.order.stream_id, Direction.OUTBOUND) if found else found

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return bags.nothing(ctx, self._bags(ctx), "product")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if self._bags(ctx):
            return []
        stops = evidence.revoked_missing(ctx.actor, ctx.order)
        nothing = MissingFact("nothing_arrived", "No bag of this order has arrived.", "Take over the box first.")
        return stops + bags.held_or(ctx, PRODUCT, nothing)

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Expected bags", ", ".join(bag.code for bag in self._bags(ctx))),
            ("Temperature", f"not above {ctx.limits['storage_max_c']} °C"),
            *namesakes.warning(ctx),
        ]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        scanned_twice.as_the_first(ctx.order.stream_id, scan, inputs["bags"], self._bags(ctx))

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        decided: dict[str, str] = {}
        too_warm = float(inputs["temperature_c"]) > float(ctx.limits["storage_max_c"])
        for position, given in enumerate(inputs["bags"]):
            bag = scans.expect(
                ctx.order.stream_id, given["scan"], waiting, f"bags[{position}].scan", label_unproven=True
            )
            if bag.code in decided:
                raise InvalidInput(fields={f"bags[{position}].scan": ["This bag was scanned already."]})
            bags.take(ctx, bag, inputs["received_at"])
            decided[bag.code] = self._decide(ctx, bag, given, too_warm)
        opened = [bag for bag in waiting if bag.code in decided]
        shipments.open_boxes(opened, inputs["received_at"])
        photo = photos.of_act(ctx, shipments.box_of(opened), inputs, inputs["received_at"], photos.site_of(ctx))
        left = len([bag for bag in waiting if bag.code not in decided])
        count = len(decided)
        from_state = {"bags": decided, "temperature_c": inputs["temperature_c"], **photo}
        if not left:
            returns.unpack(ctx.order.stream_id, waiting + self._received(ctx), inputs["received_at"])
        if left:
            return Outcome(
                f"{count} of {len(waiting)} bags received; {left} to come.",
                from_state,
                StepState.READY,
                happened_at=inputs["received_at"],
            )
        return Outcome(f"{counted(count, 'bag')} received.", from_state, happened_at=inputs["received_at"])

    def _received(self, ctx: StepContext) -> list[Any]:
        """What of the product was received before, a bag at a time."""
        found = bags.of_kinds(ctx, (*PRODUCT, *shipments.ALONG))
        return [bag for bag in found if bag.state != ContainerState.IN_TRANSIT]

    def _decide(self, ctx: StepContext, bag: Any, given: dict[str, Any], too_warm: bool) -> str:
        bags.move(ctx, bag, ContainerState.RECEIVED, ContainerState.IN_TRANSIT)
        decision = "quarantine" if too_warm and given["decision"] == "accept" else given["decision"]
        if decision == "quarantine":
            reason = "Too warm at opening." if too_warm else given["reason"]
            material.quarantine(bag, reason)
        else:
            reason = given["reason"]
            bags.move(ctx, bag, STATE_OF_DECISION[decision], *bags.ANY)
        if decision != "accept":
            deviations.open_deviation(ctx.stream, "receipt", "major", f"{bag.code}: {reason}", automatic=True)
        return str(decision)
