"""The physician's signed go at a gate (TP2).

Lymphodepletion only when every bag that the dose needs is accepted at the center; where the site's policy allows it, on
the release alone, while enough bags are still on their way.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import material
from custody.states import ContainerState
from ledger.refusals import MissingFact
from network import queries as network
from orders import evidence
from orders.inputs import DecisionInputs
from orders.models import Order
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from orders.steps.receive_product import PRODUCT
from personas.states import Capability

PRODUCT_PHASES = ("outbound", "treatment")  # gates that come after the release
USABLE = (ContainerState.ACCEPTED, ContainerState.STORED)
NONE_COMING = (
    "Not enough bags are on their way: call the manufacturer. Where the dose cannot be made complete, its qualified "
    "person revokes the release and rejects the batch; then the treating physician decides how the order goes on."
)
COMING = (*USABLE, ContainerState.IN_TRANSIT, ContainerState.RECEIVED)


class Parameters(serializers.Serializer[Any]):
    """Whether the gate needs the product at the center."""

    needs_product = serializers.BooleanField(default=False)


class Inputs(DecisionInputs):
    """The physician's decision."""

    needs_reason = {"wait": "Say why the patient is not ready."}

    decision = serializers.ChoiceField(choices=[("go", "Go"), ("wait", "Not yet")], label="Decision")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed when not yet)"
    )


def product_missing(order: Order) -> list[MissingFact]:
    """Return what is missing until every bag that the dose needs is accepted at the center, or may be waited for."""
    bags = [bag for bag in material.of_stream(order.stream_id) if bag.kind in PRODUCT]
    needed = int(order.specification.limits.get("dose_bags", len(bags) or 1))
    usable = [bag for bag in bags if bag.state in USABLE and bag.custodian_id == order.center_id]
    if len(usable) >= needed:
        return []
    coming = [bag for bag in bags if bag.state in COMING]
    if len(coming) >= needed and network.lymphodepletion_on_release(order.therapy_id, order.center_site_id):
        return []  # whether it is released: revoked_missing
    remedy = "Receive and accept the product first." if len(coming) >= needed else NONE_COMING
    text = f"{len(usable)} of {needed} bags that the dose needs are accepted."
    return [MissingFact("product_not_accepted", text, remedy)]


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
        if ctx.parameters.get("needs_product"):
            return evidence.revoked_missing(ctx.actor, ctx.order) + product_missing(ctx.order)
        about_product = ctx.flow_step.phase in PRODUCT_PHASES
        return evidence.revoked_missing(ctx.actor, ctx.order) if about_product else []

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        if inputs["decision"] == "wait":
            return Outcome(f"Not yet: {inputs['reason']}", {}, StepState.FAILED, reopen=ctx.step.key)
        return Outcome("Go.", {"decision": "go"})
