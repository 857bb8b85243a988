"""Alarms of the store as the organization sees them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from custody.models import StoreAlarm, StoreUnit
from custody.states import AlarmState
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.walls import visible


def alarms(actor: Actor, *, closed: bool = False) -> QuerySet[StoreAlarm]:
    """Return the alarms of the organization's store, the newest first."""
    rows = visible(StoreAlarm, actor)
    rows = rows.filter(state=AlarmState.CLOSED) if closed else rows.exclude(state=AlarmState.CLOSED)
    return rows.select_related("unit", "unit__site").order_by("-opened_at", "-pk")


def one(actor: Actor, key: UUID) -> StoreAlarm:
    """Return one alarm; NotFound for any other."""
    found = visible(StoreAlarm, actor).select_related("unit", "unit__site").filter(pk=key).first()
    if found is None:
        raise NotFound()
    return found


def of_unit(actor: Actor, unit: StoreUnit, most: int) -> list[StoreAlarm]:
    """Return a unit's alarms, the newest first."""
    return list(visible(StoreAlarm, actor).filter(unit=unit).order_by("-opened_at", "-pk")[:most])
