"""When a subscription's query is asked: the standard's schedule, to the minute, in UTC (EPCIS 2.0, QuerySchedule)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from ledger.refusals import InvalidInput

RANGES = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "month": (1, 12),
    "dayOfWeek": (1, 7),
}
FARTHEST = dt.timedelta(days=366)
_PART = re.compile(r"(\d{1,2})|\[(\d{1,2})-(\d{1,2})\]")
MINUTE = dt.timedelta(minutes=1)


def read(given: Mapping[str, Any]) -> dict[str, set[int]]:
    """Return the values that each field of a schedule allows; raise InvalidInput for what cannot be read."""
    faults: dict[str, list[str]] = {}
    found = {}
    for name, value in given.items():
        if name not in RANGES:
            faults[f"schedule.{name}"] = [f"Unknown. Use {', '.join(RANGES)}."]
            continue
        values = _values(str(value), *RANGES[name])
        if values is None:
            low, high = RANGES[name]
            text = f"Give numbers from {low} to {high}, with commas, or a range as [{low}-{high}]."
            faults[f"schedule.{name}"] = [text]
        else:
            found[name] = values
    if not given:
        faults["schedule"] = ["Say when: second, minute, hour, dayOfMonth, month or dayOfWeek."]
    if faults:
        raise InvalidInput("The schedule cannot be read.", fields=faults)
    return found


def _values(text: str, low: int, high: int) -> set[int] | None:
    if text == "*":
        return set(range(low, high + 1))
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return None
        first, last = (int(match[1]), int(match[1])) if match[1] else (int(match[2]), int(match[3]))
        if not low <= first <= last <= high:
            return None
        found |= set(range(first, last + 1))
    return found


def following(given: Mapping[str, Any], after: dt.datetime) -> dt.datetime:
    """Return the next minute that a schedule names; raise InvalidInput for one that never comes within a year."""
    allowed = read(given)
    start = after.astimezone(dt.UTC).replace(second=0, microsecond=0) + MINUTE
    day = start.replace(hour=0, minute=0)
    usual = range(60) if set(allowed) <= {"second"} else (0,)  # "hour: 6" is once an hour, not sixty times
    while day - start <= FARTHEST:
        if _on(day, allowed):
            for hour in sorted(allowed.get("hour", range(24))):
                for minute in sorted(allowed.get("minute", usual)):
                    moment = day + dt.timedelta(hours=hour, minutes=minute)
                    if moment >= start:
                        return moment
        day += dt.timedelta(days=1)
    raise InvalidInput(fields={"schedule": ["This never comes within a year."]})


def _on(day: dt.datetime, allowed: Mapping[str, set[int]]) -> bool:
    places = {"dayOfMonth": day.day, "month": day.month, "dayOfWeek": day.isoweekday()}
    return all(name not in allowed or value in allowed[name] for name, value in places.items())
