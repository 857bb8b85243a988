"""Time in words for people who look at a clock: how long until, or since. The script goes on from the same number."""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def seconds_left(at: dt.datetime) -> int:
    """Return the whole seconds until a moment; negative once it is over."""
    return round((at - timezone.now()).total_seconds())


@register.filter
def in_words(seconds: int) -> str:
    """Return “in 3 h 20 min” or “2 d 4 h ago”: two units at most, as ``cgt.js`` says it too."""
    minutes = abs(int(seconds)) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        said = f"{days} d {hours} h" if days < 10 else f"{days} d"
    elif hours:
        said = f"{hours} h {rest:02d} min"
    else:
        said = f"{rest} min"
    return f"{said} ago" if seconds < 0 else f"in {said}"
