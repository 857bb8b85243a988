"""The calendar of a simulation: the search's own, filled for the time ahead and renewed as time passes.

Chairs, runs there and back, bays, starts and beds stand in it as a published network's do. A line is busy for whole
days, so the places left of a start are the lines that are free on each of its days. Some of them can be reserved for
what is made again.
"""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scheduling.calendars import Calendar, Columns, Lane, Place, Row, Source
from scheduling.clocks import Clock, isoweekday
from scheduling.drafts import Taken
from scheduling.simulation.network import LaneRun, Network, site_id, zone_of
from scheduling.states import LinkKind, ResourceKind

STRIDE = 28  # days between two renewals
BEHIND = 4  # days of the past that are kept
REACH = 14  # days after the last collection on which material may arrive and be begun
WAIT = 21  # days that a product may wait for a courier and a bed; as in the product's search
HOME = (LinkKind.RETURN_LANE.value, LinkKind.INFUSION_BED.value)


class Start(NamedTuple):
    """A start taken at a plant: its local date (ordinal), and for how many days the line is busy."""

    plant: str
    day: int
    length: int


@dataclass
class Held:
    """The places that an order has: chair and run, return lane and bed by their ids, and the start of manufacture."""

    inbound: list[str] = field(default_factory=list)
    home: list[str] = field(default_factory=list)
    start: Start | None = None


class Offered(NamedTuple):
    """Something that is offered again and again: a window on each of its weekdays, with so many places."""

    prefix: str
    source: Source
    weekdays: frozenset[int]
    opens: int
    closes: int
    places: int
    is_home: bool = False


