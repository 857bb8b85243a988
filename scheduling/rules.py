"""What an opening rule and a team must be like; the faults stand beside their fields. Runs inside an action."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from personas.queries import Site
from scheduling import public_holidays, recurrence
from scheduling.models import OpeningRule, Team
from scheduling.states import HolidayPolicy, PriorityClass

MOST_PLACES = 1000
LOOKED_AT = dt.timedelta(days=400)  # how far two shifts are laid side by side
LONGEST_RUN_DATES = dt.timedelta(days=3660)
Faults = dict[str, list[str]]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class RuleInput:
    """An opening rule as it is asked for; see ``OpeningRule``. Dates and times are local to the resource's place."""

    shift: str
    pattern: str
    starts: dt.time
    ends: dt.time
    places: int
    first_date: dt.date
    last_date: dt.date | None = None
    on_holidays: str = HolidayPolicy.CLOSED
    holiday_region: str = ""
    competence: str = ""
    people_per_place: int = 1
    reserved_for: str = ""
    release_days: int = 0


@dataclass(frozen=True)
class TeamInput:
    """A team as it is asked for; see ``Team``."""

    code: str
    shift: str
    competence: str
    pattern: str
    people: int
    first_date: dt.date
    last_date: dt.date | None = None


def rule_faults(given: RuleInput, site: Site) -> tuple[dict[str, Any], Faults]:
    """Return the rule's columns in their stored form, and what is wrong with them."""
    faults: Faults = {}
    columns = dict(vars(given))
    columns["pattern"] = _pattern(given.pattern, faults)
    _name(given.shift, "shift", faults)
    if given.competence:
        _name(given.competence, "competence", faults)
    _whole(given.places, "places", 0, MOST_PLACES, faults)
    _whole(given.people_per_place, "people_per_place", 1, 50, faults)
    _whole(given.release_days, "release_days", 0, 365, faults)
    _dates(given.first_date, given.last_date, faults)
    if given.starts == given.ends:
        faults["ends"] = ["A shift that begins and ends at the same time has no length."]
    if given.on_holidays not in HolidayPolicy.values:
        faults["on_holidays"] = [f"Use one of {', '.join(HolidayPolicy.values)}."]
    elif given.on_holidays == HolidayPolicy.CLOSED or given.holiday_region:
        try:
            public_holidays.in_year(site.country, given.holiday_region, given.first_date.year)
        except ValueError as error:
            faults["holiday_region" if given.holiday_region else "on_holidays"] = [str(error)]
    if given.reserved_for not in ("", *PriorityClass.values):
        faults["reserved_for"] = [f"Use one of {', '.join(PriorityClass.values)}, or leave it empty."]
    if not given.reserved_for and given.release_days:
        faults["release_days"] = ["Nothing is reserved, so there is nothing to release."]
    return columns, faults


def team_faults(given: TeamInput) -> tuple[dict[str, Any], Faults]:
    """Return the team's columns in their stored form, and what is wrong with them."""
    faults: Faults = {}
    columns = dict(vars(given))
    columns["pattern"] = _pattern(given.pattern, faults)
    for column in ("code", "shift", "competence"):
        _name(getattr(given, column), column, faults)
    _whole(given.people, "people", 0, MOST_PLACES, faults)
    _dates(given.first_date, given.last_date, faults)
    return columns, faults


def refuse_second_version(
    others: Iterable[OpeningRule | Team], first: dt.date, last: dt.date | None, faults: Faults
) -> None:
    """Note it when another version of the same shift or team holds on one of the days."""
    for other in others:
        if first <= (other.last_date or dt.date.max) and other.first_date <= (last or dt.date.max):
            until = other.last_date or "further notice"
            faults.setdefault(
                "first_date", [f"Another version holds from {other.first_date} until {until}: change or end that one."]
            )


def refuse_overlap(given: RuleInput, others: Iterable[OpeningRule], faults: Faults) -> None:
    """Note it when the rule's shifts overlap those of another rule of the resource, on the clock of the place."""
    for other in others:
        clash = _clash(given, other)
        if clash:
            text = f"Overlaps the shift {other.shift} ({other.starts:%H:%M}–{other.ends:%H:%M}) on {clash:%a %d %b %Y}."
            faults.setdefault("starts", [text])


def _clash(given: RuleInput, other: OpeningRule) -> dt.date | None:
    """Return the first day on which two rules overlap, looked at from the later of their first days."""
    first = max(given.first_date, other.first_date) - dt.timedelta(days=1)
    last = min(given.last_date or dt.date.max, other.last_date or dt.date.max, first + LOOKED_AT)
    spans = sorted([*_spans(given, first, last), *_spans(other, first, last)])
    return next((later[0].date() for earlier, later in pairwise(spans) if later[0] < earlier[1]), None)


def _spans(rule: RuleInput | OpeningRule, first: dt.date, last: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
    overnight = dt.timedelta(days=rule.ends <= rule.starts)
    dates = recurrence.days_of(rule.pattern, rule.first_date, min(last, rule.last_date or last), first)
    return [(dt.datetime.combine(d, rule.starts), dt.datetime.combine(d + overnight, rule.ends)) for d in dates]


def _pattern(written: str, faults: Faults) -> str:
    try:
        return recurrence.checked(written)
    except ValueError as error:
        faults["pattern"] = [str(error)]
        return written


def _name(value: str, column: str, faults: Faults) -> None:
    if not _NAME.fullmatch(value):
        faults[column] = ["Use up to 40 lower-case letters, digits and hyphens."]


def _whole(value: Any, column: str, least: int, most: int, faults: Faults) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        faults[column] = [f"Give a whole number from {least} to {most}."]


def _dates(first: dt.date, last: dt.date | None, faults: Faults) -> None:
    if not dt.date(2000, 1, 1) <= first <= dt.date(2100, 1, 1):
        faults["first_date"] = ["Give a date of this century."]
    elif last is not None and not first <= last <= first + LONGEST_RUN_DATES:
        faults["last_date"] = ["The last day comes after the first, within ten years."]
