"""How orders come to their dates: the policies that are compared, and the waiting list that they rank."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.clocks import DAY, instant
from scheduling.drafts import Miss, Taken, Way
from scheduling.feasibility import Planner
from scheduling.offers import ChainRequest
from scheduling.simulation.network import Network, site_id
from scheduling.simulation.rolling import Rolling

if TYPE_CHECKING:
    from scheduling.simulation.journey import Order


@dataclass(frozen=True)
class Policy:
    """``reserve``: share of lines kept for what is made again until ``reserve_days`` before. ``is_ranked``: dates are
    given once a day by urgency, ``ahead`` days ahead; a lower urgency counts as ``ageing_days`` waited less (the guard:
    whoever waits long enough comes first). Otherwise whoever asks first gets the first feasible date."""

    name: str
    title: str
    reserve: float = 0.0
    reserve_days: int = 5
    ahead: int = 60
    is_ranked: bool = False
    ageing_days: int = 14


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("first_date", "first feasible date, first come first served"),
        Policy("reserve", "the same, 5 % of the lines kept for what is made again until 5 days before", reserve=0.05),
        Policy("ageing", "once a day by urgency with an ageing guard, 21 days ahead", ahead=21, is_ranked=True),
    )
}


class Desk:
    """Finds dates with the search's own code, and keeps the list of those who wait for one."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self.policy, self.process = policy, network.process
        self.rolling = Rolling(network, ahead=policy.ahead, reserve=policy.reserve, reserve_days=policy.reserve_days)
        self.waiting: list[Order] = []
        self.searches = 0
        self._requests = {center.id: self._request(network, center.id) for center in network.centers}
        self._none_before: dict[tuple[str, bool], int] = {}
        self._age_days = int(self.process.max_age_hours / 24) + 2

    def _request(self, network: Network, center: str) -> ChainRequest:
        process = self.process
        plants = tuple(site_id(lane.plant) for lane in network.lanes if lane.center == center)
        return ChainRequest(
            therapy_id=site_id("therapy"),
            center_site_id=site_id(center),
            plant_site_ids=plants,
            earliest=network.first_day,
            collection_hours=process.collection_hours,
            pack_minutes=process.pack_minutes,
            max_age_hours=process.max_age_hours,
            age_buffer_hours=process.age_buffer_hours,
            manufacture_days=process.manufacture_days,
            release_days=process.release_days,
            conditioning_days=process.conditioning_days,
            lead_days=process.lead_days,
        )

    def find(self, center: str, earliest: int, now: int, *, is_remake: bool) -> Way | None:
        """Return the best way of the first feasible date, from ``earliest`` (ticks) to the last day that is booked.

        Dates that were refused are not asked again until a place is given back: capacity else only shrinks.
        """
        request, key = self._requests[center], (center, is_remake)
        clock = self.rolling.clocks[center]
        since = clock.date(earliest)
        first = max(since, self._none_before.get(key, 0))
        last = clock.date(now) + self.policy.ahead
        if first > last:
            return None
        self.rolling.open_to(is_remake)
        planner = Planner(request, self.rolling.calendar, instant(now))
        found = None
        for day in range(first, last + 1):
            self.searches += 1
            ways = planner.ways(dt.date.fromordinal(day))
            if ways:
                found = ways[0]
                break
        if since <= max(self._none_before.get(key, 0), clock.date(now) + self.process.lead_days):
            self._none_before[key] = day if found else last + 1
        return found

    def next_start(self, plant: str, center: str, arrival: int, oldest: int, now: int) -> tuple[int, Taken] | None:
        """Return the first start at a plant from an arrival on, for material that is there or on its way."""
        self.rolling.open_to(True)
        planner = Planner(self._requests[center], self.rolling.calendar, instant(now))
        ways = planner.by(site_id(plant), self._requests[center].earliest)
        for found in ways.at_plant.starts(arrival, oldest, ways.terms.manufacture):
            if not isinstance(found, Miss):
                return found[0], found[1][0]
        return None

    def forget(self, day: int, plants: bool = True, center: str = "") -> None:
        """A place was given back on a local date: dates from which it can be used are asked again."""
        for key, none_before in self._none_before.items():
            if (plants or key[0] == center) and none_before > day - self._age_days:
                self._none_before[key] = day - self._age_days

    def ranked(self, now: int) -> list[Order]:
        """Return who waits in the order in which dates are given."""
        if not self.policy.is_ranked:
            return list(self.waiting)
        ageing = self.policy.ageing_days
        return sorted(
            self.waiting, key=lambda o: (not o.is_remake, o.urgency * ageing - (now - o.asked) / DAY, o.number)
        )
