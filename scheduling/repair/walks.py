"""Every way that the search's rule allows; the search itself is content with the best one of each plant and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.clocks import DAY, ticks
from scheduling.drafts import Draft, Miss, Stage, Taken, Way
from scheduling.feasibility import Planner
from scheduling.inbound import FAR, Trip
from scheduling.lead_times import Terms
from scheduling.offers import ChainRequest
from scheduling.repair.snapshot import Affected
from scheduling.states import LinkKind

REACH = dt.timedelta(days=14)  # how long after a collection its ways are looked for
AT_CENTER = (LinkKind.APHERESIS_CHAIR, LinkKind.COURIER_LANE, LinkKind.INFUSION_BED, LinkKind.SECOND_BED)
CHAIR = LinkKind.APHERESIS_CHAIR
BEFORE_START = (
    LinkKind.APHERESIS_CHAIR,
    LinkKind.CONTINGENCY_CHAIR,
    LinkKind.COURIER_LANE,
    LinkKind.RECEIVING,
)


class EveryWay(Planner):
    """A planner that notes every run and every start instead of the earliest: many orders want the earliest."""

    def every(self, date: dt.date) -> list[Way]:
        """Return every way of a collection on the date; with a contingency day the best of each plant."""
        if self.request.contingency_days:
            return self.plan(date)[0]
        self.noted: list[Way] = []
        self.plan(date)
        return self.noted

    def _finish(
        self, plant_id: UUID | None, chairs: tuple[Taken, ...], trip: Trip, oldest: int, terms: Terms
    ) -> Way | Miss:
        if self.request.contingency_days:
            return super()._finish(plant_id, chairs, trip, oldest, terms)
        bay = self.inbound.reception(plant_id, trip.arrival)
        if not isinstance(bay, Miss) and not self.inbound.too_old(chairs[-1].end, trip.arrival):
            first = (*chairs, *(one for one in (trip.taken, bay) if one))
            self.noted += self.started(plant_id, first, trip, oldest, terms)
        return Miss(Stage.DATE, "noted", str)  # go on: the next run is wanted too

    def started(
        self, plant_id: UUID | None, first: tuple[Taken, ...], trip: Trip, oldest: int, terms: Terms
    ) -> Iterator[Way]:
        """Yield a way for each start of manufacture after the trip."""
        for found in self.inbound.starts(plant_id, trip.arrival, oldest, terms):
            if isinstance(found, Miss):
                continue
            start, taken = found
            tail = self.outbound.tail(self._home(plant_id, trip), start, terms)
            if isinstance(tail, Miss):
                continue
            yield Way(
                plant_id=plant_id,
                taken=(*first, *taken),
                collection_start=first[0].start if first else 0,
                collection_end=first[0].end if first else 0,
                pickup=trip.pickup,
                arrival=trip.arrival,
                start=start,
                transit=trip.transit,
                tail=tail,
                slack=0,
                notes=terms.notes,
            )


@dataclass(frozen=True)
class Crowd:
    """How many orders may want a place of the center, or any place, and the windows in which they have one now."""

    at_center: int
    anywhere: int
    held: frozenset[UUID] = frozenset()

    def may_lack(self, taken: Taken) -> bool:
        """Whether there could be more orders than places."""
        orders = self.at_center if taken.kind in AT_CENTER else self.anywhere
        return taken.row.left[taken.nth] < orders


def every_draft(request: ChainRequest, calendar: Calendar, now: dt.datetime, crowd: Crowd | None = None) -> list[Draft]:
    """Return every chain of the request's horizon, whatever its lead time (the caller knows what is prepared).

    With a ``crowd``: of chains that differ only in places that nobody can lack or has now, the earliest.
    """
    planner = EveryWay(replace(request, lead_days=0), calendar, now)
    dates = (request.earliest + dt.timedelta(days=offset) for offset in range(request.horizon_days))
    ways = [way for date in dates for way in planner.every(date)]
    if crowd is None:
        return [way.draft() for way in ways]
    held = {str(slot_id) for slot_id in crowd.held}
    found: dict[tuple[object, ...], Way] = {}
    for way in sorted(ways, key=lambda way: way.tail.infusion):
        told = tuple(
            slot_id
            for slot_id, taken in zip(way.ids, way.links, strict=True)
            if slot_id in held or crowd.may_lack(taken)
        )
        found.setdefault((told, way.collection_start, way.plant_id), way)
    return [way.draft() for way in found.values()]


def other_ways(order: Affected, calendar: Calendar, now: dt.datetime) -> Iterator[Draft]:
    """Material that waits at the center: the collection stands, the courier and the plant may be others."""
    current = order.current
    chair = next(pick.window for pick in current.picks if pick.kind == CHAIR)
    until = current.collection_end + REACH
    near = [w for w in calendar.windows if w.kind != CHAIR and w.ends_at > current.collection_start]
    near = [w for w in near if w.kind == LinkKind.INFUSION_BED or w.starts_at < until + REACH]
    own = Calendar(calendar.places.values(), [replace(chair, left=1), *near], calendar.quotas)
    date = own.places[order.request.center_site_id].local(current.collection_start).date()
    before = current.collection_start - dt.timedelta(seconds=1)
    request = replace(order.request, earliest=date, horizon_days=1, contingency_days=0)
    for draft in every_draft(request, own, before):
        if draft.pickup_at >= now and (order.expires_at is None or draft.manufacture_start <= order.expires_at):
            yield draft


def other_starts(order: Affected, calendar: Calendar, now: dt.datetime) -> Iterator[Draft]:
    """Material that is at the plant or on its way: the starts there, as long as it lasts. What was used stands."""
    current = order.current
    planner = EveryWay(replace(order.request, lead_days=0), calendar, now)
    terms = planner._terms_of(current.collection_start.date(), current.plant_id)
    since = ticks(max(current.arrival_at, now))
    until = FAR if order.expires_at is None else ticks(order.expires_at)
    until = min(until, since + REACH.days * 2 * DAY)
    transit = ticks(current.arrival_at) - ticks(current.pickup_at)
    used = tuple(pick for pick in current.picks if pick.starts_at <= current.arrival_at and pick.kind in BEFORE_START)
    trip = Trip(ticks(current.pickup_at), since, transit, None, FAR)
    for way in planner.started(current.plant_id, (), trip, until, terms):
        draft = way.draft()
        yield replace(
            draft,
            picks=(*used, *draft.picks),
            collection_start=current.collection_start,
            collection_end=current.collection_end,
            pickup_at=current.pickup_at,
            arrival_at=current.arrival_at,
        )
