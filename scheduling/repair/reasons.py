"""What leaves an order of a repair no other choice: the constraint that its nearest dates violate first, in words.

Every party of the order may read it. So what belongs to none of them has no name in it (another plant, another
courier), neither has a quota, and what the center wishes of the dates is told as a wish without its reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.constraints import Constraint, RepairReason
from scheduling.drafts import Draft, Miss
from scheduling.feasibility import Planner
from scheduling.repair import collected, names
from scheduling.repair.snapshot import Affected, Material, Offered

NEAREST, MOST = 14, 2  # days that are looked at once a collection can be prepared; constraints that are told
CROWDED = (
    "Other dates are feasible for it, but their places are needed by other orders of this repair."
    " Offer more places and look for a plan again, or leave one of those orders out and give this one its places."
)
PREPARED = ("before_earliest", "lead_time")
DULL = (*PREPARED, "no_chair", "weekday")  # days that are never any good: told where nothing else is
WORDS = {
    "before_earliest": "It is before the earliest day that the treatment center wishes.",
    "lead_time": "A collection needs longer to be prepared.",
    "weekday": "It is not on a weekday that the treatment center and the therapy allow.",
    "washout": "The treatment center may not collect yet.",
    "not_authorized": "The treatment center's authorization for this therapy ends before.",
    "quota_used_up": "No quota is left to the treatment center for this period.",
}


class Reason(NamedTuple):
    """One reason: its stable code (``Constraint`` or ``RepairReason``), its words, and the date that it is about."""

    code: str
    text: str
    date: dt.date | None = None

    @property
    def sentence(self) -> str:
        return f"Collection on {self.date:%a %d %b %Y}: {self.text}" if self.date else self.text

    def as_json(self) -> dict[str, str | None]:
        return {"code": self.code, "date": self.date.isoformat() if self.date else None, "text": self.text}


def sentences(reasons: Iterable[Reason]) -> str:
    """Return the reasons as they are read, one after the other."""
    return " ".join(one.sentence for one in reasons)


class Reasons:
    """Tells the orders of one repair; what orders have in common is worked out once.

    ``offered``: by therapy, without the closed windows, as the repair was asked (``snapshot.Offered``); ``now``: UTC.
    """

    def __init__(self, offered: Mapping[UUID, Offered], now: dt.datetime) -> None:
        self._offered, self._now = offered, now
        self._known: dict[tuple[object, ...], tuple[Reason, ...]] = {}

    def told(self, order: Affected, chosen: Draft | None, choices: int) -> tuple[Reason, ...]:
        """Return the reasons of an order with so many choices, ``chosen`` among them; empty where there are others.

        Without a place, but with choices: that other orders need them.

        Of material that is not collected: for the nearest dates that have no chain. Of material that is: for the chain
        that comes furthest; the shipper first, where it alone stands in the way.
        """
        if chosen is None and choices:
            return (Reason(RepairReason.NEEDED_ELSEWHERE.value, CROWDED),)
        if choices > 1:
            return ()
        calendar = names.for_parties(order, self._offered[order.request.therapy_id])
        if order.material is not Material.NOT_COLLECTED:
            held = collected.not_held(order, calendar, self._now, chosen)
            if held:
                return (Reason(Constraint.SHIPPER_TOO_SHORT.value, held),)
            miss = collected.furthest(order, calendar, self._now, chosen)
            return (_reason(miss),) if miss else ()
        key = order.request, names.parties(order), order.current.plant_id
        if key not in self._known:
            self._known[key] = self._of_dates(order, calendar)
        return self._known[key]

    def _of_dates(self, order: Affected, calendar: Calendar) -> tuple[Reason, ...]:
        """Walk the nearest days; of each constraint the first day, at most ``MOST``."""
        center = calendar.places[order.request.center_site_id]
        today, planner = center.local(self._now).date(), Planner(order.request, calendar, self._now)
        found: dict[str, tuple[dt.date, Miss]] = {}
        looked = 0
        for date in (today + dt.timedelta(days=n) for n in range(order.request.horizon_days)):
            miss = planner.missed(date)
            if miss is not None:
                found.setdefault(miss.code, (date, miss))
            looked += miss is None or miss.code not in PREPARED
            if looked >= NEAREST or len(found.keys() - set(DULL)) >= MOST:
                break
        told = [one for code, one in found.items() if code not in DULL] or list(found.values())
        return tuple(_reason(miss, date) for date, miss in told[:MOST])


def _reason(miss: Miss, date: dt.date | None = None) -> Reason:
    words = WORDS.get(miss.code) or miss.text()
    return Reason(miss.code, words[:1].upper() + words[1:], date)
