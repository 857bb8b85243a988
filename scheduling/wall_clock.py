"""From the clock on a wall to UTC, on both days of the year when clocks are changed. Pure; never goes backward."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def instant(date: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    """Return the moment (UTC) at which the clock shows the time.

    Shown twice (clocks go back): the first. Never shown (they go forward): the moment of the change. So a later time
    of the same day is never an earlier moment, and two shifts that do not overlap on the wall do not overlap at all.
    """
    wall = dt.datetime.combine(date, time.replace(tzinfo=None))
    after = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if after.astimezone(zone).replace(tzinfo=None) == wall:
        return after
    before = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    return _change_between(before, after, zone)


def _change_between(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the first second of the new offset; ``before`` has the old one, ``after`` the new one."""
    old = before.astimezone(zone).utcoffset()
    while after - before > dt.timedelta(seconds=1):
        middle = before + dt.timedelta(seconds=(after - before) // dt.timedelta(seconds=2))
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
    return after


def span(date: dt.date, starts: dt.time, ends: dt.time, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return start and end (UTC) of a shift that begins on the local date; an end not after the start is tomorrow's."""
    tomorrow = date + dt.timedelta(days=ends <= starts)
    return instant(date, starts, zone), instant(tomorrow, ends, zone)
