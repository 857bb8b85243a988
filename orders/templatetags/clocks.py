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
    """Return “in 3 h 20 min”, “2 d 4 h ago”, or “now” within a minute of it, as ``cgt.js`` says it too."""
    if abs(int(seconds)) < 60:
        return "now"
    return f"{_span(seconds)} ago" if seconds < 0 else f"in {_span(seconds)}"


@register.filter
def late_in_words(seconds: int) -> str:
    """Return “2 d 4 h late”: what is over and was to be done."""
    return f"{_span(seconds)} late"


def _span(seconds: int) -> str:
    """Return a span of time in two units at most."""
    minutes = abs(int(seconds)) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if days < 10 else f"{days} d"
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


@register.filter
def hours_in_words(hours: float) -> str:
    """Return “27.8 h” for what is reckoned by the hour, “10 d 13 h” from three days on; negative as it is."""
    days, rest = divmod(round(abs(hours)), 24)
    if days < 3:
        return f"{hours:.1f} h"
    return f"{'-' if hours < 0 else ''}{days} d {rest} h"
