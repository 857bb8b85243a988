"""Quality signs that the reserve may be used, or rejects it; never who confirmed its place (MO7)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, material
from custody.states import ContainerState
from ledger.refusals import MissingFact, NotAllowed
from orders import attempts, reserve
from orders.inputs import DecisionInputs
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class Inputs(DecisionInputs):
    """Quality's decision."""

    needs_reason = {"reject": "Say why the reserve is rejected."}

    decision = serializers.ChoiceField(
        choices=[("release", "Release for use"), ("reject", "Reject")], label="Decision about the reserve"
    )
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", label="Reason (needed to reject)"
    )


@step_kind
class ReleaseReserve(StepKind):
    key = "release_reserve"
    title = "Release the reserve"
    capability = Capability.REVIEW_BATCH
    signatures = 1
    binds_shown = True
    meaning = "reserve decided"
    needs = (reserve.CONFIRM,)
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return identity.query_facts(ctx.order.stream_id) + reserve.missing(ctx.order)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return reserve.shown(ctx.order, placed=True)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        _require_another(ctx)
        bags = reserve.bags_of(ctx.order)
        codes = {"bags": [bag.code for bag in bags]}
        if inputs["decision"] == "reject":
            for bag in bags:
                material.move(bag, ContainerState.REJECTED)
            return Outcome(f"Reserve rejected: {inputs['reason']}", codes, StepState.FAILED)
        return Outcome("Reserve released for use.", codes)


def _require_another(ctx: StepContext) -> None:
    """Raise NotAllowed when who confirmed the place would also release: two desks look at it."""
    if ctx.performer_id in {step.done_by_id for step in attempts.of_kind(ctx.order, reserve.CONFIRM)}:
        raise NotAllowed(
            "Who confirmed the place does not release the reserve.",
            code="same_person",
            remedy="Ask a colleague of quality to decide.",
        )
