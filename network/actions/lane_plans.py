"""Write down how a lane is run, as its next version, and when people are told where it does not say (F51, F54, F60)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from network.lane_plans import LONGEST_LEAD, clean_routes
from network.models import AlertDefault, Lane
from network.policies import require_or_operate, require_own
from network.states import LegMode, Milestone
from personas.states import Capability

CARRIED_OVER = (
    "manufacturer_id",
    "courier_id",
    "origin_organization_id",
    "destination_organization_id",
    "origin_id",
    "destination_id",
    "direction",
    "transit_hours",
    "qualified_hours",
    "cutoff",
    "weekdays",
    "temperature",
)


def _lead(milestone: Milestone) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_LEAD,
        required=False,
        allow_null=True,
        label=f"Minutes before “{milestone.label}”",
        help_text="Empty: as the sponsor set it for all lanes. 0: nobody is told before.",
    )


class AlertInputs(serializers.Serializer[Any]):
    """How many minutes before each milestone whoever must act is told."""

    packed = _lead(Milestone.PACKED)
    picked_up = _lead(Milestone.PICKED_UP)
    delivered = _lead(Milestone.DELIVERED)
    opened = _lead(Milestone.OPENED)
    leg_departed = _lead(Milestone.LEG_DEPARTED)
    leg_arrived = _lead(Milestone.LEG_ARRIVED)
    kit_checked = _lead(Milestone.KIT_CHECKED)


class LegInput(serializers.Serializer[Any]):
    """One leg of a route; hours count from the pick-up."""

    route = serializers.CharField(
        max_length=60, required=False, allow_blank=True, default="", label="Route", help_text="Empty: the planned one."
    )
    origin = serializers.CharField(max_length=80, label="From")
    destination = serializers.CharField(max_length=80, label="To")
    mode = serializers.ChoiceField(choices=LegMode.choices, label="By")
    starts_after = serializers.DecimalField(max_digits=6, decimal_places=2, min_value=0, label="Begins after (h)")
    hours = serializers.DecimalField(max_digits=6, decimal_places=2, min_value=0, label="Takes (h)")


class LanePlanInputs(AlertInputs):
    """How a lane is run."""

    legs = serializers.ListSerializer[Any](child=LegInput(), required=False, max_length=12, label="Legs")
    papers = serializers.CharField(
        max_length=1000,
        required=False,
        allow_blank=True,
        default="",
        label="Papers for customs",
        help_text="One a line. No patient's name ever stands on one.",
    )
    minimum_c = serializers.DecimalField(
        max_digits=5, decimal_places=2, required=False, allow_null=True, label="Not below (°C)"
    )
    maximum_c = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        required=False,
        allow_null=True,
        label="Not above (°C)",
        help_text="Limits of this lane; both empty: those of the therapy.",
    )
    minutes_outside = serializers.IntegerField(
        min_value=0, max_value=100_000, required=False, allow_null=True, label="Minutes that it may be outside"
    )


def plan_lane(actor: Actor, lane_id: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Write down how a sponsor's lane is run: the next version, which ends the one before; return its id.

    Raises NotFound for a lane of another sponsor, WrongState ``lane_ended`` for a version that is not in force any
    more, InvalidInput for legs that do not follow one another or end too late.
    """
    with acting(actor, "network.lane_planned", subject=("lane", str(lane_id)), once=once) as event:
        before = Lane.unwalled.select_for_update(of=("self",)).filter(pk=lane_id).first()
        if before is None:
            raise NotFound()
        require_own(actor, before.manufacturer_id)
        given = _read(LanePlanInputs, raw)
        require_or_operate(actor, Capability.MANAGE_LANES)
        if before.until is not None:
            raise WrongState(
                "This version of the lane has ended.", code="lane_ended", remedy="Open the version in force."
            )
        plan = _plan(given, before)
        before.until = event.occurred_at
        before.save(update_fields=["until"])
        carried = {name: getattr(before, name) for name in CARRIED_OVER}
        lane = Lane(**carried, **plan, version=before.version + 1, since=event.occurred_at)
        lane.save(force_insert=True)
        event.note(
            origin=before.origin.code,
            destination=before.destination.code,
            version=lane.version,
            routes=len(plan["routes"]),
            papers=len(plan["papers"]),
            alert_minutes=plan["alert_minutes"],
        )
        event.result = {"lane": str(lane.pk)}
    return lane.pk


def set_alert_default(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> dict[str, int]:
    """Say how many minutes before milestones people are told on the acting sponsor's lanes that do not say."""
    with acting(actor, "network.alert_default_set", once=once) as event:
        if actor.organization_role != "manufacturer":
            raise NotFound()
        minutes = _leads(_read(AlertInputs, raw))
        require_or_operate(actor, Capability.MANAGE_LANES)
        row = AlertDefault.unwalled.select_for_update().filter(manufacturer_id=actor.organization_id).first()
        found = row or AlertDefault(manufacturer_id=actor.organization_id)
        found.minutes = minutes
        found.save(force_insert=row is None)
        event.note(alert_minutes=minutes)
    return minutes


def _read(inputs: type[serializers.Serializer[Any]], raw: Mapping[str, Any]) -> dict[str, Any]:
    asked = inputs(data=raw)
    if not asked.is_valid():
        raise InvalidInput(fields=asked.errors)
    return dict(asked.validated_data)


def _leads(given: Mapping[str, Any]) -> dict[str, int]:
    return {name: given[name] for name in Milestone.values if given.get(name) is not None}


def _plan(given: Mapping[str, Any], lane: Lane) -> dict[str, Any]:
    routes, faults = clean_routes(given.get("legs") or [], float(lane.transit_hours), float(lane.qualified_hours))
    low, high = given.get("minimum_c"), given.get("maximum_c")
    if low is not None and high is not None and low > high:
        faults["maximum_c"] = ["Lies below the lower limit."]
    papers = [line.strip() for line in given["papers"].splitlines() if line.strip()]
    if any(len(paper) > 120 for paper in papers) or len(papers) > 20:
        faults["papers"] = ["At most 20 papers, each at most 120 characters."]
    if faults:
        raise InvalidInput(fields=faults)
    return {
        "alert_minutes": _leads(given),
        "routes": routes,
        "papers": papers,
        "minimum_c": low,
        "maximum_c": high,
        "minutes_outside": given.get("minutes_outside"),
    }
