"""Bedside check by two people: wristband, bag, expiry, k of n (IN1, T35). A mismatch is a hard stop.

It moves nothing, so it cannot be recorded late: a check that was not done is not done.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from custody import identity, material, scans
from custody.states import ContainerState, IdentityState
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from orders import bags, evidence
from orders.counts import counted
from orders.inputs import ScanField
from orders.states import WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from orders.steps.receive_product import PRODUCT
from personas.states import Capability


class CheckedBag(serializers.Serializer[Any]):
    """One bag at the bedside."""

    scan = ScanField(label="Bag label")


class Inputs(serializers.Serializer[Any]):
    """What is scanned and asked at the bedside."""

    wristband = ScanField(label="Patient's wristband", help_text="Scan the chain-of-identity code at the patient.")
    bags = serializers.ListSerializer[Any](child=CheckedBag(), label="Bags", min_length=1, max_length=12)
    patient_said = serializers.ChoiceField(
        choices=[("matches", "Name and date of birth match the wristband")], label="The patient was asked"
    )


@step_kind
class CheckBedside(StepKind):
    key = "check_bedside"
    title = "Bedside check"
    capability = Capability.CHECK_BEDSIDE
    without_network = WithoutNetwork.PAPER
    signatures = 2
    meaning = "identity verified"
    second_scan = "Scan a bag of the order yourself"
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        return [
            bag
            for bag in material.of_stream(ctx.order.stream_id)
            if bag.kind in PRODUCT and bag.state == ContainerState.THAWED
        ]

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = []
        if not self._bags(ctx):
            nothing = MissingFact("nothing_thawed", "No thawed bag is at the bedside.", "Thaw the product first.")
            found += bags.held_or(ctx, PRODUCT, nothing)
        found += evidence.revoked_missing(ctx.actor, ctx.order)
        if identity.identity_of_stream(ctx.order.stream_id).state != IdentityState.ACTIVE:
            found.append(
                MissingFact(
                    "identity_under_query",
                    "The chain of identity is under query.",
                    "Stop. Resolve the identity query first.",
                )
            )
        return found

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            ("Chain of identity", ctx.order.identity_code),
            ("Bags", ", ".join(f"{bag.code} ({bag.position} of {bag.count})" for bag in self._bags(ctx))),
        ]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        bags.scanned(ctx, scan, self._bags(ctx))

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["wristband"], "wristband", at_hand=waiting)
        checked = {
            bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan").pk
            for position, given in enumerate(inputs["bags"])
        }
        if checked != {bag.pk for bag in waiting}:
            raise InvalidInput(fields={"bags": [f"Scan each of the {len(waiting)} bags once."]})
        expired = [bag.code for bag in waiting if bag.expires_at and bag.expires_at < timezone.now()]
        if expired:
            raise FactsMissing(
                "The product has expired.",
                facts=[
                    MissingFact(
                        "product_expired",
                        f"Past its time of use: {', '.join(expired)}.",
                        "Do not infuse. Call the manufacturer and the physician.",
                    )
                ],
            )
        return Outcome(
            f"{counted(len(waiting), 'bag')} matched to the patient.", {"bags": [bag.code for bag in waiting]}
        )
