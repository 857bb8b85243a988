"""Close: every bag terminal, every label accounted for (T33)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, labels, material
from custody.states import TERMINAL_STATES, ContainerKind, ContainerState
from ledger.refusals import InvalidInput, MissingFact
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

ENDS = (*TERMINAL_STATES, ContainerState.LOST)  # what is lost may be found: the order does not wait for it


class LabelInput(serializers.Serializer[Any]):
    """A label that was not applied, and what became of it."""

    serial = serializers.CharField(max_length=60, label="Label")
    became = serializers.ChoiceField(choices=[("returned", "Returned"), ("destroyed", "Destroyed")], label="Became")


class Inputs(serializers.Serializer[Any]):
    """Reconciliation of what is left."""

    labels = serializers.ListSerializer[Any](
        child=LabelInput(), label="Labels not applied", required=False, max_length=40
    )
    remark = serializers.CharField(max_length=300, required=False, allow_blank=True, default="", label="Remark")


@step_kind
class CloseOrder(StepKind):
    key = "close_order"
    title = "Close the order"
    capability = Capability.CLOSE_ORDER
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return [
            MissingFact(
                "bag_not_terminal", f"{bag.code} is {bag.get_state_display().lower()}.", "Record what became of it."
            )
            for bag in material.of_stream(ctx.order.stream_id)
            if bag.state not in ENDS and bag.kind != ContainerKind.SAMPLE  # retained beyond the order
        ]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"labels": [{"serial": label.serial} for label in labels.unreconciled(ctx.order.stream_id)]}

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        open_labels = {label.serial: label for label in labels.unreconciled(ctx.order.stream_id)}
        for position, given in enumerate(inputs.get("labels", [])):
            label = open_labels.pop(given["serial"], None)
            if label is None:
                raise InvalidInput(fields={f"labels[{position}].serial": ["No such open label on this order."]})
            labels.settle(label, given["became"])
        if open_labels:
            raise InvalidInput(
                fields={
                    "labels": [
                        f"Say what became of {', '.join(sorted(open_labels))}: issued = applied + returned + destroyed."
                    ]
                }
            )
        identity.close(identity.identity_of_stream(ctx.order.stream_id))
        return Outcome("The order is closed.", {"labels_settled": len(inputs.get("labels", []))})
