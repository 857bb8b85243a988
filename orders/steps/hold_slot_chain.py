"""Hold a feasible slot chain: chair × lane × receiving × manufacturing start × tentative return (CO1, CO2)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from orders import bookings
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from orders.wish_inputs import WITH_OFFER, DateWishInputs, wished_in
from personas.states import Capability
from scheduling.lead_times import STEPS
from scheduling.states import Contingency, LinkKind

# Links of a chain beyond chair, courier, receiving and line.
OPTIONAL = (LinkKind.CRITICAL_STOCK, LinkKind.QUALITY_RELEASE, LinkKind.RETURN_LANE, LinkKind.INFUSION_BED)


def _weekday() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=7, help_text="1 is Monday")


class LeadTimeRule(serializers.Serializer[Any]):
    """A duration that is another one in a market, at a site; the highest priority counts, then the most specific."""

    step = serializers.ChoiceField(choices=list(STEPS))
    value = serializers.FloatField(min_value=0, max_value=1000, help_text="in the unit that the step's name says")
    market = serializers.RegexField("^[A-Z]{2}$", required=False, help_text="country of the center")
    site = serializers.CharField(max_length=64, required=False, help_text="code of the center's or of a plant's site")
    since = serializers.DateField(required=False, help_text="first day of collection")
    until = serializers.DateField(required=False, help_text="day of collection from which on it counts no more")
    priority = serializers.IntegerField(min_value=0, max_value=100, required=False)
    reason = serializers.CharField(max_length=200, required=False)


class Parameters(serializers.Serializer[Any]):
    """How long an unsubmitted hold lives, how far the search looks ahead, and what a chain needs (DOMAIN 10.2)."""

    hold_hours = serializers.IntegerField(min_value=1, max_value=168, default=48)
    horizon_days = serializers.IntegerField(min_value=1, max_value=120, default=28)
    also_needs = serializers.ListField(
        child=serializers.ChoiceField(choices=[kind.value for kind in OPTIONAL]), required=False
    )
    cryopreserved = serializers.BooleanField(required=False, help_text="its age sets no limit to its journey")
    storage_days = serializers.FloatField(min_value=0, max_value=365, required=False)
    pickup_days = serializers.IntegerField(min_value=0, max_value=60, required=False)
    collection_days = serializers.IntegerField(min_value=1, max_value=7, required=False)
    contingency = serializers.ChoiceField(choices=Contingency.choices, required=False)
    collection_weekdays = serializers.ListField(child=_weekday(), required=False)
    washout_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    shipper_buffer_hours = serializers.FloatField(min_value=0, max_value=240, required=False)
    release_days_p90 = serializers.FloatField(min_value=0, max_value=365, required=False)
    conditioning_days = serializers.FloatField(min_value=0, max_value=60, required=False)
    product_hold_days = serializers.FloatField(min_value=0, max_value=3650, required=False)
    infusion_weekdays = serializers.ListField(child=_weekday(), required=False)
    second_dose_days = serializers.IntegerField(min_value=1, max_value=120, required=False)
    second_dose_tolerance_days = serializers.IntegerField(min_value=0, max_value=30, required=False)

    lead_times = LeadTimeRule(many=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        second = attrs.get("second_dose_days", 0)
        if second and LinkKind.INFUSION_BED not in attrs.get("also_needs", ()):
            raise serializers.ValidationError({"also_needs": ["A second dose needs infusion_bed."]})
        if attrs.get("second_dose_tolerance_days", 0) > max(0, second - 1):
            raise serializers.ValidationError(
                {"second_dose_tolerance_days": ["The second dose comes at least a day after the first."]}
            )
        return attrs


class Inputs(DateWishInputs):
    """The chosen offer of the search, and what was wished there: an offer that the wishes refuse is not held, and the
    order remembers them. A wish that is absent is what the order remembers; one that is null is wished no more."""

    offer = serializers.CharField(max_length=4000, label="Offered dates", style=WITH_OFFER)


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
        wishes = wished_in(ctx.order, inputs)
        chain = bookings.hold(ctx.actor, ctx.order, ctx.parameters, inputs["offer"], wishes)
        plan = dict(ctx.order.plan)
        return Outcome("Slot chain held.", {"chain": str(chain.pk), "held_until": chain.held_until, "plan": plan})
