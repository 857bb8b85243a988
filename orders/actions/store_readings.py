"""Readings of a tank or freezer: an alarm opens at once; outside for longer than allowed, what lay in it is held (CL3).

Two acts: the readings and the alarm, which are the organization's own; then, for each order that has something in the
unit, quarantine and a deviation, as an excursion of a box makes them. A sweep does the second where it was cut off.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from custody import logger_files, logger_layouts, material, store_watch
from custody.actions.store_alarms import locked_unit, said_of
from custody.judging import Limits
from custody.logger_files import Recorded
from custody.store_watch import StoreAlarm, StoreAlarmDue
from ledger.canonical import canonical_text
from ledger.context import Actor, reading
from ledger.recording import MAY_RUN_AHEAD, Once, acting
from ledger.refusals import InvalidInput, WrongState
from ledger.walls import visible
from orders import conditions
from orders.actions.excursions import LARGEST, pairs_in
from orders.models import Order
from personas.policies import require
from personas.queries import organization_actor
from personas.states import Capability
from quality import deviations

JOB = "hold-after-store-alarm"


class StoreReadingsInputs(serializers.Serializer[Any]):
    """Readings of a unit of the store."""

    readings = serializers.ListField(
        child=serializers.ListField(min_length=2, max_length=2),
        help_text="pairs of time (ISO 8601 with an offset) and degrees Celsius",
    )


def send_store_readings(actor: Actor, unit: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> int:
    """Take readings that a monitoring system sends; return how many were new. ``raw``: see ``StoreReadingsInputs``."""
    digest = hashlib.sha256(canonical_text(dict(raw)).encode()).hexdigest()
    return _take(actor, unit, lambda: pairs_in(raw.get("readings")), digest, once)


def send_store_file(actor: Actor, unit: UUID, content: bytes, model: str = "", *, once: Once | None = None) -> int:
    """Take the readings of a file; ``model`` names a saved layout. Raises InvalidInput ``file``."""
    if not content or len(content) > LARGEST:
        raise InvalidInput(fields={"file": [f"Choose a file of at most {LARGEST // 1024 // 1024} MB."]})

    def read() -> Recorded:
        layout = logger_layouts.chosen(actor, model, given=bool(model))
        return logger_files.read_file(content, layout, timezone.now() + MAY_RUN_AHEAD)

    return _take(actor, unit, read, hashlib.sha256(content).hexdigest(), once)


def _take(actor: Actor, unit: UUID, read: Any, digest: str, once: Once | None) -> int:
    with acting(actor, "orders.store_readings_recorded", subject=("store_unit", str(unit)), once=once) as event:
        row = locked_unit(actor, unit)
        require(actor, Capability.KEEP_STORE)
        if row.minimum is None and row.maximum is None:
            raise WrongState(
                f"{row.name} has no limits.",
                code="no_limits",
                remedy="Set the unit's limits first, then send readings.",
            )
        sent = read()
        taken, alarm, _ = store_watch.take(row, sent, digest)
        event.note(unit=row.name, taken=taken, repeated=len(sent.times) - taken, bad=sent.bad)
        event.result = {"taken": taken}
    if alarm is not None:
        follow(actor, alarm.pk)
    return taken


def follow(actor: Actor, alarm_id: UUID) -> bool:
    """Tell that an alarm opened, and hold what its breach concerns, each once; return whether anything was done."""
    done = False
    for act in (_tell, hold):
        with suppress(WrongState):
            act(actor, alarm_id)
            done = True
    return done


def _tell(actor: Actor, alarm_id: UUID) -> None:
    with reading(actor):
        alarm = StoreAlarm.unwalled.get(pk=alarm_id)
    if alarm.told:
        raise WrongState("That is told already.")
    with acting(actor, "custody.store_alarm_opened", subject=("store_unit", str(alarm.unit_id))) as event:
        row = StoreAlarm.unwalled.select_for_update(of=("self",)).select_related("unit").get(pk=alarm_id)
        if row.told:
            raise WrongState("That is told already.")
        row.told = True
        row.save(update_fields=["told"])
        event.note(**said_of(row) | {"text": _words(row)})


def hold(actor: Actor, alarm_id: UUID) -> list[str]:
    """Hold what a breached unit's alarm concerns and open the case on each order; return the codes, once.

    Raises WrongState where that was done already.
    """
    with reading(actor):
        alarm = StoreAlarm.unwalled.select_related("unit").get(pk=alarm_id)
        wanted = {bag.stream_id for bag in store_watch.concerned(alarm)}
        streams = set(visible(Order, actor).filter(stream_id__in=wanted).values_list("stream_id", flat=True))
    if alarm.told_breach or alarm.breached_at is None:
        raise WrongState("Nothing is to be held.")
    subject = ("store_unit", str(alarm.unit_id))
    with acting(actor, "orders.store_breached", also=sorted(streams), subject=subject) as event:
        row = StoreAlarm.unwalled.select_for_update(of=("self",)).select_related("unit").get(pk=alarm_id)
        if row.told_breach or row.breached_at is None:
            raise WrongState("That is done already.")
        concerned = [bag for bag in store_watch.concerned(row) if bag.stream_id in streams]
        text = _words(row)
        put = {bag.pk for bag in material.quarantine_all(concerned, text)}
        by_order: dict[UUID, list[str]] = defaultdict(list)
        for bag in concerned:
            by_order[bag.stream_id].append(bag.code)
        for stream_id, codes in by_order.items():
            case = deviations.open_deviation(
                stream_id, "excursion", "critical", f"{text} Concerned: {', '.join(codes)}.", automatic=True
            )
            event.apart[stream_id] = {"held": ", ".join(codes), "deviation": case.number}
        row.held = sorted(bag.code for bag in concerned if bag.pk in put)
        row.told_breach = True
        row.save(update_fields=["held", "told_breach"])
        event.note(unit=row.unit.name, limits=_limits(row).words, minutes=row.minutes_outside)
        event.apart[event.stream.pk] = {"held": f"{len(row.held)}", "orders": len(by_order)}
    return list(row.held)


def follow_due(due: StoreAlarmDue) -> bool:
    """Do what follows from an alarm where that was cut off; return whether anything was left to do."""
    done = follow(organization_actor(due.organization_id, JOB), due.alarm_id)
    StoreAlarmDue.unwalled.filter(pk=due.pk, due_at=due.due_at).delete()
    return done


def due_alarms(now: Any, limit: int = 500) -> list[StoreAlarmDue]:
    """Return the alarms that somebody has to look at, the oldest first. Ids and times only."""
    return list(StoreAlarmDue.unwalled.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])


def _limits(alarm: StoreAlarm) -> Limits:
    return Limits(alarm.minimum, alarm.maximum, alarm.minutes_allowed)


def _words(alarm: StoreAlarm) -> str:
    return (
        f"{material.EXCURSION} in the store: {conditions.degrees(alarm.lowest)} to "
        f"{conditions.degrees(alarm.highest)} °C, limits {_limits(alarm).words}; "
        f"{alarm.minutes_outside:g} min outside, {alarm.minutes_allowed:g} min allowed."
    )
