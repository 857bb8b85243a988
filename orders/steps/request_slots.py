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


@step_kind
class RequestSlots(StepKind):
    key = "request_slots"
    title = "Request slots"
    capability = Capability.BOOK_SLOTS
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return bookings.held_chain_missing(ctx.order, ChainState.HELD)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = slot_chains.live_chain(ctx.order.stream_id)
        assert chain is not None  # noqa: S101 - guarded above, under the stream's lock
        slot_chains.submit(chain)
        return Outcome("Slots requested; the planner answers.", {"chain": str(chain.pk), "remark": inputs["remark"]})
