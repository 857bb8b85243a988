"""Manufacture ends: drug-product bags with their own codes, or a terminated batch (MO3, MO4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody import custody_periods, labels, material
from custody.conversions import IN_MANUFACTURE
from custody.states import VESSELS, ContainerKind, ContainerState, LabelTemplate, Vessel
from ledger.refusals import MissingFact
from orders import bags, evidence, stopped_use
from orders.counts import counted
from orders.inputs import PastTime
from orders.label_texts import printing_for
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import batches, deviations


class FilledBag(serializers.Serializer[Any]):
    """One filled drug-product bag."""

    volume_ml = serializers.DecimalField(
        max_digits=6, decimal_places=1, min_value=Decimal("0.1"), max_value=Decimal(5000), label="Volume (mL)"
    )


class Parameters(serializers.Serializer[Any]):
    """What the product is filled into."""

    vessel = serializers.ChoiceField(
        choices=[(vessel, vessel.label) for vessel in VESSELS[ContainerKind.DRUG_PRODUCT]], default=Vessel.PRODUCT_BAG
    )


class Inputs(serializers.Serializer[Any]):
    """The result of the process."""

    result = serializers.ChoiceField(choices=[("finished", "Finished"), ("terminated", "Terminated")], label="Result")
    bags = serializers.ListSerializer[Any](child=FilledBag(), label="Drug-product bags", required=False, max_length=12)
    finished_at = PastTime(label="Finished at")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed when terminated)"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["result"] == "terminated" and not attrs["reason"].strip():
            raise serializers.ValidationError({"reason": ["Say why the batch was terminated."]})
        if attrs["result"] == "finished" and not attrs.get("bags"):
            raise serializers.ValidationError({"bags": ["Enter the volume of each bag that was filled."]})
        return attrs


@step_kind
class FinishManufacture(StepKind):
    key = "finish_manufacture"
    title = "Finish manufacture"
    capability = Capability.MANUFACTURE
    physical = True  # the bags are filled, or the process is lost
    Inputs = Inputs
    Parameters = Parameters

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return self._no_batch(ctx) or bags.labels_missing(self._used(ctx))

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return self._no_batch(ctx) or bags.nothing(ctx, self._used(ctx), "material in process")

    def _no_batch(self, ctx: StepContext) -> list[MissingFact]:
        return [] if evidence.current_batch(ctx.actor, ctx.order) else [evidence.no_batch()]

    def _used(self, ctx: StepContext) -> list[Any]:
        found = bags.expected(ctx, IN_MANUFACTURE, ContainerState.IN_PROCESS)
        inside = ContainerState.IN_PROCESS
        return [bag for bag in found if inside in (bag.state, bag.state_before_quarantine)]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"result": "finished", "bags": [{"volume_ml": ""} for _ in range(int(ctx.limits.get("bags", 1)))]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [("A dose needs", counted(self._dose(ctx), "bag"))]

    def _dose(self, ctx: StepContext) -> int:
        return int(ctx.limits.get("dose_bags", 1))

    def _tell_too_few(self, ctx: StepContext, made: int) -> str:
        """Open a case for quality where fewer bags were filled than a dose needs: no center can treat with them."""
        if made >= self._dose(ctx):
            return ""
        text = f"{counted(made, 'bag')} filled; a dose needs {self._dose(ctx)}."
        deviations.open_deviation(ctx.stream, "yield", "major", text, automatic=True)
        return f" A dose needs {self._dose(ctx)}: quality is told."

    def _expiry(self, ctx: StepContext, finished_at: dt.datetime) -> dt.datetime | None:
        """Until when the product may be used, where the specification says how long it keeps."""
        days = ctx.limits.get("shelf_days")
        return finished_at + dt.timedelta(days=float(days)) if days else None

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        batch = evidence.require_batch(ctx.actor, ctx.order)
        used = self._used(ctx)
        if inputs["result"] == "terminated":
            batches.fail_batch(batch, inputs["finished_at"], ctx.performer_id)
            for bag in used:
                bags.move(ctx, bag, ContainerState.CONSUMED, ContainerState.IN_PROCESS)
                custody_periods.finish(bag, inputs["finished_at"])
            return Outcome(
                f"Batch {batch.number} terminated: {inputs['reason']}",
                {"batch": batch.number, "bags": [bag.code for bag in used]},
                StepState.FAILED,
                happened_at=inputs["finished_at"],
            )
        for bag in used:
            bags.note_state(ctx, bag, ContainerState.IN_PROCESS)
        volumes = [given["volume_ml"] for given in inputs["bags"]]
        expiry = self._expiry(ctx, inputs["finished_at"])
        held = stopped_use.reason_among(used)
        made = material.transform(
            used,
            ContainerKind.DRUG_PRODUCT,
            len(volumes),
            volumes,
            happened_at=inputs["finished_at"],
            expires_at=expiry,
            lot=batch.number,
            vessel=ctx.parameters.get("vessel", Vessel.PRODUCT_BAG),
            late=ctx.late,
        )
        for bag in used:
            custody_periods.finish(bag, inputs["finished_at"])
        for bag in made:
            custody_periods.begin(
                bag, ctx.actor.organization_id, ctx.order.plant_site_id, ctx.performer_id, inputs["finished_at"]
            )
        stopped_use.inherit(held, made)
        printed = labels.print_labels(ctx.stream, made, LabelTemplate.PRODUCT, printing=printing_for(ctx.order))
        batches.finish_batch(batch, inputs["finished_at"], ctx.performer_id)
        evidence.note_makers(batch, ctx)
        too_few = self._tell_too_few(ctx, len(made))
        return Outcome(
            f"Batch {batch.number} finished: {counted(len(made), 'bag')}.{too_few}",
            {
                "batch": batch.number,
                "bags": [bag.code for bag in made],
                "volumes_ml": {bag.code: bag.volume_ml for bag in made},
                "labels": [label.serial for label in printed],
            },
            happened_at=inputs["finished_at"],
        )
