"""QA reviews the batch on its evidence; whoever made or tested it cannot (QA1, T15)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, labels, material
from custody.states import ContainerState, IdentityState
from ledger.refusals import MissingFact
from orders.models import Order
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import batches, release


def evidence_missing(order: Order) -> list[MissingFact]:
    """Return every open item that stands against review and release."""
    batch = batches.current(order.stream_id)
    if batch is None:
        return [MissingFact("no_batch", "There is no batch.", "Finish the manufacture first.")]
    found = list(release.blockers(batch))
    for bag in material.of_stream(order.stream_id):
        if bag.state == ContainerState.QUARANTINED:
            found.append(MissingFact("material_quarantined", f"{bag.code} is quarantined.", "Decide on it first."))
    if identity.identity_of_stream(order.stream_id).state != IdentityState.ACTIVE:
        found.append(MissingFact("identity_under_query", "The chain of identity is under query.",
                                 "Resolve the identity query first."))
    for label in labels.unreconciled(order.stream_id):
        found.append(MissingFact("label_open", f"Label {label.serial} is not accounted for.",
                                 "Record it as applied, returned or destroyed."))
    return found


class Inputs(serializers.Serializer[Any]):
    """The reviewer's statement."""

    audit_trail_reviewed = serializers.ChoiceField(choices=[("yes", "Reviewed")],
                                                   label="Audit trail of this batch (T16)")
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="", label="Comment")


@step_kind
class ReviewBatch(StepKind):
    key = "review_batch"
    title = "Review the batch"
    capability = Capability.REVIEW_BATCH
    signatures = 1
    meaning = "reviewed"
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return evidence_missing(ctx.order)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        batch = batches.current(ctx.order.stream_id)
        return release.evidence(batch) if batch else []

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        batch = batches.current(ctx.order.stream_id)
        release.review(batch, ctx.performer_id)
        return Outcome(f"Batch {batch.number} reviewed.", {"batch": batch.number, "comment": inputs["comment"]})
