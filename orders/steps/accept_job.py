"""The courier accepts the job of a confirmed chain, or declines with a reason and the booking begins again (CC1)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import FactsMissing, MissingFact
from ledger.states import Role
from orders import attempts, bookings
from orders.inputs import DecisionInputs
from orders.states import PASSED_STEP_STATES, StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from scheduling import slot_chains
from scheduling.states import ChainState

COLLECTING = ("start_collection", "collect")


class Parameters(serializers.Serializer[Any]):
    """Where the flow goes back to after a decline."""

    reopens = serializers.SlugField(default="book")


class Inputs(DecisionInputs):
    """The courier's answer."""

    needs_reason = {"decline": "Say why you decline; the center sees the reason."}

    decision = serializers.ChoiceField(choices=[("accept", "Accept"), ("decline", "Decline")], label="Answer")
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed to decline)"
    )


@step_kind
class AcceptJob(StepKind):
    key = "accept_job"
    title = "Accept the transport job"
    capability = Capability.ACCEPT_JOB
    audience = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO, Role.COURIER)
    Inputs = Inputs
    Parameters = Parameters

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        return bookings.held_chain_missing(ctx.order, ChainState.CONFIRMED)

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        """Places and times of the transport; nothing of patient or therapy."""
        plan, plant = ctx.order.plan, ctx.order.plant_site
        rows = [("Pickup from", ctx.order.center_site.name), ("Pickup", str(plan.get("pickup", "")))]
        return [*rows, ("Bring to", plant.name if plant else ""), ("Arrival", str(plan.get("arrival", "")))]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = slot_chains.live_chain(ctx.order.stream_id)
        assert chain is not None  # noqa: S101 - guarded above, under the stream's lock
        if inputs["decision"] == "accept":
            return Outcome("The job is accepted.", {"decision": "accept"})
        self._refuse_when_collecting(ctx)
        slot_chains.free(chain, inputs["reason"])
        bookings.release_plan(ctx.order, ctx.actor.organization_id)
        return Outcome(
            f"Declined: {inputs['reason']}",
            {"decision": "decline"},
            StepState.FAILED,
            reopen=ctx.parameters.get("reopens", "book"),
            leaves=True,
        )

    def _refuse_when_collecting(self, ctx: StepContext) -> None:
        """What is collected must travel: a decline would send the booking back and leave the box without a way."""
        steps = [step for kind in COLLECTING for step in attempts.of_kind(ctx.order, kind)]
        if any(step.state in PASSED_STEP_STATES for step in steps):
            raise FactsMissing(
                "The collection has begun; the job cannot be declined any more.",
                remedy="Accept the job, or call the center's coordinator to find another way.",
                facts=[MissingFact("collection_begun", "What is to be carried is being made ready at the center.")],
            )
