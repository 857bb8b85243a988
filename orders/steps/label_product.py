"""The labels of what was filled go on its bags: two people scan each back, in the plant (AN2, DOMAIN 6.4)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import labels
from custody.states import ContainerKind, LabelTemplate
from ledger.refusals import MissingFact
from orders import bags
from orders.counts import counted
from orders.scanning_back import codes_in, each_once
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from orders.steps.apply_labels import LabeledBag
from personas.states import Capability


class Inputs(serializers.Serializer[Any]):
    """Every label, on its bag."""

    bags = serializers.ListSerializer[Any](child=LabeledBag(), label="Bags", min_length=1, max_length=12)


@step_kind
class LabelProduct(StepKind):
    key = "label_product"
    title = "Label the drug product"
    capability = Capability.MANUFACTURE
    signatures = 2
    meaning = "labels applied"
    second_scan = "Scan every label yourself, one after the other"
    scans_many = True
    needs = ("finish_manufacture",)
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        return labels.without_label(bags.of_kinds(ctx, (ContainerKind.DRUG_PRODUCT,)))

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if self._bags(ctx):
            return []
        return [MissingFact("labels_missing", "No label waits to be scanned back.", "Finish manufacture first.")]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [("Labels for", ", ".join(f"{bag.code} ({bag.k_of_n})" for bag in self._bags(ctx)))]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        """The second person scans every label too."""
        each_once(ctx.order.stream_id, codes_in(scan), self._bags(ctx), "scan")

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        scanned = [given["scan"] for given in inputs["bags"]]
        labeled = each_once(ctx.order.stream_id, scanned, self._bags(ctx), "bags[{}].scan")
        for bag in labeled:
            labels.apply_to(bag, LabelTemplate.PRODUCT)
        words = f"{counted(len(labeled), 'label')} applied and scanned back."
        return Outcome(words, {"bags": [bag.code for bag in labeled]})
