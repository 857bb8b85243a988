"""How full manufacturing lines are, day by day at the plant. Run inside ``reading``; the number of queries is constant.

A slot row says what is taken; whose it is says only a chain that the reader is a party of. Of a partner's line the
numbers would tell one client what the others have: there a reader learns whether there is room, and nothing more (CM2).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger.context import Actor
from ledger.walls import visible
from personas.queries import organization_names, sites
from scheduling.availability import is_disrupted
from scheduling.models import ChainLink, Resource, Slot
from scheduling.states import LIVE, ChainState, ResourceKind

AROUND = 3  # days before and after a requested start
WEEK = 7
Booked = tuple[str, UUID | None]  # state of the chain, and its manufacturer


@dataclass
class LineDay:
    """One line on one local day. Of a partner's line ``taken`` and ``capacity`` are None.

    ``stopped``: an open disruption has taken every window of the day. What it has taken offers nothing.
    """

    date: dt.date
    offered: bool = False
    stopped: bool = False
    full: bool = False
    taken: int | None = None
    capacity: int | None = None
    is_asked: bool = False
    held: int = 0
    requested: int = 0
    confirmed: int = 0
    sponsors: dict[UUID, int] = field(default_factory=dict)  # of an own line: whose orders these are

    @property
    def words(self) -> str:
        """The load in words: what the bars say."""
        if not self.offered:
            return "not offered"
        if self.stopped:
            return f"stopped, {self.taken} booked" if self.taken else "stopped"
        if self.capacity is None:
            return "full" if self.full else "room"
        return f"{self.taken}/{self.capacity}"

    @property
    def tenths(self) -> int:
        """How high the bar is: 0 to 10."""
        if not self.offered or not self.capacity:
            return 10 if self.full else 0
        return round(10 * (self.taken or 0) / self.capacity)

    @property
    def own(self) -> int:
        return self.held + self.requested + self.confirmed


@dataclass
class Line:
    """A manufacturing line with its days."""

    resource_id: UUID
    name: str
    place: str
    zone: str
    is_own: bool
    days: list[LineDay] = field(default_factory=list)
    names: dict[UUID, str] = field(default_factory=dict)  # of the sponsors

    @property
    def taken(self) -> int:
        return sum(day.taken or 0 for day in self.days)

    @property
    def capacity(self) -> int:
        return sum(day.capacity or 0 for day in self.days)

    @property
    def percent(self) -> int | None:
        """How full the span is, rounded down; None of a partner's line, and where nothing is offered."""
        return 100 * self.taken // self.capacity if self.is_own and self.capacity else None

    @property
    def use(self) -> list[tuple[str, int]]:
        """Places by sponsor, the most first; what no visible order accounts for last."""
        counted: dict[str, int] = defaultdict(int)
        for day in self.days:
            for sponsor, places in day.sponsors.items():
                counted[self.names.get(sponsor, "A sponsor")] += places
        found = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        others = self.taken - sum(counted.values())
        return [*found, ("Orders not shared with you yet", others)] if others > 0 else found


def around(actor: Actor, links: Sequence[ChainLink]) -> dict[UUID, list[LineDay]]:
    """Return, by link, the load of its line from three days before to three days after the link's start."""
    if not links:
        return {}
    rows = visible(Slot, actor).filter(pk__in={link.slot_id for link in links})
    resource_of = dict(rows.values_list("pk", "resource_id"))
    first = min(link.starts_at for link in links) - dt.timedelta(days=AROUND + 1)
    last = max(link.starts_at for link in links) + dt.timedelta(days=AROUND + 2)
    slots = _slots(actor, set(resource_of.values()), first, last)
    by_line: dict[UUID, list[Slot]] = defaultdict(list)
    for slot in slots:
        by_line[slot.resource_id].append(slot)
    found = {}
    for link in links:
        zone = ZoneInfo(link.zone)
        asked = link.starts_at.astimezone(zone).date()
        dates = [asked + dt.timedelta(days=offset) for offset in range(-AROUND, AROUND + 1)]
        line = by_line.get(resource_of.get(link.slot_id), [])  # type: ignore[arg-type]
        days = _days(actor, line, dates, zone)
        for day in days:
            day.is_asked = day.date == asked
        found[link.pk] = days
    return found


