"""Collect the right patient's cells: wristband and every bag scanned by two people (AN1–AN3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody import custody_periods, identity, labels, material, scans
from custody.states import ContainerKind, ContainerState
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from orders.inputs import PastTime, ScanField
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class BagInput(serializers.Serializer[Any]):
    """One bag: its label scanned back at the chair, and what is in it."""

    scan = ScanField(label="Bag label")
    volume_ml = serializers.DecimalField(
        max_digits=6, decimal_places=1, min_value=Decimal("0.1"), max_value=Decimal(5000), label="Volume (mL)"
    )


class Inputs(serializers.Serializer[Any]):
    """The collection: who, what, when. The end time starts the material's age clock."""

    wristband = ScanField(label="Patient's wristband", help_text="Scan the chain-of-identity code at the patient.")
    bags = serializers.ListSerializer[Any](child=BagInput(), label="Bags", min_length=1, max_length=12)
    started_at = PastTime(label="Started at")
    ended_at = PastTime(label="Ended at")
    reactions = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reactions, remarks (no names)"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["ended_at"] <= attrs["started_at"]:
            raise serializers.ValidationError({"ended_at": ["The end must come after the start."]})
        return attrs


@step_kind
class Collect(StepKind):
    key = "collect"
    title = "Collect starting material"
    capability = Capability.COLLECT
    signatures = 2
    meaning = "collected"
    scanned = True
    physical = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        return [
            c
            for c in material.of_stream(ctx.order.stream_id, ContainerKind.STARTING_MATERIAL)
            if c.state == ContainerState.LABELLED
        ]

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = identity.query_facts(ctx.order.stream_id)
        if not self._bags(ctx):
            found.append(MissingFact("labels_missing", "No labeled bag is waiting.", "Print the labels first."))
        return found

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": "", "volume_ml": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            ("Chain of identity", ctx.order.identity_code),
            ("Labeled bags", ", ".join(bag.code for bag in self._bags(ctx))),
        ]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        scans.expect(ctx.order.stream_id, scan, self._bags(ctx))

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["wristband"], "wristband")
        waiting = self._bags(ctx)
        filled = [self._fill(ctx, position, given, waiting, inputs) for position, given in enumerate(inputs["bags"])]
        if len({bag.pk for bag in filled}) != len(filled):
            raise InvalidInput(fields={"bags": ["The same bag was scanned twice. Scan each bag once."]})
        if len(filled) < len(waiting):
            codes = ", ".join(bag.code for bag in waiting if bag.pk not in {f.pk for f in filled})
            raise FactsMissing(
                "Not every labeled bag was scanned back.",
                facts=[
                    MissingFact(
                        "bag_not_scanned", f"Not scanned: {codes}.", "Scan it, or print labels again for fewer bags."
                    )
                ],
            )
        return Outcome(
            f"{len(filled)} bag(s) collected.",
            {
                "bags": [bag.code for bag in filled],
                "started_at": inputs["started_at"],
                "ended_at": inputs["ended_at"],
            },
            happened_at=inputs["ended_at"],
        )

    def _fill(
        self, ctx: StepContext, position: int, given: dict[str, Any], waiting: list[Any], inputs: dict[str, Any]
    ) -> Any:
        bag = scans.expect(ctx.order.stream_id, given["scan"], waiting, f"bags[{position}].scan")
        if bag.state != ContainerState.LABELLED:
            raise InvalidInput(fields={f"bags[{position}].scan": ["The same bag was scanned twice."]})
        labels.apply_to(bag)
        material.fill(bag, given["volume_ml"], inputs["started_at"], inputs["ended_at"])
        custody_periods.begin(bag, ctx.order.center_id, ctx.order.center_site_id, ctx.performer_id, inputs["ended_at"])
        return bag
