"""Makes windows from rules: pure values in, windows in UTC out, and for every day that is closed the reason (AU1, MP1).

Order of the rules: the shift's pattern, public holidays, people of the needed competence, then closures. A closure cuts
what is left of a shift. People of a competence are shared by the resources of their site, in the order of their codes.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling import public_holidays
from scheduling.recurrence import days_of
from scheduling.states import HolidayPolicy
from scheduling.wall_clock import instant, span


@dataclass(frozen=True)
class Shift:
    """One version of an opening rule, with the clock and the holidays of the resource's place."""

    resource_id: UUID
    resource_code: str
    site_id: UUID
    zone: ZoneInfo
    country: str
    name: str
    pattern: str
    starts: dt.time
    ends: dt.time
    places: int
    first_date: dt.date
    last_date: dt.date | None = None
    on_holidays: str = HolidayPolicy.CLOSED
    region: str = ""
    competence: str = ""
    people_per_place: int = 1
    reserved_for: str = ""
    release_days: int = 0

    def dates(self, first: dt.date, last: dt.date) -> list[dt.date]:
        return days_of(self.pattern, self.first_date, min(last, self.last_date or last), first)


@dataclass(frozen=True)
class Crew:
    """One version of a team: so many people of a competence at a site on a shift."""

    site_id: UUID
    shift: str
    competence: str
    pattern: str
    people: int
    first_date: dt.date
    last_date: dt.date | None = None


@dataclass(frozen=True)
class Shut:
    """A closure (UTC) of one resource, or of all of a site's."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    reason: str
    resource_id: UUID | None = None
    site_id: UUID | None = None

    def concerns(self, shift: Shift) -> bool:
        return self.resource_id == shift.resource_id or (self.site_id is not None and self.site_id == shift.site_id)


@dataclass(frozen=True)
class Opening:
    """A window to offer. ``open_from``: until then only ``reserved_for`` and the classes before it."""

    resource_id: UUID
    shift: str
    date: dt.date
    starts_at: dt.datetime
    ends_at: dt.datetime
    places: int
    reserved_for: str = ""
    open_from: dt.datetime | None = None


@dataclass(frozen=True)
class ClosedShift:
    """A shift that its pattern wants on a local date and that does not happen: why, in words."""

    resource_id: UUID
    shift: str
    date: dt.date
    starts_at: dt.datetime
    ends_at: dt.datetime
    reason: str


@dataclass
class Plan:
    """What the rules make of a span of days."""

    openings: list[Opening] = field(default_factory=list)
    closed: list[ClosedShift] = field(default_factory=list)


@dataclass(frozen=True)
class _Due:
    shift: Shift
    date: dt.date
    starts_at: dt.datetime
    ends_at: dt.datetime


def plan(
    shifts: Sequence[Shift], crews: Iterable[Crew], closures: Sequence[Shut], first: dt.date, last: dt.date
) -> Plan:
    """Return every window that begins on the local dates ``first`` … ``last``, and every shift that is closed."""
    made = Plan()
    due: list[_Due] = []
    for shift in sorted(shifts, key=lambda shift: (shift.resource_code, shift.resource_id, shift.first_date)):
        for date in shift.dates(first, last):
            one = _Due(shift, date, *span(date, shift.starts, shift.ends, shift.zone))
            reason = _holiday(one) or ("" if one.starts_at < one.ends_at else "The clocks go forward over this shift.")
            if reason:
                _close(made, one, reason)
            else:
                due.append(one)
    staff = _People(crews, first, last)
    for one in due:
        _open(made, one, staff, [closure for closure in closures if closure.concerns(one.shift)])
    made.openings.sort(key=lambda opening: (opening.starts_at, opening.resource_id))
    return made


def _holiday(one: _Due) -> str:
    if one.shift.on_holidays == HolidayPolicy.OPEN:
        return ""
    name = public_holidays.name_of(one.shift.country, one.shift.region, one.date)
    return f"Public holiday: {name}." if name else ""


def _close(made: Plan, one: _Due, reason: str) -> None:
    shift = one.shift
    made.closed.append(ClosedShift(shift.resource_id, shift.name, one.date, one.starts_at, one.ends_at, reason))


def _open(made: Plan, one: _Due, staff: _People, closures: Sequence[Shut]) -> None:
    shift = one.shift
    left = [(one.starts_at, one.ends_at)]
    for closure in closures:
        left = [piece for whole in left for piece in _without(whole, closure)]
    if not left:
        reasons = dict.fromkeys(c.reason for c in closures if c.starts_at < one.ends_at and one.starts_at < c.ends_at)
        return _close(made, one, f"Closed: {'; '.join(reasons)}.")
    places = staff.take(one) if shift.competence else shift.places
    if not places:
        return _close(made, one, staff.reason(one) if shift.places else "This shift has no places.")
    released = one.date - dt.timedelta(days=shift.release_days)
    open_from = instant(released, dt.time(), shift.zone) if shift.reserved_for else None
    made.openings += [
        Opening(shift.resource_id, shift.name, one.date, starts, ends, places, shift.reserved_for, open_from)
        for starts, ends in left
    ]
    return None


def _without(whole: tuple[dt.datetime, dt.datetime], closure: Shut) -> list[tuple[dt.datetime, dt.datetime]]:
    starts, ends = whole
    if closure.ends_at <= starts or ends <= closure.starts_at:
        return [whole]
    pieces = [(starts, closure.starts_at), (closure.ends_at, ends)]
    return [(piece_start, piece_end) for piece_start, piece_end in pieces if piece_start < piece_end]


class _People:
    """Who is there: people by site, date, shift and competence, taken place by place."""

    def __init__(self, crews: Iterable[Crew], first: dt.date, last: dt.date) -> None:
        self._left: dict[tuple[UUID, dt.date, str, str], int] = defaultdict(int)
        for crew in crews:
            for date in days_of(crew.pattern, crew.first_date, min(last, crew.last_date or last), first):
                self._left[crew.site_id, date, crew.shift, crew.competence] += crew.people

    def take(self, one: _Due) -> int:
        """Return how many places can be staffed, and take their people."""
        key = (one.shift.site_id, one.date, one.shift.name, one.shift.competence)
        places = min(one.shift.places, self._left[key] // one.shift.people_per_place)
        self._left[key] -= places * one.shift.people_per_place
        return places

    def reason(self, one: _Due) -> str:
        return f"Nobody left with the competence {one.shift.competence} on the shift {one.shift.name}."
