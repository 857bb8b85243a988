"""The planner gives the reserve a place on a line, or declines: the physician then decides anew (MO7, MP3)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from orders import reserve
from orders.inputs import DecisionInputs
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class Inputs(DecisionInputs):
    """The planner's answer."""

    needs_reason = {"decline": "Say why you decline; the center sees the reason."}

    decision = serializers.ChoiceField(
        choices=[("confirm", "Take the next free place"), ("decline", "Decline")], label="Answer"
    )
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed to decline)"
    )


@step_kind
class ConfirmReserve(StepKind):
    key = "confirm_reserve"
    title = "Confirm a place for the reserve"
    capability = Capability.CONFIRM_SLOTS
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return reserve.missing(ctx.order)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return reserve.shown(ctx.order)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        if inputs["decision"] == "decline":
            return Outcome(f"Reserve declined: {inputs['reason']}", {}, StepState.FAILED)
        begins = reserve.book_line(ctx.actor, ctx.order)
        words = f" Manufacture begins {begins:%d %b %Y %H:%M} UTC." if begins else ""
        return Outcome(f"A place for the reserve is taken.{words}", {"manufacture_start": begins} if begins else {})
