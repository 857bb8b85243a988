"""When the periods of a quota begin and end: whole weeks or months on the clock of one place, across DST changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from scheduling.states import QuotaPeriod

LONGEST = dt.timedelta(days=2 * 366)


def faults(period: str, starts_on: dt.date, ends_on: dt.date) -> dict[str, list[str]]:
    """Return what is wrong with the days of a quota, by field; empty when they hold whole periods."""
    found: dict[str, list[str]] = {}
    if ends_on < starts_on:
        return {"ends_on": ["The last day lies before the first."]}
    if ends_on - starts_on > LONGEST:
        return {"ends_on": ["A quota runs for two years at most; continue it with another one."]}
    if first_of(period, starts_on) != starts_on:
        found["starts_on"] = [f"Begin on {_beginning(period)}: {first_of(period, starts_on)} is one."]
    last = next_first(period, ends_on) - dt.timedelta(days=1)
    if last != ends_on:
        found["ends_on"] = [f"End with a whole {period}: {last} is its last day."]
    return found


def periods(
    period: str, starts_on: dt.date, ends_on: dt.date, zone: ZoneInfo, release_days: int | None
) -> Iterator[tuple[dt.datetime, dt.datetime, dt.datetime | None]]:
    """Yield start, end and release of each period, in UTC; a period begins at the place's midnight."""
    first = starts_on
    while first <= ends_on:
        after = next_first(period, first)
        release = None if release_days is None else _midnight(first - dt.timedelta(days=release_days), zone)
        yield _midnight(first, zone), _midnight(after, zone), release
        first = after


def first_of(period: str, day: dt.date) -> dt.date:
    """Return the first day of the period that holds the day."""
    return day.replace(day=1) if period == QuotaPeriod.MONTH else day - dt.timedelta(days=day.weekday())


def next_first(period: str, day: dt.date) -> dt.date:
    """Return the first day of the period after the one that holds the day."""
    first = first_of(period, day)
    return first_of(period, first + dt.timedelta(days=31)) if period == QuotaPeriod.MONTH else first + dt.timedelta(7)


def _beginning(period: str) -> str:
    return "the first of a month" if period == QuotaPeriod.MONTH else "a Monday"


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
