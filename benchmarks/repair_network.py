"""A fictional network in memory for the repair's benchmark: plants, centers, couriers, orders that a closure hits.

Everything follows from the seed. No table: the repair works on a snapshot, and so does its measurement.
"""

from __future__ import annotations

import datetime as dt
import random
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.calendars import Calendar, Lane, Place, Window
from scheduling.drafts import Draft
from scheduling.feasibility import plan_date
from scheduling.offers import ChainRequest
from scheduling.repair.fees import FREE, Fees
from scheduling.repair.snapshot import Affected, without
from scheduling.states import ResourceKind as Kind

NEAR = dt.timedelta(days=14)
NOW = dt.datetime(2030, 3, 1, 7, tzinfo=dt.UTC)
ZONES = ("Europe/Berlin", "Europe/London", "Europe/Madrid", "Europe/Athens", "America/New_York", "Europe/Helsinki")
THERAPY = UUID(int=7)


class Network:
    """``plants`` with lines, ``centers`` with chairs, three couriers from each center to each plant."""

    def __init__(
        self, seed: int, plants: int = 6, centers: int = 40, couriers: int = 3, lines: int = 6, days: int = 75
    ) -> None:
        self.random, self.days, self._ids = random.Random(seed), days, 100
        self.plants = [self._place(f"Plant {n + 1}", ZONES[n % 4]) for n in range(plants)]
        self.centers = [self._place(f"Center {n + 1}", ZONES[n % len(ZONES)]) for n in range(centers)]
        self.windows: list[Window] = []
        self.dates = [NOW.date() + dt.timedelta(days=n) for n in range(1, days)]
        for plant in self.plants:
            self._offer(Kind.RECEIVING, plant, "Bay", "06:00", "20:00", 40)
            for line in range(lines):
                self._offer(Kind.MANUFACTURING_LINE, plant, f"Line {line + 1}", "06:00", "20:00", 1, used=0.6)
        for center in self.centers:
            for chair in range(2):
                self._offer(Kind.APHERESIS_CHAIR, center, f"Chair {chair + 1}", "08:00", "16:00", 1, True, used=0.4)
            for courier in range(couriers):
                for plant in self.plants:
                    hours = self.random.choice((18, 22, 26, 30))
                    lane = Lane(center.id, plant.id, dt.timedelta(hours=hours), dt.time(18), frozenset(range(1, 7)))
                    self._offer(Kind.COURIER_LANE, center, f"Courier {courier + 1}", "12:00", "19:00", 20, lane=lane)

    def _id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    def _place(self, name: str, zone: str) -> Place:
        return Place(self._id(), name, self._id(), ZoneInfo(zone))

    def _offer(
        self,
        kind: Kind,
        place: Place,
        name: str,
        opens: str,
        closes: str,
        places: int,
        workdays: bool = False,
        used: float = 0.0,
        lane: Lane | None = None,
    ) -> None:
        for date in self.dates:
            if workdays and date.isoweekday() > 5:
                continue
            start, end = (
                dt.datetime.combine(date, dt.time.fromisoformat(t), place.zone).astimezone(dt.UTC)
                for t in (opens, closes)
            )
            left = 0 if self.random.random() < used else places
            window = Window(self._id(), kind, place.organization_id, place.id, start, end, left, name, lane)
            self.windows.append(window)

    def calendar(self) -> Calendar:
        return Calendar([*self.plants, *self.centers], self.windows)

    def request(self, center: Place) -> ChainRequest:
        return ChainRequest(
            therapy_id=THERAPY,
            center_site_id=center.id,
            plant_site_ids=tuple(plant.id for plant in self.plants),
            earliest=NOW.date(),
            collection_hours=5,
            max_age_hours=72,
            age_buffer_hours=6,
            lead_days=3,
        )

    def closed_plant(
        self, orders: int, closed_days: int = 45, *, priced: bool = False
    ) -> tuple[list[Affected], set[UUID], Calendar]:
        """Close plant 1, and return the orders that were booked there, its closed windows, and what is left.

        The bookings are made first, on places of their own, so that closing the plant hits exactly ``orders`` of them.
        """
        until = NOW + dt.timedelta(days=closed_days)
        plant = self.plants[0]
        closed = {w.slot_id for w in self.windows if w.place_id == plant.id and w.starts_at < until}
        calendar, affected = self.calendar(), []
        for number in range(orders):
            center, draft = self._booked(calendar, plant, closed_days)
            request, urgency = self.request(center), 1 + number % 3
            fees = _fees(draft) if priced else FREE
            affected.append(Affected(f"order-{number:03}", request, draft, urgency=urgency, fees=fees))
        return affected, closed, without(calendar, closed, affected)

    def _booked(self, calendar: Calendar, plant: Place, closed_days: int) -> tuple[Place, Draft]:
        """A chain from some center to the plant, on some day before it opens again."""
        while True:
            center = self.random.choice(self.centers)
            date = NOW.date() + dt.timedelta(days=self.random.randrange(3, closed_days - 3))
            drafts = [d for d in plan_date(self.request(center), calendar, date, NOW)[0] if d.plant_id == plant.id]
            if drafts:
                return center, self.random.choice(drafts)


def _fees(draft: Draft) -> Fees:
    """A price list in hundredths: giving a line or a lane up costs more within two weeks, a transport 1 200."""
    near = draft.collection_start < NOW + NEAR
    given_up = (("manufacturing_line", 2_000_000 if near else 500_000), ("courier_lane", 80_000 if near else 20_000))
    return Fees(given_up, (("courier_lane", 120_000),), 2_500_000)
