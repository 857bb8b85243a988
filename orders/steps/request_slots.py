"""Submit the held chain to the planner: the countdown stops, the answer is due (CO2, MP2)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from orders import bookings
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from scheduling import slot_chains
from scheduling.states import ChainState


class Inputs(serializers.Serializer[Any]):
    """A remark for the planner, without patient data."""

    remark = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Remark for the planner (no patient data)"
    )


class Parameters(serializers.Serializer[Any]):
    """When requested dates are confirmed by the manufacturer's own rule: both or neither (the flow is approved by two).

    The answering step then has the condition ``[slots_confirmed, "=", false]``.
    """

    auto_confirm_days_ahead = serializers.FloatField(min_value=0, max_value=366, required=False)
    auto_confirm_line_load_percent = serializers.FloatField(min_value=0, max_value=100, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) == 1:
            raise serializers.ValidationError("An automatic confirmation needs both of its limits.")
        return attrs


@step_kind
class RequestSlots(StepKind):
    key = "request_slots"
    title = "Request slots"
    capability = Capability.BOOK_SLOTS
    Inputs = Inputs
    Parameters = Parameters

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return bookings.held_chain_missing(ctx.order, ChainState.HELD)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = slot_chains.live_chain(ctx.order.stream_id)
        assert chain is not None  # noqa: S101 - guarded above, under the stream's lock
        slot_chains.submit(chain)
        facts = {"chain": str(chain.pk), "remark": inputs["remark"]}
        rule = _rule(ctx.parameters)
        if rule is None:
            return Outcome("Slots requested; the planner answers.", facts)
        said_by = f"Rule of {ctx.order.flow.title}, version {ctx.order.flow.version}"
        why_not = slot_chains.confirm_by_rule(chain, rule, said_by)
        if why_not:
            return Outcome("Slots requested; the planner answers.", {**facts, "not_automatic": why_not})
        return Outcome("Slots requested, and confirmed by the manufacturer's rule.", {**facts, "confirmed_by": said_by})


def _rule(parameters: dict[str, Any]) -> slot_chains.AutoConfirm | None:
    days, load = (parameters.get(f"auto_confirm_{name}") for name in ("days_ahead", "line_load_percent"))
    return slot_chains.AutoConfirm(days, load) if days is not None and load is not None else None
