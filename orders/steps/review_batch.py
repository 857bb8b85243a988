"""QA reviews the batch on its evidence; whoever made or tested it cannot (QA1, T15)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from orders import evidence
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import release


class Inputs(serializers.Serializer[Any]):
    """The reviewer's statement."""

    audit_trail_reviewed = serializers.ChoiceField(choices=[("yes", "Reviewed")], label="Audit trail of this batch")
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="", label="Comment")


@step_kind
class ReviewBatch(StepKind):
    key = "review_batch"
    title = "Review the batch"
    capability = Capability.REVIEW_BATCH
    signatures = 1
    binds_shown = True
    meaning = "reviewed"
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        batch = evidence.current_batch(ctx.actor, ctx.order)
        return release.missing_results(batch) if batch else [evidence.no_batch()]

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return evidence.shown(ctx.actor, ctx.order)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        batch = evidence.require_batch(ctx.actor, ctx.order)
        release.review(batch, ctx.performer_id)
        return Outcome(f"Batch {batch.number} reviewed.", {"batch": batch.number, "comment": inputs["comment"]})
