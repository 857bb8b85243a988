"""The collection kit is complete and labeled for this order, the day before (AU3)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from orders.inputs import NumberScanField
from orders.states import StepState, WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

YES_NO = [("yes", "Yes"), ("no", "No")]


class Inputs(serializers.Serializer[Any]):
    """What was found in the kit."""

    kit_code = NumberScanField(max_length=60, label="Kit number")
    complete = serializers.ChoiceField(choices=YES_NO, label="Everything on the packing list is there")
    condition = serializers.ChoiceField(choices=[("good", "Undamaged"), ("damaged", "Damaged")], label="Condition")
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="", label="What is missing")


@step_kind
class CheckKit(StepKind):
    key = "check_kit"
    title = "Check the kit"
    capability = Capability.CHECK_KIT
    without_network = WithoutNetwork.KEPT
    Inputs = Inputs

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        facts = {"kit_code": inputs["kit_code"], "note": inputs["note"]}
        if inputs["complete"] == "no" or inputs["condition"] == "damaged":
            return Outcome("The kit cannot be used; a new one is needed.", facts, StepState.FAILED, reopen=ctx.step.key)
        return Outcome("The kit is complete.", facts)
