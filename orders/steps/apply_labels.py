"""Labels go on the bags at the chair: two people scan the wristband and each label back (AN2, DOMAIN 6.4)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, labels, material, scans
from custody.schemes import printed
from custody.states import ContainerKind, ContainerState, LabelTemplate
from ledger.refusals import MissingFact
from orders import namesakes
from orders.counts import counted
from orders.inputs import ScanField
from orders.scanning_back import codes_in, each_once
from orders.states import WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class LabeledBag(serializers.Serializer[Any]):
    """One bag: the label that was put on it, scanned back."""

    scan = ScanField(label="Label on the bag")


class Inputs(serializers.Serializer[Any]):
    """The wristband, and every label at the chair."""

    wristband = ScanField(label="Patient's wristband", help_text="Scan the chain-of-identity code at the patient.")
    bags = serializers.ListSerializer[Any](child=LabeledBag(), label="Bags", min_length=1, max_length=12)


@step_kind
class ApplyLabels(StepKind):
    key = "apply_labels"
    title = "Apply the labels"
    capability = Capability.COLLECT
    without_network = WithoutNetwork.KEPT
    signatures = 2
    meaning = "labels applied"
    second_scan = "Scan every label yourself, one after the other"
    scans_many = True
    warnings = (namesakes.SAME_NAME,)
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        return [
            bag
            for bag in material.of_stream(ctx.order.stream_id, ContainerKind.STARTING_MATERIAL)
            if bag.state == ContainerState.LABELLED
        ]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if self._bags(ctx):
            return []
        return [MissingFact("labels_missing", "No labeled bag is waiting.", "Print the labels first.")]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        bags = self._bags(ctx)
        rows = [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Labels for", ", ".join(f"{bag.code} ({bag.k_of_n})" for bag in bags)),
        ]
        several = ("Second person", "Scans every label too: the codes side by side, with commas between them.")
        return [*rows, *([several] if len(bags) > 1 else []), *namesakes.warning(ctx)]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        """The second person scans every label too; several codes stand side by side with commas between them."""
        each_once(ctx.order.stream_id, codes_in(scan), self._bags(ctx), "scan")

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["wristband"], "wristband", at_hand=self._bags(ctx))
        scanned = [given["scan"] for given in inputs["bags"]]
        bags = each_once(ctx.order.stream_id, scanned, self._bags(ctx), "bags[{}].scan")
        for bag in bags:
            labels.apply_to(bag, LabelTemplate.COLLECTION)
        return Outcome(f"{counted(len(bags), 'label')} applied and scanned back.", {"bags": [bag.code for bag in bags]})
