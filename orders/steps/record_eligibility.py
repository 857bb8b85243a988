"""Eligibility with the values a therapy needs and the time they were taken (TP8)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from ledger.states import Role
from orders.inputs import PastTime
from orders.states import InfectiousTests, StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class Parameters(serializers.Serializer[Any]):
    """Limits of the therapy: weight in kg."""

    minimum_weight_kg = serializers.FloatField(required=False)
    maximum_weight_kg = serializers.FloatField(required=False)


class Inputs(serializers.Serializer[Any]):
    """The physician's assessment."""

    eligible = serializers.ChoiceField(choices=[("yes", "Eligible"), ("no", "Not eligible")], label="Assessment")
    weight_kg = serializers.DecimalField(
        max_digits=5, decimal_places=1, min_value=Decimal(1), max_value=Decimal(400), label="Weight (kg)"
    )
    infectious_tests = serializers.ChoiceField(
        choices=InfectiousTests.choices,
        label="Infectious disease tests",
    )
    assessed_at = PastTime(label="Assessed at")
    note = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", label="Evidence reference"
    )


@step_kind
class RecordEligibility(StepKind):
    key = "record_eligibility"
    title = "Record eligibility"
    capability = Capability.RECORD_ELIGIBILITY
    audience = (Role.TREATMENT_CENTER,)
    Inputs = Inputs
    Parameters = Parameters

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        why = self._why_not(ctx, inputs)
        if why:
            return Outcome(why, state=StepState.FAILED, reopen=ctx.step.key, happened_at=inputs["assessed_at"])
        ctx.order.infectious_tests = inputs["infectious_tests"]  # what labels have to say of it (T30)
        ctx.order.save(update_fields=["infectious_tests"])
        facts = {"weight_kg": inputs["weight_kg"], "infectious_tests": inputs["infectious_tests"]}
        return Outcome("Eligible.", facts, happened_at=inputs["assessed_at"])

    def _why_not(self, ctx: StepContext, inputs: dict[str, Any]) -> str:
        if inputs["eligible"] == "no":
            return "Assessed as not eligible."
        low, high = ctx.parameters.get("minimum_weight_kg"), ctx.parameters.get("maximum_weight_kg")
        weight = float(inputs["weight_kg"])
        if low is not None and weight < low or high is not None and weight > high:
            return "The weight lies outside the limits of the therapy."
        return ""
