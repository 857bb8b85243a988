"""The signed release (or rejection) with its certificate; impossible while anything is open (QA2, I5, T22)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import material
from custody.states import ContainerKind, ContainerState
from orders import evidence
from orders.inputs import DecisionInputs
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import release


class Inputs(DecisionInputs):
    """The decision."""

    needs_reason = {"reject": "Say why the batch is rejected."}

    decision = serializers.ChoiceField(choices=[("release", "Release"), ("reject", "Reject")], label="Decision")
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", label="Reason (needed to reject)"
    )


@step_kind
class ReleaseBatch(StepKind):
    key = "release_batch"
    title = "Release the batch"
    capability = Capability.RELEASE_BATCH
    signatures = 1
    binds_shown = True
    meaning = "certified"
    decides_under_query = True
    Inputs = Inputs

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return evidence.shown(ctx.actor, ctx.order)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        batch = evidence.require_batch(ctx.actor, ctx.order)
        assert ctx.event is not None  # noqa: S101 - the engine opened it
        bags = evidence.of_batch(material.of_stream(ctx.order.stream_id, ContainerKind.DRUG_PRODUCT), batch)
        signed = ctx.event.signatures[0].content_hash
        decided = release.decide(
            batch,
            inputs["decision"],
            inputs["reason"],
            ctx.performer_id,
            signed,
            extra=evidence.identity_and_material_missing(ctx.order, batch),
        )
        if inputs["decision"] == "reject":
            for bag in bags:
                material.move(bag, ContainerState.REJECTED)
            return Outcome(
                f"Batch {batch.number} rejected: {inputs['reason']}", {"batch": batch.number}, StepState.FAILED
            )
        return Outcome(
            f"Batch {batch.number} released.", {"batch": batch.number, "certificate": decided.certificate_number}
        )
