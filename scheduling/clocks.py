"""The clock of a place, and time as whole microseconds since 1970 (*ticks*): exact, and quick to compare."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
TICK = dt.timedelta(microseconds=1)
HOUR = 3_600_000_000
DAY = 24 * HOUR
FAR = 1 << 62  # no moment that anybody plans for
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()


def ticks(moment: dt.datetime) -> int:
    """Return an aware moment as microseconds since 1970."""
    return (moment - EPOCH) // TICK


@lru_cache(maxsize=1 << 14)
def instant(moment: int) -> dt.datetime:
    """Return ticks as an aware moment in UTC."""
    return EPOCH + dt.timedelta(microseconds=moment)


def hours(number: float) -> int:
    return round(number * HOUR)


def isoweekday(ordinal: int) -> int:
    """Return the ISO number of a date's weekday; the calendar began on a Monday."""
    return (ordinal - 1) % 7 + 1


def day_of(date: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return the first instant of the local date and of the next one, in UTC: 23, 24 or 25 hours apart."""
    midnight, next_one = (dt.datetime.combine(d, dt.time(), zone) for d in (date, date + dt.timedelta(days=1)))
    return midnight.astimezone(dt.UTC), next_one.astimezone(dt.UTC)


class Clock:
    """Turns ticks into local dates (proleptic ordinals) of one zone, and local times of day into ticks."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._days: dict[int, tuple[int, int]] = {}

    def day(self, date: int) -> tuple[int, int]:
        """Return when the local date begins and ends."""
        found = self._days.get(date)
        if found is None:
            first, last = day_of(dt.date.fromordinal(date), self.zone)
            found = self._days[date] = ticks(first), ticks(last)
        return found

    def date(self, moment: int) -> int:
        """Return the local date of a moment."""
        date = EPOCH_DAY + moment // DAY
        first, last = self._days.get(date) or self.day(date)
        if moment < first:
            return date - 1
        return date if moment < last else date + 1

    def at(self, date: int, time_of_day: dt.time) -> int:
        """Return when the clock shows the time on the date. Struck twice: the first time. Skipped: as much later."""
        first, last = self._days.get(date) or self.day(date)
        if last - first == DAY:  # the clock does not change on this date
            seconds = time_of_day.hour * 3600 + time_of_day.minute * 60 + time_of_day.second
            return first + seconds * 1_000_000 + time_of_day.microsecond
        return ticks(dt.datetime.combine(dt.date.fromordinal(date), time_of_day, self.zone))


@lru_cache(maxsize=512)
def clock_of(zone: ZoneInfo) -> Clock:
    """Return the one clock of a zone: its days are worked out once per process."""
    return Clock(zone)
