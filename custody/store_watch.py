"""Temperatures of a unit of the store, judged as those of a box are (``judging``); alarms. Runs inside an action.

An alarm is open from its first reading outside the limits. Outside for longer than allowed, the limits are breached.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import Max, Min, Q

from custody.judging import Limits, Point, tally
from custody.logger_files import Recorded
from custody.models import Container, StoreReadingBlock, StoreUnit
from custody.models import StoreAlarm as StoreAlarm
from custody.models import StoreAlarmDue as StoreAlarmDue
from custody.states import LYING, AlarmCause, AlarmState, ContainerState
from ledger.recording import open_event

AFTER = dt.timedelta(seconds=30)  # so long the act itself may take to tell and hold
HELD_WHILE = (*LYING, ContainerState.QUARANTINED)


def limits_of(unit: StoreUnit) -> Limits:
    return Limits(unit.minimum, unit.maximum, float(unit.minutes_allowed))


def take(unit: StoreUnit, sent: Recorded, digest: str) -> tuple[int, StoreAlarm | None, bool]:
    """Keep what is new of a unit's readings, and judge them.

    Returns how many were new, the alarm that they open or belong to, and whether the alarm is new.
    """
    event = open_event()
    own = list(zip(sent.times, sent.values, strict=True))
    first, last = min(own)[0], max(own)[0]
    fresh = sorted(set(own).difference(_points(unit, first, last)))
    if not fresh:
        return 0, None, False
    StoreReadingBlock.objects.create(
        organization_id=unit.organization_id,
        unit=unit,
        sent_at=event.occurred_at,
        digest=digest,
        seconds=[second for second, _ in fresh],
        values=[value for _, value in fresh],
        begins=fresh[0][0],
        ends=fresh[-1][0],
    )
    alarm, is_new = _judge(unit, fresh)
    return len(fresh), alarm, is_new


def open_alarm(unit: StoreUnit, cause: AlarmCause, began_at: dt.datetime, text: str = "") -> tuple[StoreAlarm, bool]:
    """Open an alarm, with what lies in the unit; the one of this cause that is open already, where there is one."""
    known = StoreAlarm.unwalled.select_for_update().filter(unit=unit, cause=cause).exclude(state=AlarmState.CLOSED)
    found = known.first()
    if found is not None:
        return found, False
    limits = limits_of(unit)
    alarm: StoreAlarm = StoreAlarm.objects.create(
        organization_id=unit.organization_id,
        unit=unit,
        cause=cause,
        text=text.strip(),
        began_at=began_at,
        opened_at=open_event().occurred_at,
        minimum=limits.minimum,
        maximum=limits.maximum,
        minutes_allowed=limits.minutes_allowed,
        items=[{"container": bag.code, "stream": str(bag.stream_id)} for bag in inside(unit)],
    )
    return alarm, True


def watch(alarm: StoreAlarm) -> None:
    """Have the sweep look at an alarm, should what follows from it be cut off now."""
    if alarm.told and (alarm.told_breach or alarm.breached_at is None):
        return
    row = StoreAlarmDue(
        organization_id=alarm.organization_id, alarm_id=alarm.pk, due_at=open_event().occurred_at + AFTER
    )
    StoreAlarmDue.objects.bulk_create([row], ignore_conflicts=True, unique_fields=["alarm_id"])


def inside(unit: StoreUnit) -> list[Container]:
    """Return what lies in a unit now."""
    return list(Container.unwalled.filter(store_unit=unit, state__in=HELD_WHILE).order_by("rack", "place"))


def concerned(alarm: StoreAlarm) -> list[Container]:
    """Return what a breach concerns: what lay in the unit when the alarm opened, and what lies there now."""
    codes = [item["container"] for item in alarm.items]
    streams = {item["stream"] for item in alarm.items}
    listed = Container.unwalled.filter(
        code__in=codes, stream_id__in=streams, custodian_id=alarm.organization_id, state__in=HELD_WHILE
    )
    found = {bag.pk: bag for bag in [*listed, *inside(alarm.unit)]}
    return sorted(found.values(), key=lambda bag: bag.code)


def _judge(unit: StoreUnit, fresh: Sequence[Point]) -> tuple[StoreAlarm | None, bool]:
    known = StoreAlarm.unwalled.select_for_update().filter(unit=unit, cause=AlarmCause.TEMPERATURE)
    alarm, is_new = known.exclude(state=AlarmState.CLOSED).first(), False
    limits = _limits_in(alarm) if alarm else limits_of(unit)
    outside = [second for second, value in fresh if not limits.hold(value)]
    if alarm is None:
        if not outside:
            return None, False
        alarm, is_new = open_alarm(unit, AlarmCause.TEMPERATURE, _moment(outside[0]))
    elif outside and outside[0] < alarm.began_at.timestamp():
        alarm.began_at = _moment(outside[0])
    begins = int(alarm.began_at.timestamp())
    points = _points(unit, begins, None)
    found = tally(points, limits)
    own = [value for second, value in points if second >= begins]
    alarm.lowest, alarm.highest = min(own, default=None), max(own, default=None)
    alarm.minutes_outside = found.minutes_outside
    alarm.last_outside = not limits.hold(points[-1][1])
    if alarm.breached_at is None and found.is_excursion(limits.minutes_allowed):
        alarm.breached_at = open_event().occurred_at
    alarm.save()
    watch(alarm)
    return alarm, is_new


def _limits_in(alarm: StoreAlarm) -> Limits:
    return Limits(alarm.minimum, alarm.maximum, alarm.minutes_allowed)


def _points(unit: StoreUnit, first: int, last: int | None) -> list[Point]:
    """Return a unit's readings from the last one before ``first`` to the first one after ``last`` (None: all)."""
    blocks = StoreReadingBlock.unwalled.filter(unit=unit)
    before = blocks.filter(ends__lt=first).aggregate(found=Max("ends"))["found"]
    fits = Q(ends__gte=first) if last is None else Q(begins__lte=last, ends__gte=first)
    fits |= Q(ends=before) if before is not None else Q()
    if last is not None:
        after = blocks.filter(begins__gt=last).aggregate(found=Min("begins"))["found"]
        fits |= Q(begins=after) if after is not None else Q()
    found: list[Point] = []
    for seconds, values in blocks.filter(fits).values_list("seconds", "values"):
        found += zip(seconds, values, strict=True)
    found.sort()
    earlier = max((second for second, _ in found if second < first), default=first)
    return [point for point in found if point[0] >= earlier]


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)


def latest_of(unit: StoreUnit) -> Any:
    """Return the latest block of a unit's readings; None without any."""
    return StoreReadingBlock.unwalled.filter(unit=unit).order_by("-ends").first()
