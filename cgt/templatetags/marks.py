"""The smallest components, drawn by functions: icon, badge, due. A page holds hundreds of them.

Templates use ``c-icon``, ``c-badge`` and ``c-due`` (see ``templates/cotton/README.md``), which call these.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Status is never color alone: each has its own icon and word.
STATUSES = {
    "waiting": ("neutral", "clock-pause", "Waiting"),
    "ready": ("info", "circle-arrow-right", "Ready"),
    "done": ("good", "circle-check", "Done"),
    "failed": ("bad", "circle-x", "Failed"),
    "skipped": ("neutral", "player-skip-forward", "Skipped"),
    "cancelled": ("neutral", "ban", "Cancelled"),
    "on_hold": ("warn", "hand-stop", "On hold"),
    "released": ("good", "rosette-discount-check", "Released"),
    "quarantined": ("warn", "barrier-block", "Quarantined"),
    "accepted": ("good", "checks", "Accepted"),
    "rejected": ("bad", "thumb-down", "Rejected"),
    "late": ("bad", "alert-triangle", "Late"),
    "active": ("info", "player-play", "Active"),
    "closed": ("neutral", "lock", "Closed"),
    "held": ("warn", "hourglass", "Held"),
    "requested": ("info", "mail", "Requested"),
    "confirmed": ("good", "circle-check", "Confirmed"),
    "declined": ("bad", "circle-x", "Declined"),
    "expired": ("warn", "clock-exclamation", "Expired"),
    "draft": ("neutral", "edit", "Draft"),
    "proposed": ("info", "git-branch", "Proposed"),
    "live": ("good", "circle-check", "Live"),
    "retired": ("neutral", "history", "Retired"),
    "in_transit": ("info", "truck", "In transit"),
    "mismatch": ("bad", "alert-octagon", "Mismatch"),
    "open": ("warn", "circle-dot", "Open"),
    "passed": ("good", "circle-check", "Passed"),
}


@lru_cache(maxsize=1)
def _sprite() -> str:
    return static("vendor/tabler-icons/sprite.svg")


@register.simple_tag
@lru_cache(maxsize=2048)
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon of the sprite; without a label it is decoration."""
    role = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="icon" {}><use href="{}#{}" /></svg>', role, _sprite(), name)


@register.simple_tag
@lru_cache(maxsize=2048)
def badge(status: str, tone: str = "", icon: str = "", text: str = "", dot: str = "", plain: str = "") -> SafeString:
    """Return the badge of a status; tone, icon and text override its own; plain: the word alone."""
    if dot and status == "done":  # most dots of a long timeline: the style sheet draws its check
        return mark_safe('<i class="cgt-dot tone-good is-done" aria-hidden="true"></i>')
    known = STATUSES.get(status, ("neutral", "circle", status or "Unknown"))
    tone, icon, text = tone or known[0], icon or known[1], text or known[2]
    kind, hidden = ("cgt-dot", mark_safe(' aria-hidden="true"')) if dot else ("cgt-badge", "")
    drawing = '<svg class="icon" aria-hidden="true"><use href="{}#{}" /></svg>'
    drawn = "" if plain else format_html(drawing, _sprite(), icon)
    return format_html('<span class="{} tone-{}"{}>{}{}</span>', kind, tone, hidden, drawn, "" if dot else text)


@register.simple_tag
def due(at: dt.datetime, zone: str, other_zone: str, late: str, short: str, plain: str = "") -> SafeString:
    """Return a moment on the clock of its place, in UTC, and on another place's clock where two are involved.

    ``plain``: the zone is said above, once for all rows.
    """
    utc = at.astimezone(dt.UTC)
    here = at.astimezone(ZoneInfo(zone or "UTC"))
    said = f"{here:%H:%M}"
    said = f"{_short_day(here)}, {said}" if short else f"{DAYS[here.weekday()]} {_day(here)} {here.year}, {said}"
    alarm = icon("alert-triangle", "Late:") + " " if late else ""
    clocks: str = conditional_escape(zone or "UTC")
    if zone and zone != "UTC":
        clocks += f" · {_time_there(utc, here)} UTC"
    other = ""
    if other_zone and other_zone != (zone or "UTC"):
        there = at.astimezone(ZoneInfo(other_zone))
        other = f"<small>{_time_there(there, here)} {conditional_escape(other_zone)}</small>"
    zones = "" if plain else f"<small>{clocks}</small>{other}"
    return mark_safe(  # noqa: S308 - zones are escaped above, the rest is drawn here
        f'<span class="cgt-due{" is-late" if late else ""}">'
        f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}">{alarm}{said}</time>{zones}</span>'
    )


def _day(moment: dt.datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month]}"


def _short_day(moment: dt.datetime) -> str:
    """Return the day without its year, unless the year is another than the present one: nobody guesses a shelf life."""
    this_year = timezone.now().astimezone(moment.tzinfo).year
    return _day(moment) if moment.year == this_year else f"{_day(moment)} {moment.year}"


def _time_there(there: dt.datetime, here: dt.datetime) -> str:
    same_day = there.date() == here.date()
    return f"{there:%H:%M}" if same_day else f"{_day(there)}, {there:%H:%M}"
