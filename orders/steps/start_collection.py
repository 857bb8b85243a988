"""The collection starts: the right patient, a checked kit, labels on the bags (AN1, AN3)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, labels, material, scans
from custody.schemes import printed
from custody.states import ContainerKind, ContainerState
from ledger.refusals import MissingFact
from orders import attempts
from orders.inputs import PastTime, ScanField
from orders.models import Order
from orders.states import StepState, WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

BEFORE = {
    "check_kit": ("kit_not_checked", "The collection kit is not checked.", "Check the kit first."),
    "identify_patient": (
        "patient_not_identified",
        "The patient is not identified.",
        "Two people identify the patient.",
    ),
}


class Inputs(serializers.Serializer[Any]):
    """The patient at the chair, and when the collection really began."""

    wristband = ScanField(label="Patient's wristband", help_text="Scan the chain-of-identity code at the patient.")
    started_at = PastTime(label="Started at")


def labeled_bags(order: Order) -> list[Any]:
    """Return the bags for starting material that have their label and are not filled yet."""
    return [
        bag
        for bag in material.of_stream(order.stream_id, ContainerKind.STARTING_MATERIAL)
        if bag.state == ContainerState.LABELLED
    ]


def labels_missing(order: Order) -> list[MissingFact]:
    """Return what is missing until every bag at the chair carries a label that two people scanned back."""
    bags = labeled_bags(order)
    if not bags:
        return [MissingFact("labels_missing", "No labeled bag is waiting.", "Print the labels first.")]
    return [
        MissingFact(
            "label_not_applied",
            f"The label of {bag.code} is not applied.",
            "Two people scan each label back at the chair.",
        )
        for bag in labels.not_applied(bags)
    ]


@step_kind
class StartCollection(StepKind):
    key = "start_collection"
    title = "Start the collection"
    capability = Capability.COLLECT
    without_network = WithoutNetwork.KEPT
    signatures = 1
    meaning = "collection started"
    physical = True  # the needle is in
    scans_identity = True
    Inputs = Inputs

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return labeled_bags(ctx.order)

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = identity.query_facts(ctx.order.stream_id)
        found += [MissingFact(*words) for kind, words in BEFORE.items() if attempts.still_open(ctx.order, kind)]
        return found + labels_missing(ctx.order)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        if ctx.step.state != StepState.DONE:
            return []
        return [MissingFact("recorded_already", "The start of the collection is recorded already.")]

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Labeled bags", ", ".join(bag.code for bag in labeled_bags(ctx.order))),
        ]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["wristband"], "wristband", at_hand=labeled_bags(ctx.order))
        at = inputs["started_at"]
        return Outcome("The collection has started.", {"started_at": at}, happened_at=at)
