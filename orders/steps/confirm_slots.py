"""The planner confirms the requested chain, or declines with a reason and the booking begins again (MP2)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from ledger.refusals import FactsMissing, MissingFact
from ledger.states import Role
from orders import bookings
from orders.inputs import DecisionInputs
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from scheduling import slot_chains
from scheduling.disrupted import stopped_places
from scheduling.states import ChainState

INSTEAD = "Look for other dates where the disruption is open, or decline with a day that would fit."


class Parameters(serializers.Serializer[Any]):
    """Where the flow goes back to after a decline."""

    reopens = serializers.SlugField(default="book")


class Inputs(DecisionInputs):
    """The planner's answer."""

    needs_reason = {"decline": "Say why you decline; the center sees the reason."}

    decision = serializers.ChoiceField(choices=[("confirm", "Confirm"), ("decline", "Decline")], label="Answer")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed to decline)"
    )

    proposed_date = serializers.DateField(
        required=False, allow_null=True, default=None, label="Collection date that would fit (told to the center)"
    )


@step_kind
class ConfirmSlots(StepKind):
    key = "confirm_slots"
    title = "Confirm slots"
    capability = Capability.CONFIRM_SLOTS
    audience = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO, Role.COURIER)
    Inputs = Inputs
    Parameters = Parameters

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return bookings.held_chain_missing(ctx.order, ChainState.REQUESTED)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [(name.replace("_", " ").capitalize(), str(time)) for name, time in ctx.order.plan.items()]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = slot_chains.live_chain(ctx.order.stream_id)
        assert chain is not None  # noqa: S101 - guarded above, under the stream's lock
        if inputs["decision"] == "decline":
            proposed = inputs.get("proposed_date")
            slot_chains.decline(chain, ctx.actor, inputs["reason"], proposed)
            bookings.release_plan(ctx.order)
            words = f" A collection on {proposed:%a %d %b %Y} would fit." if proposed else ""
            return Outcome(
                f"Declined: {inputs['reason']}{words}",
                {"proposed_date": proposed} if proposed else {},
                StepState.FAILED,
                reopen=ctx.parameters.get("reopens", "book"),
            )
        self._require_open_places(chain)
        slot_chains.confirm(chain, ctx.actor)
        return Outcome("Slots confirmed.", {"chain": str(chain.pk)})

    def _require_open_places(self, chain: Any) -> None:
        """Nobody promises a day on which a line, a lane or a chair is stopped: other dates are found first."""
        facts = []
        for name, link in stopped_places(chain):
            at = link.starts_at.astimezone(ZoneInfo(link.zone))
            text = f"{name} is stopped by a disruption on {at:%a %d %b %Y %H:%M} ({link.zone})."
            facts.append(MissingFact("place_stopped", text, INSTEAD))
        if facts:
            raise FactsMissing("These dates cannot be promised.", facts=facts)
