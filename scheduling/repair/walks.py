"""Every way that the search's rule allows; the search itself is content with the best one of each plant and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.drafts import Draft, Taken, Way
from scheduling.feasibility import Planner
from scheduling.offers import ChainRequest
from scheduling.states import LinkKind

AT_CENTER = (LinkKind.APHERESIS_CHAIR, LinkKind.COURIER_LANE, LinkKind.INFUSION_BED, LinkKind.SECOND_BED)


class EveryWay(Planner):
    """A planner that finds every run and every start instead of the earliest: many orders want the earliest."""

    def every(self, date: dt.date) -> Iterator[Way]:
        """Yield every way of a collection on the date; with a contingency day the best of each plant."""
        if self.request.contingency_days:
            yield from self.ways(date)
            return
        days = [] if self._closed(date) else self._chairs(date)
        if not days or not all(chairs.options for chairs in days):
            return
        before = [chairs.options[0] for chairs in days[:-1]]
        for plant_id in self.choices:
            yield from self.by(plant_id, date).every(before, days[-1].options)


@dataclass(frozen=True)
class Crowd:
    """How many orders may want a place of the center, or any place, and the windows in which they have one now.

    ``rationed``: kinds of links whose start falls under a quota that may not suffice.
    """

    at_center: int
    anywhere: int
    held: frozenset[UUID] = frozenset()
    rationed: frozenset[str] = frozenset()

    def may_lack(self, taken: Taken) -> bool:
        """Whether there could be more orders than places."""
        if taken.kind in self.rationed:
            return True
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
    held = {slot_id.hex for slot_id in crowd.held}
    found: dict[tuple[object, ...], Way] = {}
    for way in sorted(ways, key=lambda way: way.tail.infusion):
        told = tuple(
            slot_id
            for slot_id, taken in zip(way.ids, way.links, strict=True)
            if slot_id in held or crowd.may_lack(taken)
        )
        found.setdefault((told, way.collection_start, way.plant_id), way)
    return [way.draft() for way in found.values()]
