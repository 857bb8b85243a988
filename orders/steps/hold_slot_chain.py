"""Hold a feasible slot chain: chair × lane × receiving × manufacturing start × tentative return (CO1, CO2)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from orders import bookings
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class Parameters(serializers.Serializer[Any]):
    """How long an unsubmitted hold lives, and how far the search looks ahead."""

    hold_hours = serializers.IntegerField(min_value=1, max_value=168, default=48)
    horizon_days = serializers.IntegerField(min_value=1, max_value=120, default=28)


class Inputs(serializers.Serializer[Any]):
    """The chosen offer of the search."""

    offer = serializers.CharField(max_length=4000, label="Offered dates", style={"input_type": "offer"})


@step_kind
class HoldSlotChain(StepKind):
    key = "hold_slot_chain"
    title = "Book slots"
    capability = Capability.BOOK_SLOTS
    Inputs = Inputs
    Parameters = Parameters

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if not bookings.plant_sites(ctx.order):
            return [
                MissingFact(
                    "no_plant", "No plant makes this therapy for your country.", "Ask the manufacturer's planner."
                )
            ]
        return []

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = bookings.hold(ctx.actor, ctx.order, ctx.parameters, inputs["offer"])
        plan = dict(ctx.order.plan)
        return Outcome("Slot chain held.", {"chain": str(chain.pk), "held_until": chain.held_until, "plan": plan})
