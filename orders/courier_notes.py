"""What a courier notes of a hand-over without network: nothing could be picked up, or it comes later (ADR 32)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from ledger.refusals import NotFound
from orders.models import OfflineEntry, OrderStep
from orders.states import OfflineAct, PickupFailure

HAND_OVER, PICKUP = "hand_over", "pickup"
LONGEST_NOTE = 300
SOON = ((30, "In 30 minutes"), (60, "In 1 hour"), (120, "In 2 hours"), (240, "In 4 hours"))


class FailedNote(serializers.Serializer[Any]):
    """Why nothing could be picked up."""

    failure = serializers.ChoiceField(choices=PickupFailure.choices, label="Why")
    note = serializers.CharField(
        max_length=LONGEST_NOTE,
        required=False,
        allow_blank=True,
        label="What happened",
        help_text="Only needed for “Something else”. Names of places, never of patients.",
        style={"input_type": "text"},
    )


class DelayNote(serializers.Serializer[Any]):
    """When it will be instead: minutes from the time of the note (``in``), or a time in the ``zone`` of the form."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        soon = serializers.ChoiceField(choices=[(str(n), text) for n, text in SOON], required=False, label="From now")
        zone = serializers.CharField(max_length=60, required=False, style={"input_type": "hidden"})
        return {"in": soon, "expected_at": self._time(), "zone": zone}

    def _time(self) -> serializers.CharField:
        style = {"input_type": "datetime"}
        return serializers.CharField(required=False, allow_blank=True, label="Or at this time", style=style)


NOTES: dict[str, type[serializers.Serializer[Any]]] = {OfflineAct.FAILED: FailedNote, OfflineAct.DELAY: DelayNote}


def acts_of(step: OrderStep) -> list[str]:
    """Return what can be reported of a step without network: of a hand-over a delay, of a pickup that it failed."""
    if step.flow_step.kind != HAND_OVER:
        return []
    fails = step.flow_step.parameters.get("moment") == PICKUP
    return [OfflineAct.FAILED, OfflineAct.DELAY] if fails else [OfflineAct.DELAY]


def require(step: OrderStep, act: str) -> None:
    """Raise NotFound where nothing like that is reported of the step."""
    if act not in acts_of(step):
        raise NotFound()


def title_of(step: OrderStep, act: str) -> str:
    return f"{OfflineAct(act).label}: {step.flow_step.title}"


def expected(entry: OfflineEntry) -> dt.datetime | None:
    """Return when it is expected instead: minutes count from when it was noted; None for what is no time."""
    minutes = str(entry.inputs.get("in", ""))
    if minutes in {str(number) for number, _ in SOON}:
        return entry.happened_at + dt.timedelta(minutes=int(minutes))
    try:
        moment = parse_datetime(str(entry.inputs.get("expected_at", "")))
    except ValueError:
        return None
    if moment is None:
        return None
    if timezone.is_aware(moment):
        return moment
    try:
        return moment.replace(tzinfo=ZoneInfo(str(entry.inputs.get("zone") or "UTC")))
    except (ZoneInfoNotFoundError, ValueError):
        return None
