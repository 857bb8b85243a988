"""The physician's signed go at a gate (TP2): lymphodepletion only when every bag the dose needs is accepted."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import material
from custody.states import ContainerState
from ledger.refusals import MissingFact
from orders.models import Order
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from orders.steps.receive_product import PRODUCT
from personas.states import Capability

USABLE = (ContainerState.ACCEPTED, ContainerState.STORED)


class Parameters(serializers.Serializer[Any]):
    """Whether the gate needs the product at the center."""

    needs_product = serializers.BooleanField(default=False)


class Inputs(serializers.Serializer[Any]):
    """The physician's decision."""

    decision = serializers.ChoiceField(choices=[("go", "Go"), ("wait", "Not yet")], label="Decision")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed when not yet)"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["decision"] == "wait" and not attrs["reason"].strip():
            raise serializers.ValidationError({"reason": ["Say why the patient is not ready."]})
        return attrs


def product_missing(order: Order) -> list[MissingFact]:
    """Return what is missing until every bag that the dose needs is accepted at the center."""
    bags = [bag for bag in material.of_stream(order.stream_id) if bag.kind in PRODUCT]
    needed = int(order.specification.limits.get("dose_bags", len(bags) or 1))
    usable = [bag for bag in bags if bag.state in USABLE]
    if len(usable) >= needed:
        return []
    return [
        MissingFact(
            "product_not_accepted",
            f"{len(usable)} of {needed} bags that the dose needs are accepted.",
            "Receive and accept the product first.",
        )
    ]


@step_kind
class DecideReadiness(StepKind):
    key = "decide_readiness"
    title = "Decide readiness"
    capability = Capability.DECIDE_READINESS
    signatures = 1
    meaning = "go decided"
    Inputs = Inputs
    Parameters = Parameters

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return product_missing(ctx.order) if ctx.parameters.get("needs_product") else []

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        if inputs["decision"] == "wait":
            return Outcome(f"Not yet: {inputs['reason']}", {}, StepState.FAILED, reopen=ctx.step.key)
        return Outcome("Go.", {"decision": "go"})
