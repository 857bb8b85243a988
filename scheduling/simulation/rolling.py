"""The calendar of a simulation: the search's own, filled for the time ahead and renewed as time passes.

Chairs, runs, bays and starts stand in it as a published network's do. A line is busy for whole days, so the places left
of a start are the lines that are free on each of its days. Some of them can be reserved for what is made again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from scheduling.calendars import Calendar, Columns, Lane, Place, Row, Source
from scheduling.clocks import Clock
from scheduling.drafts import Taken
from scheduling.simulation.network import Network, site_id, zone_of
from scheduling.states import LinkKind, ResourceKind

STRIDE = 28  # days between two renewals
BEHIND = 4  # days of the past that are kept


class Start(NamedTuple):
    """A start taken at a plant: its local date (ordinal)."""

    plant: str
    day: int


class Rolling:
    """A calendar around today. ``ahead``: days that can be booked; ``reserve``: share of each plant's lines."""

    def __init__(self, network: Network, *, ahead: int, reserve: float, reserve_days: int) -> None:
        self.network, self.ahead, self.reserve_days = network, ahead, reserve_days
        self.length = network.process.manufacture_days
        self.lines = {plant.id: plant.lines for plant in network.plants}
        self.kept = {plant.id: round(plant.lines * reserve) for plant in network.plants}
        self.places = [Place(site_id(one.id), one.id, site_id(one.id), zone_of(one.zone)) for one in self._sites()]
        self.name_of = {place.id: place.name for place in self.places}
        self.clocks: dict[str, Clock] = {place.name: place.clock for place in self.places}
        self.taken: Counter[str] = Counter()
        self.busy: dict[str, Counter[int]] = defaultdict(Counter)
        self.closed_until: dict[str, int] = {}
        self.first = self.today = network.first_day.toordinal()
        self.calendar = Calendar(self.places)
        self.rows: dict[str, Row] = {}
        self.index: dict[str, dict[int, int]] = {}
        self.free: dict[str, tuple[list[int], list[int]]] = {}  # per plant: left for everybody, left with the reserve
        self.renew(self.today)

    def _sites(self) -> Iterable[Any]:
        return (*self.network.plants, *self.network.centers)

    def pass_to(self, today: int) -> None:
        """Let a day begin: what was reserved for it is no longer, and the calendar is renewed when it runs out."""
        self.today = today
        if today - self.first >= STRIDE:
            self.renew(today)
        elif any(self.kept.values()):
            for plant in self.lines:
                self._refresh(plant, range(today, today + self.reserve_days + 1))

    def renew(self, today: int) -> None:
        """Fill a new calendar from a few days ago to the last day that can be booked before the next renewal."""
        self.first = today
        since, until = today - BEHIND, today + STRIDE + self.ahead + 14
        self.taken = Counter({key: n for key, n in self.taken.items() if n and int(key.rsplit("|", 1)[1]) >= since})
        for plant, days in self.busy.items():
            self.busy[plant] = Counter({day: n for day, n in days.items() if day >= since - self.length and n})
        self.calendar = Calendar(self.places)
        self.calendar.add(self._columns(range(since, until)))
        for one in self.network.plants:
            row = self.calendar.row(ResourceKind.MANUFACTURING_LINE, site_id(one.id))
            dates = [int(key.rsplit("|", 1)[1]) for key in row.ids]
            self.rows[one.id], self.index[one.id] = row, {day: nth for nth, day in enumerate(dates)}
            self.free[one.id] = [0] * len(dates), [0] * len(dates)
            row.left = self.free[one.id][0]
            self._refresh(one.id, dates)

    def _columns(self, days: Sequence[int]) -> list[Columns]:
        network, found = self.network, []
        for plant in network.plants:
            found.append(self._column(ResourceKind.RECEIVING, plant.id, plant.receives, days, (0, 24), 1_000_000))
            found.append(self._column(ResourceKind.MANUFACTURING_LINE, plant.id, plant.starts, days, (6, 22), 0))
        hours = 8 + int(network.process.collection_hours) + 1
        for center in network.centers:
            chairs = (8, min(24, hours))
            found.append(
                self._column(ResourceKind.APHERESIS_CHAIR, center.id, center.collects, days, chairs, center.chairs)
            )
        for run in network.lanes:
            lane = Lane(site_id(run.center), site_id(run.plant), dt.timedelta(hours=run.hours), run.cutoff, run.runs)
            found.append(self._column(ResourceKind.COURIER_LANE, run.center, run.runs, days, (6, 24), run.places, lane))
        return found

    def _column(
        self, kind: ResourceKind, name: str, weekdays: frozenset[int], days: Sequence[int], open_: tuple[int, int],
        places: int, lane: Lane | None = None,
    ) -> Columns:  # fmt: skip
        clock, begins = self.clocks[name], dt.time(open_[0])
        chosen = [day for day in days if (day - 1) % 7 + 1 in weekdays]
        prefix = f"{kind.value}|{name}|{lane.destination_id if lane else ''}"
        ids = [f"{prefix}|{day}" for day in chosen]
        ends = [clock.at(day, dt.time(open_[1])) if open_[1] < 24 else clock.day(day)[1] for day in chosen]
        left = [places - self.taken[key] for key in ids] if self.taken else [places] * len(ids)
        source = Source(kind.value, site_id(name), site_id(name), name, lane)
        return Columns(source, ids, [clock.at(day, begins) for day in chosen], ends, left)

    def open_to(self, is_remake: bool) -> None:
        """Let the next search see the reserved lines, or not."""
        for plant, row in self.rows.items():
            row.left = self.free[plant][is_remake]

    def take(self, links: Iterable[Taken]) -> tuple[list[str], Start | None]:
        """Take the places of a way; return the ids of all but the line, and the start."""
        ids, start = [], None
        for link in links:
            key = link.row.ids[link.nth]
            if link.kind == LinkKind.MANUFACTURING_LINE:
                start = self.take_line(self.name_of[link.row.source(link.nth).place_id], int(key.rsplit("|", 1)[1]))
            elif not key.startswith(ResourceKind.RECEIVING.value):
                ids.append(key)
                self._count(key, 1)
        return ids, start

    def give_back(self, ids: Iterable[str]) -> None:
        for key in ids:
            self._count(key, -1)

    def take_line(self, plant: str, day: int) -> Start:
        self._use(plant, day, 1)
        return Start(plant, day)

    def give_line_back(self, start: Start) -> None:
        self._use(start.plant, start.day, -1)

    def close(self, plant: str, until: int) -> None:
        """Let no batch begin at a plant before the local date ``until``."""
        self.closed_until[plant] = max(until, self.closed_until.get(plant, 0))
        self._refresh(plant, range(self.today - BEHIND, until))

    def _count(self, key: str, places: int) -> None:
        self.taken[key] += places
        if self.calendar.has(key):
            self.calendar.take([key], places)

    def _use(self, plant: str, day: int, lines: int) -> None:
        busy = self.busy[plant]
        for used in range(day, day + self.length):
            busy[used] += lines
        self._refresh(plant, range(day - self.length + 1, day + self.length))

    def _refresh(self, plant: str, days: Iterable[int]) -> None:
        """Work out anew how many batches may begin on these days."""
        index, busy, lines, kept = self.index[plant], self.busy[plant], self.lines[plant], self.kept[plant]
        everybody, remakes = self.free[plant]
        closed, length = self.closed_until.get(plant, 0), self.length
        for day in days:
            nth = index.get(day)
            if nth is None:
                continue
            left = lines - max([busy[used] for used in range(day, day + length)]) if day >= closed else 0
            remakes[nth] = left
            everybody[nth] = left if day <= self.today + self.reserve_days else left - kept
