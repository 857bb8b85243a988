"""Limits of a unit of the store; its alarms raised, acknowledged and closed with a reason (CL3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from custody import store_watch
from custody.actions.returns import read_inputs
from custody.models import StoreAlarm, StoreUnit
from custody.policies import require
from custody.states import AlarmCause, AlarmState
from ledger.context import Actor
from ledger.recording import MAY_RUN_AHEAD, Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from ledger.walls import visible
from personas.states import Capability


class StoreLimitsInputs(serializers.Serializer[Any]):
    """What a unit's temperature may be, and for how long it may be outside."""

    minimum_c = serializers.DecimalField(
        max_digits=5, decimal_places=2, required=False, allow_null=True, label="Not below (°C)"
    )
    maximum_c = serializers.DecimalField(
        max_digits=5, decimal_places=2, required=False, allow_null=True, label="Not above (°C)"
    )
    minutes_allowed = serializers.IntegerField(
        min_value=0, max_value=100_000, label="Minutes that it may be outside", help_text="0: none; a reading holds."
    )


class RaiseAlarmInputs(serializers.Serializer[Any]):
    """What an alarm says that is no temperature."""

    cause = serializers.ChoiceField(choices=[choice for choice in AlarmCause.choices if choice[0] != "temperature"])
    happened_at = serializers.DateTimeField(label="When")
    text = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="What it says", help_text="No patient data."
    )


class CloseAlarmInputs(serializers.Serializer[Any]):
    """What was found, and what was done."""

    conclusion = serializers.CharField(max_length=500, label="What was found and done", help_text="No patient data.")


def set_limits(actor: Actor, unit: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Set what a unit's temperature may be. An alarm that is open goes by the limits that held when it opened."""
    with acting(actor, "custody.store_limits_set", subject=("store_unit", str(unit)), once=once) as event:
        row = locked_unit(actor, unit)
        given = read_inputs(StoreLimitsInputs, raw, actor)
        require(actor, Capability.KEEP_STORE)
        low, high = given.get("minimum_c"), given.get("maximum_c")
        if low is None and high is None:
            raise InvalidInput(fields={"maximum_c": ["Enter at least one limit."]})
        if low is not None and high is not None and low > high:
            raise InvalidInput(fields={"maximum_c": ["Lies below the lower limit."]})
        row.minimum, row.maximum = (None if one is None else round(one * 100) for one in (low, high))
        row.minutes_allowed = given["minutes_allowed"]
        row.save(update_fields=["minimum", "maximum", "minutes_allowed"])
        event.note(unit=row.name, limits=store_watch.limits_of(row).words, minutes=row.minutes_allowed)


def raise_alarm(actor: Actor, unit: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Open an alarm that is no temperature (level, lid, power); return its id: the open one of that cause."""
    with acting(actor, "custody.store_alarm_opened", subject=("store_unit", str(unit)), once=once) as event:
        row = locked_unit(actor, unit)
        given = read_inputs(RaiseAlarmInputs, raw, actor)
        require(actor, Capability.KEEP_STORE)
        if given["happened_at"] > timezone.now() + MAY_RUN_AHEAD:
            raise InvalidInput(fields={"happened_at": ["That time has not come yet."]})
        alarm, is_new = store_watch.open_alarm(row, AlarmCause(given["cause"]), given["happened_at"], given["text"])
        if not is_new:
            raise WrongState(
                f"An alarm of {row.name} stands for that: {alarm.get_cause_display().lower()}.",
                code="alarm_stands",
                remedy="Close it first; a new one can be opened then.",
            )
        alarm.told = True  # by this act
        alarm.save(update_fields=["told"])
        event.note(**said_of(alarm))
        event.result = {"alarm": str(alarm.pk)}
    return alarm.pk


def acknowledge(actor: Actor, alarm: UUID, *, once: Once | None = None) -> None:
    """Say that somebody looks after an alarm."""
    with _changing(actor, "custody.store_alarm_acknowledged", alarm, once) as (event, row):
        if row.state != AlarmState.OPEN:
            raise WrongState(f"It is {row.get_state_display().lower()} already.", code="alarm_state")
        row.state, row.acknowledged_at = AlarmState.ACKNOWLEDGED, event.occurred_at
        row.acknowledged_by = actor.person_name or actor.organization_name
        row.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])
        event.note(**said_of(row))


def close_alarm(actor: Actor, alarm: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """End an alarm with what was found. What it held waits for quality assurance all the same.

    Raises WrongState ``still_outside`` while the latest reading is.
    """
    with _changing(actor, "custody.store_alarm_closed", alarm, once) as (event, row):
        given = read_inputs(CloseAlarmInputs, raw, actor)
        if row.state == AlarmState.CLOSED:
            raise WrongState("It is closed already.", code="alarm_state")
        if row.last_outside:
            raise WrongState(
                f"{row.unit.name} is outside its limits still.",
                code="still_outside",
                remedy="Send the readings that came since, or move what lies in it.",
            )
        row.state, row.closed_at = AlarmState.CLOSED, event.occurred_at
        row.closed_by = actor.person_name or actor.organization_name
        row.conclusion = given["conclusion"].strip()
        row.save(update_fields=["state", "closed_at", "closed_by", "conclusion"])
        event.reason = row.conclusion
        event.note(**said_of(row))


def locked_unit(actor: Actor, unit: UUID) -> StoreUnit:
    """Return a unit of the organization's store, locked; NotFound for any other."""
    rows = visible(StoreUnit, actor).select_for_update(of=("self",)).select_related("site")
    row = rows.filter(pk=unit, retired_at__isnull=True).first()
    if row is None:
        raise NotFound()
    return row


def said_of(alarm: StoreAlarm) -> dict[str, Any]:
    """Return what every event of an alarm tells."""
    return {"unit": alarm.unit.name, "cause": alarm.get_cause_display(), "items": len(alarm.items), "text": alarm.text}


@contextmanager
def _changing(actor: Actor, kind: str, key: UUID, once: Once | None) -> Iterator[tuple[OpenEvent, StoreAlarm]]:
    with acting(actor, kind, subject=("store_alarm", str(key)), once=once) as event:
        rows = visible(StoreAlarm, actor).select_for_update(of=("self",)).select_related("unit")
        row = rows.filter(pk=key).first()
        if row is None:
            raise NotFound()
        require(actor, Capability.KEEP_STORE)
        yield event, row