class Rolling:
    """A calendar around today. ``ahead``: days that can be booked; ``reserve``: share of each plant's lines."""

    def __init__(
        self, network: Network, *, ahead: int, reserve: float, reserve_days: int, measured: range = range(0)
    ) -> None:
        self.network, self.ahead, self.reserve_days, self.measured = network, ahead, reserve_days, measured
        self.lengths = network.manufacture_lengths
        self.longest = self.lengths[-1]
        self.home_days = math.ceil(
            sum(network.longest(step) for step in ("manufacture_days", "release_days", "conditioning_days"))
            + max((lane.hours for lane in network.returns), default=0) / 24
        )
        self.lines = {plant.id: plant.lines for plant in network.plants}
        self.kept = {plant.id: round(plant.lines * reserve) for plant in network.plants}
        self.places = [Place(site_id(one.id), one.id, site_id(one.id), zone_of(one.zone)) for one in self._sites()]
        self.name_of = {place.id: place.name for place in self.places}
        self.clocks: dict[str, Clock] = {place.name: place.clock for place in self.places}
        self.offered = list(self._offered())
        self.row_of: dict[str, Row] = {}
        self.taken: Counter[str] = Counter()
        self.spent: Counter[str] = Counter()  # places taken on measured days that are over, by what they are of
        self.busy: dict[str, Counter[int]] = defaultdict(Counter)
        self.closed_until: dict[str, int] = {}
        self.first = self.today = network.first_day.toordinal()
        self.calendar = Calendar(self.places)
        self.rows: dict[str, Row] = {}
        self.index: dict[str, dict[int, int]] = {}
        # Per plant and days of manufacture: left for everybody, left with the reserve.
        self.free: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
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
        since = today - BEHIND
        until = today + STRIDE + self.ahead + REACH
        self._count_spent(since)
        for plant, days in self.busy.items():
            self.busy[plant] = Counter({day: n for day, n in days.items() if day >= since - self.longest and n})
        self.calendar = Calendar(self.places)
        far = until + self.home_days + WAIT
        self.calendar.add(self._columns(one, range(since, far if one.is_home else until)) for one in self.offered)
        for one in self.offered:
            source = one.source
            self.row_of[one.prefix] = self.calendar.row(
                source.kind, source.place_id, source.lane.destination_id if source.lane else None
            )
        for made in self.network.plants:
            row = self.calendar.row(ResourceKind.MANUFACTURING_LINE, site_id(made.id))
            dates = [day_of_id(key) for key in row.ids]
            self.rows[made.id], self.index[made.id] = row, {day: nth for nth, day in enumerate(dates)}
            for length in self.lengths:
                self.free[made.id, length] = [0] * len(dates), [0] * len(dates)
            row.left = self.free[made.id, self.longest][0]
            self._refresh(made.id, dates)

    def _offered(self) -> Iterator[Offered]:
        network, every = self.network, 1_000_000
        for plant in network.plants:
            yield _place(ResourceKind.RECEIVING, plant.id, plant.receives, (0, 24), every)
            yield _place(ResourceKind.MANUFACTURING_LINE, plant.id, plant.starts, (6, 22), 0)
        closes = min(24, 9 + int(network.longest("collection_hours")))
        for center in network.centers:
            yield _place(ResourceKind.APHERESIS_CHAIR, center.id, center.collects, (8, closes), center.chairs)
            if center.beds is not None:
                beds = _place(ResourceKind.INFUSION_BED, center.id, center.infuses, (8, 20), center.beds)
                yield beds._replace(is_home=True)
        for lane in network.lanes:
            yield _lane(lane, lane.center, lane.plant)
        for lane in network.returns:
            yield _lane(lane, lane.plant, lane.center)._replace(is_home=True)

    def _columns(self, one: Offered, days: Sequence[int]) -> Columns:
        clock, begins = self.clocks[self.name_of[one.source.place_id]], dt.time(one.opens)
        chosen = [day for day in days if isoweekday(day) in one.weekdays]
        ids = [f"{one.prefix}|{day}" for day in chosen]
        if one.closes < 24:
            closes = dt.time(one.closes)
            ends = [clock.at(day, closes) for day in chosen]
        else:
            ends = [clock.day(day)[1] for day in chosen]
        left = [one.places - self.taken[key] for key in ids] if self.taken else [one.places] * len(ids)
        return Columns(one.source, ids, [clock.at(day, begins) for day in chosen], ends, left)

    def open_to(self, is_remake: bool, lengths: Mapping[str, int] | None = None) -> None:
        """Let the next search see the reserved lines, or not; ``lengths``: days of manufacture by plant."""
        for plant, row in self.rows.items():
            length = lengths[plant] if lengths else self.longest
            row.left = self.free[plant, length][is_remake]

    def take(self, links: Iterable[Taken], length: int) -> Held:
        """Take the places of a way, its line for so many days."""
        held = Held()
        for link in links:
            key = link.row.ids[link.nth]
            if link.kind == LinkKind.MANUFACTURING_LINE:
                held.start = self.take_line(self.name_of[link.row.source(link.nth).place_id], day_of_id(key), length)
            elif link.kind != LinkKind.RECEIVING:
                (held.home if link.kind in HOME else held.inbound).append(key)
                self._count(key, 1)
        return held

    def give_back(self, ids: Iterable[str]) -> None:
        for key in ids:
            self._count(key, -1)

    def take_line(self, plant: str, day: int, length: int) -> Start:
        start = Start(plant, day, length)
        self._use(start, 1)
        return start

    def give_line_back(self, start: Start) -> None:
        self._use(start, -1)

    def close(self, plant: str, until: int) -> None:
        """Let no batch begin at a plant before the local date ``until``."""
        self.closed_until[plant] = max(until, self.closed_until.get(plant, 0))
        self._refresh(plant, range(self.today - BEHIND, until))

    def used_shares(self, kind: ResourceKind, *, is_home: bool) -> dict[str, float]:
        """Return which share of the measured days' places was taken, by place (a lane: "from > to")."""
        self._count_spent(self.measured.stop + self.ahead + self.home_days + WAIT + STRIDE)
        found = {}
        for one in self.offered:
            if one.source.kind == kind and one.is_home == is_home:
                places = one.places * sum(isoweekday(day) in one.weekdays for day in self.measured)
                found[one.source.name] = round(self.spent[one.prefix] / places, 4) if places else 0.0
        return found

    def _count_spent(self, before: int) -> None:
        """Count and drop what was taken on days that are over."""
        for key in [key for key, n in self.taken.items() if not n or day_of_id(key) < before]:
            places = self.taken.pop(key)
            if day_of_id(key) in self.measured:
                self.spent[key.rsplit("|", 1)[0]] += places

    def _count(self, key: str, places: int) -> None:
        self.taken[key] += places
        row = self.row_of[key.rsplit("|", 1)[0]]
        nth = bisect_left(row.ids, key)  # the windows of a row are those of one prefix, day after day
        if nth < len(row.ids) and row.ids[nth] == key:
            row.left[nth] -= places

    def _use(self, start: Start, lines: int) -> None:
        busy = self.busy[start.plant]
        for used in range(start.day, start.day + start.length):
            busy[used] += lines
        self._refresh(start.plant, range(start.day - self.longest + 1, start.day + start.length))

    def _refresh(self, plant: str, days: Iterable[int]) -> None:
        """Work out anew how many batches may begin on these days."""
        index, busy, lines, kept = self.index[plant], self.busy[plant], self.lines[plant], self.kept[plant]
        closed, near = self.closed_until.get(plant, 0), self.today + self.reserve_days
        columns = [(length, *self.free[plant, length]) for length in self.lengths]
        for day in days:
            nth = index.get(day)
            if nth is None:
                continue
            for length, everybody, remakes in columns:
                left = lines - max([busy[used] for used in range(day, day + length)]) if day >= closed else 0
                remakes[nth] = left
                everybody[nth] = left if day <= near else left - kept


def _place(kind: ResourceKind, name: str, weekdays: frozenset[int], hours: tuple[int, int], places: int) -> Offered:
    source = Source(kind.value, site_id(name), site_id(name), name)
    return Offered(f"{kind.value}|{name}|", source, weekdays, *hours, places)


def _lane(run: LaneRun, start: str, end: str) -> Offered:
    kind = ResourceKind.COURIER_LANE.value
    lane = Lane(site_id(start), site_id(end), dt.timedelta(hours=run.hours), run.cutoff, run.runs)
    source = Source(kind, site_id(start), site_id(start), f"{start} > {end}", lane)
    return Offered(f"{kind}|{start}|{end}", source, run.runs, 6, 24, run.places)


def day_of_id(key: str) -> int:
    """Return the local date (ordinal) that a window's id ends with."""
    return int(key.rsplit("|", 1)[1])
