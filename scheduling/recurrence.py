"""Recurrences as RFC 5545 writes them, as far as a calendar of days needs them. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from itertools import islice

from dateutil.rrule import rrulestr

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = {
    "FREQ": re.compile("|".join(FREQUENCIES)),
    "INTERVAL": re.compile(r"[1-9]|[1-4]\d|5[0-3]"),
    "BYDAY": re.compile(r"[+-]?[1-5]?(MO|TU|WE|TH|FR|SA|SU)(,[+-]?[1-5]?(MO|TU|WE|TH|FR|SA|SU)){0,34}"),
    "BYMONTH": re.compile(r"([1-9]|1[0-2])(,([1-9]|1[0-2])){0,11}"),
    "BYMONTHDAY": re.compile(r"-?([1-9]|[12]\d|3[01])(,-?([1-9]|[12]\d|3[01])){0,30}"),
    "BYSETPOS": re.compile(r"-?[1-5](,-?[1-5]){0,9}"),
    "WKST": re.compile("MO|SU"),
}
WORDS = "Write it as RFC 5545 does, for example FREQ=WEEKLY;BYDAY=MO,WE or FREQ=MONTHLY;BYDAY=1TU."
SOON = dt.timedelta(days=5 * 366)  # a pattern that does not happen in five years does not happen


def weekly(days: Iterable[int], every: int = 1) -> str:
    """Return the pattern of some days of the week (0 is Monday), each week or every so many weeks."""
    named = ",".join(DAYS[day] for day in sorted(set(days)))
    return f"FREQ=WEEKLY;BYDAY={named}" + (f";INTERVAL={every}" if every > 1 else "")


def checked(pattern: str) -> str:
    """Return the pattern in its one spelling; raise ValueError with a sentence for one that we do not follow.

    Times of day, counts and ends have no place here: a rule has its own clock times and its own last date.
    """
    if not pattern.strip():
        raise ValueError("Choose the days, or write a pattern.")
    parts: dict[str, str] = {}
    for part in pattern.strip().upper().removeprefix("RRULE:").split(";"):
        name, _, value = (word.strip() for word in part.partition("="))
        if name in parts or name not in _PARTS or not _PARTS[name].fullmatch(value):
            raise ValueError(f"“{part[:40]}” cannot be followed here. {WORDS}")
        parts[name] = value
    if "FREQ" not in parts:
        raise ValueError(WORDS)
    numbered = any(not word.isalpha() for word in parts.get("BYDAY", "MO").split(","))
    if parts["FREQ"] in ("DAILY", "WEEKLY") and (numbered or {"BYMONTHDAY", "BYSETPOS"} & parts.keys()):
        raise ValueError("Numbered days belong to FREQ=MONTHLY or FREQ=YEARLY.")
    written = ";".join(f"{name}={parts[name]}" for name in _PARTS if name in parts)
    if not days_of(written, dt.date(2024, 1, 1), dt.date(2024, 1, 1) + SOON, most=1):
        raise ValueError("This never happens.")
    return written


def days_of(
    pattern: str, anchor: dt.date, last: dt.date, first: dt.date | None = None, most: int | None = None
) -> list[dt.date]:
    """Return the dates of a checked pattern counted from ``anchor``, those from ``first`` to ``last``."""
    if last < anchor:
        return []
    until = dt.datetime.combine(last, dt.time())
    rule = rrulestr(f"{pattern};UNTIL={until:%Y%m%dT%H%M%S}", dtstart=dt.datetime.combine(anchor, dt.time()))
    since = dt.datetime.combine(max(first or anchor, anchor), dt.time())
    return [moment.date() for moment in islice(rule.xafter(since, inc=True), most)]


def words(pattern: str) -> str:
    """Return a pattern in words where it is a plain week, as it is written otherwise."""
    parts = dict(part.split("=") for part in pattern.split(";"))
    if set(parts) <= {"FREQ", "BYDAY", "INTERVAL"} and parts["FREQ"] == "WEEKLY" and "BYDAY" in parts:
        days = [DAY_NAMES[DAYS.index(day)] for day in parts["BYDAY"].split(",")]
        named = "every day" if len(days) == len(DAYS) else ", ".join(days)
        return named if "INTERVAL" not in parts else f"{named}, every {parts['INTERVAL']} weeks"
    return pattern