def starts_on(actor: Actor, line_id: UUID, date: dt.date) -> list[Slot]:
    """Return the windows in which a line may start on a local day of its place, as a board's cell counts them."""
    line = visible(Resource, actor).filter(pk=line_id, kind=ResourceKind.MANUFACTURING_LINE).first()
    site = sites(actor).filter(pk=line.site_id).first() if line and line.site_id else None
    if site is None:
        return []
    zone = ZoneInfo(site.zone)
    since = dt.datetime.combine(date, dt.time(), zone)
    until = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone)
    return _slots(actor, [line_id], since, until)


def week(actor: Actor, monday: dt.date) -> list[Line]:
    """Return the lines of ``lines`` with seven days from a date."""
    return lines(actor, monday, WEEK)


def lines(actor: Actor, first: dt.date, count: int) -> list[Line]:
    """Return the organization's own lines, and partners' lines on which it has a chain, with ``count`` days.

    Held, requested and confirmed are counted over the chains that the reader is a party of. Of an own line they are
    told by sponsor: a contract manufacturer sees all of its own, a sponsor's own lines have only itself (CM2).
    """
    since = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(days=1)
    until = since + dt.timedelta(days=count + 2)
    kind = ResourceKind.MANUFACTURING_LINE
    links = (
        visible(ChainLink, actor)
        .filter(kind=kind, chain__state__in=LIVE, starts_at__gte=since, starts_at__lt=until)
        .values_list("slot_id", "chain__state", "chain__manufacturer_id")
    )
    booked: dict[UUID, list[Booked]] = defaultdict(list)
    for slot_id, state, sponsor in links:
        booked[slot_id].append((state, sponsor))
    mine = visible(Resource, actor).filter(kind=kind, organization_id=actor.organization_id)
    used = visible(Resource, actor).filter(kind=kind, slots__in=list(booked)) if booked else Resource.unwalled.none()
    resources = {row.pk: row for row in [*mine, *used]}
    places = {site.pk: site for site in sites(actor).filter(pk__in={row.site_id for row in resources.values()})}
    names = organization_names(actor, {sponsor for those in booked.values() for _, sponsor in those if sponsor})
    by_line: dict[UUID, list[Slot]] = defaultdict(list)
    for slot in _slots(actor, resources, since, until):
        by_line[slot.resource_id].append(slot)
    dates = [first + dt.timedelta(days=offset) for offset in range(count)]
    found = []
    for row in resources.values():
        site = places.get(row.site_id) if row.site_id else None
        if site is None:
            continue
        days = _days(actor, by_line[row.pk], dates, ZoneInfo(site.zone), booked)
        own = row.organization_id == actor.organization_id
        found.append(Line(row.pk, row.name, site.name, site.zone, own, days, names if own else {}))
    return sorted(found, key=lambda line: (not line.is_own, line.place, line.name))


def _slots(actor: Actor, resource_ids: Iterable[UUID], since: dt.datetime, until: dt.datetime) -> list[Slot]:
    rows = visible(Slot, actor).filter(resource_id__in=list(resource_ids), starts_at__gte=since, starts_at__lt=until)
    return list(rows.annotate(is_stopped=is_disrupted()).order_by("starts_at", "pk"))


def _days(
    actor: Actor,
    slots: Sequence[Slot],
    dates: Sequence[dt.date],
    zone: ZoneInfo,
    booked: dict[UUID, list[Booked]] | None = None,
) -> list[LineDay]:
    """Return the dates with what the slots that start on them offer; two windows of a day add up."""
    found = {date: LineDay(date) for date in dates}
    for slot in slots:
        day = found.get(slot.starts_at.astimezone(zone).date())
        if day is None:
            continue
        room = slot.taken < slot.capacity and not slot.is_stopped  # type: ignore[attr-defined]
        day.full = not room if not day.offered else day.full and not room
        day.stopped = slot.is_stopped and (day.stopped or not day.offered)  # type: ignore[attr-defined]
        day.offered, day.full = True, day.full and not day.stopped
        own = slot.organization_id == actor.organization_id
        if own:
            offered = 0 if slot.is_stopped else slot.capacity  # type: ignore[attr-defined]
            day.taken, day.capacity = (day.taken or 0) + slot.taken, (day.capacity or 0) + offered
        for state, sponsor in (booked or {}).get(slot.pk, ()):
            if own and sponsor is not None:
                day.sponsors[sponsor] = day.sponsors.get(sponsor, 0) + 1
            day.held += state == ChainState.HELD
            day.requested += state == ChainState.REQUESTED
            day.confirmed += state == ChainState.CONFIRMED
    return list(found.values())
