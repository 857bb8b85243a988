"""Lengths of time in words for people who weigh a change of dates: by how much something moves, how long it takes."""

from __future__ import annotations

import datetime as dt

from django import template

register = template.Library()


@register.filter
def shifted(later: dt.timedelta | None) -> str:
    """Return “2 d 4 h later”, “3 d earlier” or “at the same time”; a dash where there is nothing to compare."""
    if later is None:
        return "–"
    if not later:
        return "at the same time"
    return f"{_length(abs(later))} {'later' if later > dt.timedelta() else 'earlier'}"


@register.filter
def in_days(length: dt.timedelta) -> str:
    """Return a length in days, with one decimal."""
    return f"{length / dt.timedelta(days=1):.1f} days"


def _length(length: dt.timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
