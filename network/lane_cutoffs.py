"""Until when something must be ready so that a lane brings it in time. Pure values."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from network.models import Lane

A_WEEK = 8  # a lane that runs on one weekday has been looked at once more


def latest_pickup(lane: Lane, arrive_by: dt.datetime, zone: str) -> dt.datetime | None:
    """Return the last pick-up with which the lane arrives in time; ``zone`` is the origin's. None if it never runs.

    A pick-up is on a day on which the lane runs, at its cut-off on the origin's clock at the latest.
    """
    latest = (arrive_by - dt.timedelta(hours=float(lane.transit_hours))).astimezone(ZoneInfo(zone))
    for days_back in range(A_WEEK):
        day = latest.date() - dt.timedelta(days=days_back)
        if day.weekday() in lane.weekdays:
            return min(latest, dt.datetime.combine(day, lane.cutoff, ZoneInfo(zone))).astimezone(dt.UTC)
    return None
