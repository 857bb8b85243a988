"""Calendars as people look at them: resources by days with the reason of each closed one, and how full the weeks are.

Of the acting organization's own resources only: what a partner has left is asked of the search, not of a board (CM2).
Run inside ``reading``; the number of queries is constant.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from ledger.context import Actor
from ledger.walls import visible
from scheduling import opening_sources
from scheduling.availability import is_disrupted
from scheduling.models import Resource, Slot
from scheduling.opening_sources import Sources, places_of
from scheduling.states import PriorityClass, ResourceKind

WEEK = 7
NOT_RULED = "No shift on this day."


@dataclass(frozen=True)
class WindowOfDay:
    """A window on the clock of its place. ``closed_reason`` of one without places; ``by_hand``: no rule touches it.

    ``stopped``: an open disruption has taken it, and it is not offered.
    """

    id: UUID
    starts_at: dt.datetime
    ends_at: dt.datetime
    places: int
    taken: int
    by_hand: bool
    shift: str
    closed_reason: str
    reserved_for: str
    open_from: dt.datetime | None
    stopped: bool = False

    @property
    def times(self) -> str:
        days = (self.ends_at.date() - self.starts_at.date()).days
        return f"{self.starts_at:%H:%M}–{self.ends_at:%H:%M}" + (f" +{days}" if days else "")

    @property
    def load(self) -> str:
        if self.stopped:
            return f"stopped, {self.taken} booked" if self.taken else "stopped"
        return f"{self.taken} of {self.places}" if self.places else "closed"

    @property
    def is_full(self) -> bool:
        return bool(self.places) and self.taken >= self.places and not self.stopped


@dataclass
class DayOfResource:
    """One local day of a resource: its windows, and why the shifts that are missing are missing."""

    date: dt.date
    windows: list[WindowOfDay] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def offered(self) -> list[WindowOfDay]:
        return [window for window in self.windows if window.places]


@dataclass
class RowOfBoard:
    """A resource with its days."""

    resource: Resource
    place: str
    zone: str
    days: list[DayOfResource]

    @property
    def weeks(self) -> list[list[DayOfResource]]:
        return [self.days[start : start + WEEK] for start in range(0, len(self.days), WEEK)]


def board(actor: Actor, resources: Sequence[Resource], first: dt.date, days: int) -> list[RowOfBoard]:
    """Return own resources with their local days from ``first`` on."""
    sources = opening_sources.load(actor)
    dates = [first + dt.timedelta(days=offset) for offset in range(days)]
    reasons = _reasons(sources, dates)
    windows = _windows(actor, resources, sources, dates)
    ruled = {rule.resource_id for rule in sources.rules}
    rows = []
    for resource in resources:
        place = sources.places.get(resource.pk)
        row = RowOfBoard(resource, place.name if place else "", sources.zone(resource.pk), [])
        for date in dates:
            day = DayOfResource(date, windows[resource.pk, date], list(reasons[resource.pk, date]))
            day.reasons += [w.closed_reason for w in day.windows if not w.places and w.closed_reason]
            if not day.windows and not day.reasons and resource.pk in ruled:
                day.reasons.append(NOT_RULED)
            day.reasons = list(dict.fromkeys(day.reasons))
            row.days.append(day)
        rows.append(row)
    return rows


def _reasons(sources: Sources, dates: Sequence[dt.date]) -> dict[tuple[UUID, dt.date], list[str]]:
    found: dict[tuple[UUID, dt.date], list[str]] = defaultdict(list)
    for shift in sources.plan(dates[0], dates[-1]).closed:
        found[shift.resource_id, shift.date].append(shift.reason)
    return found


def _windows(
    actor: Actor, resources: Iterable[Resource], sources: Sources, dates: Sequence[dt.date]
) -> dict[tuple[UUID, dt.date], list[WindowOfDay]]:
    found: dict[tuple[UUID, dt.date], list[WindowOfDay]] = defaultdict(list)
    slots = _slots(actor, [row.pk for row in resources], dates[0], dates[-1])
    for slot in slots.annotate(is_stopped=is_disrupted()).order_by("starts_at"):
        zone = ZoneInfo(sources.zone(slot.resource_id))
        window = WindowOfDay(
            id=slot.pk,
            starts_at=slot.starts_at.astimezone(zone),
            ends_at=slot.ends_at.astimezone(zone),
            places=slot.capacity,
            taken=slot.taken,
            by_hand=not slot.shift,
            shift=slot.shift,
            closed_reason=slot.closed_reason,
            reserved_for=PriorityClass(slot.reserved_for).label if slot.reserved_for else "",
            open_from=slot.open_from.astimezone(zone) if slot.open_from else None,
            stopped=slot.is_stopped,
        )
        found[slot.resource_id, window.starts_at.date()].append(window)
    return found


def _slots(actor: Actor, resource_ids: Collection[UUID], first: dt.date, last: dt.date) -> QuerySet[Slot]:
    since = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(days=1)
    until = dt.datetime.combine(last, dt.time(), dt.UTC) + dt.timedelta(days=2)
    mine = visible(Slot, actor).filter(organization_id=actor.organization_id, resource_id__in=list(resource_ids))
    return mine.filter(starts_at__gte=since, starts_at__lt=until)


@dataclass
class Week:
    """Places of a resource in one week, Monday to Sunday on the clock of its place."""

    monday: dt.date
    places: int = 0
    taken: int = 0

    @property
    def percent(self) -> int | None:
        """How full, rounded down, so that only a full week says 100; None when nothing is offered."""
        return None if not self.places else 100 * self.taken // self.places

    @property
    def shade(self) -> int:
        """The shade of the cell, 0 to 10."""
        return 0 if not self.places else round(10 * self.taken / self.places)

    @property
    def words(self) -> str:
        return "closed" if self.percent is None else f"{self.percent} %"


@dataclass
class HeatRow:
    """A resource, how full its weeks are, and the whole span."""

    resource: Resource
    kind: str
    place: str
    weeks: list[Week]
    total: Week


def heat(actor: Actor, resources: Sequence[Resource], monday: dt.date, weeks: int) -> list[HeatRow]:
    """Return how full each own resource is, week by week from a Monday on."""
    places = places_of(actor, resources)
    mondays = [monday + dt.timedelta(weeks=number) for number in range(weeks)]
    rows = {
        row.pk: HeatRow(
            row,
            ResourceKind(row.kind).label,
            places[row.pk].name if row.pk in places else "",
            [Week(day) for day in mondays],
            Week(monday),
        )
        for row in resources
    }
    zones = {pk: ZoneInfo(site.zone) for pk, site in places.items()}
    last = mondays[-1] + dt.timedelta(days=WEEK - 1)
    counted = _slots(actor, list(rows), monday, last).filter(capacity__gt=0)
    for resource_id, starts_at, capacity, taken in counted.values_list("resource_id", "starts_at", "capacity", "taken"):
        date = starts_at.astimezone(zones.get(resource_id, dt.UTC)).date()
        number = (date - monday).days // WEEK
        if 0 <= number < weeks:
            for week in (rows[resource_id].weeks[number], rows[resource_id].total):
                week.places, week.taken = week.places + capacity, week.taken + taken
    return list(rows.values())
