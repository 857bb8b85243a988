"""Labels printed on demand, one serial per print; a reprint needs a reason and voids the former (DOMAIN 6.4)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, labels, material
from custody.states import VESSELS, ContainerKind, ContainerState, Vessel
from orders import namesakes
from orders.counts import counted
from orders.label_texts import printing_for
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

KINDS = {"collection": ContainerKind.STARTING_MATERIAL, "product": ContainerKind.DRUG_PRODUCT}


class Parameters(serializers.Serializer[Any]):
    """How many containers are planned, of which kind, what they physically are, and which label template they get."""

    containers = serializers.IntegerField(min_value=1, max_value=12, default=1)
    template = serializers.ChoiceField(choices=["collection", "product"], default="collection")
    vessel = serializers.ChoiceField(choices=Vessel.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("vessel") and attrs["vessel"] not in VESSELS[KINDS[attrs["template"]]]:
            raise serializers.ValidationError({"vessel": ["Nothing of this template is kept in that."]})
        return attrs


class Inputs(serializers.Serializer[Any]):
    """Nothing but a reason, when labels are printed again."""

    reason = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", label="Reason (needed to print again)"
    )


@step_kind
class PrintLabels(StepKind):
    key = "print_labels"
    title = "Print labels"
    capability = Capability.PRINT_LABELS
    Inputs = Inputs
    Parameters = Parameters
    warnings = (namesakes.SAME_NAME,)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return namesakes.warning(ctx)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        template = ctx.parameters.get("template", "collection")
        kind = KINDS[template]
        chain = identity.identity_of_stream(ctx.order.stream_id)
        planned = [
            c
            for c in material.of_stream(ctx.order.stream_id, kind)
            if c.state in (ContainerState.PLANNED, ContainerState.LABELLED, ContainerState.STORED)
        ]
        if not planned:
            planned = material.plan(
                ctx.stream, chain, kind, ctx.parameters.get("containers", 1), ctx.parameters.get("vessel", "")
            )
        printed = labels.print_labels(ctx.stream, planned, template, inputs["reason"], printing=printing_for(ctx.order))
        serials = [label.serial for label in printed]
        return Outcome(f"{counted(len(serials), 'label')} printed.", {"serials": serials}, StepState.DONE)
