"""When an e-mail may come: outside the quiet hours and weekends that a person chose, in their own zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from notifications.models import Preferences
from notifications.states import NoticeClass

SATURDAY = 5
MIDNIGHT = dt.time(0)


def wants_mail(preferences: Preferences | None, category: str) -> bool:
    """Whether a person wants e-mail of this class; without preferences all of it."""
    if preferences is None:
        return True
    return preferences.mail_tasks if category == NoticeClass.TASK else preferences.mail_news


def earliest(preferences: Preferences | None, now: dt.datetime) -> dt.datetime:
    """Return when an e-mail of now may be sent: at once, or when the quiet hours or the weekend end."""
    if preferences is None:
        return now
    zone = ZoneInfo(preferences.zone)
    local = now.astimezone(zone)
    for _ in range(8):  # weekends and nights follow each other at most a few times
        later = _end_of_quiet(preferences, local, zone)
        if later is None:
            break
        local = later
    return local.astimezone(dt.UTC)


def _end_of_quiet(preferences: Preferences, local: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """Return when the quiet time around ``local`` ends; None if there is none around it."""
    if preferences.quiet_weekends and local.weekday() >= SATURDAY:
        return dt.datetime.combine(local.date() + dt.timedelta(days=1), MIDNIGHT, zone)
    start, end = preferences.quiet_from, preferences.quiet_until
    if start is None or end is None or start == end:
        return None
    clock = local.time()
    if start < end:
        return dt.datetime.combine(local.date(), end, zone) if start <= clock < end else None
    if clock >= start:
        return dt.datetime.combine(local.date() + dt.timedelta(days=1), end, zone)
    return dt.datetime.combine(local.date(), end, zone) if clock < end else None
