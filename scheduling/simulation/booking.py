"""How orders come to their dates: the policies that are compared, and the waiting list that they rank."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scheduling.clocks import DAY, instant
from scheduling.drafts import Fault, Tail, Way
from scheduling.feasibility import Planner
from scheduling.lead_times import Terms
from scheduling.offers import DEFAULT_NEEDS, ChainRequest
from scheduling.plant_ways import PlantWays
from scheduling.simulation.network import Center, Network, site_id
from scheduling.simulation.rolling import WAIT, Rolling
from scheduling.simulation.shares import Allotted, Shares
from scheduling.states import LinkKind

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


class Dated(NamedTuple):
    """A way that was found, and the durations that it was reckoned with."""

    way: Way
    terms: Terms

    @property
    def days(self) -> int:
        """For how many days a line is busy."""
        return days_of(self.terms)


class Desk:
    """Finds dates with the search's own code, and keeps the list of those who wait for one."""

    def __init__(self, network: Network, policy: Policy, measured: range = range(0)) -> None:
        self.policy, self.process = policy, network.process
        self.rolling = Rolling(
            network, ahead=policy.ahead, reserve=policy.reserve, reserve_days=policy.reserve_days, measured=measured
        )
        self.shares = Shares(network, measured)
        self.waiting: list[Order] = []
        self.searches = 0
        self._requests = {center.id: self._request(network, center) for center in network.centers}
        self._none_before: dict[tuple[str, bool], int] = {}
        self._reasons: dict[tuple[str, bool], tuple[int, str]] = {}
        self._age_days = int(self.process.max_age_hours / 24) + 2
        least = (rule.at_most for rule in network.lead_times if rule.step == "lead_days")
        self._lead_days = math.floor(min([self.process.lead_days, *(most for most in least if most is not None)]))
        self._is_plain = len(self.rolling.lengths) == 1

    def _request(self, network: Network, center: Center) -> ChainRequest:
        process = self.process
        plants = tuple(site_id(lane.plant) for lane in network.lanes if lane.center == center.id)
        needs = [*DEFAULT_NEEDS]
        if network.returns:
            needs.append(LinkKind.RETURN_LANE.value)
        if center.beds is not None:
            needs.append(LinkKind.INFUSION_BED.value)
        return ChainRequest(
            therapy_id=site_id("therapy"),
            center_site_id=site_id(center.id),
            plant_site_ids=plants,
            earliest=network.first_day,
            needs=tuple(needs),
            market=center.country,
            lead_times=tuple(
                one.rule
                for one in network.lead_times
                if one.market in ("", center.country)
                and (not one.site or one.site == center.id or site_id(one.site) in plants)
            ),
            collection_hours=process.collection_hours,
            pack_minutes=process.pack_minutes,
            max_age_hours=process.max_age_hours,
            age_buffer_hours=process.age_buffer_hours,
            manufacture_days=process.manufacture_days,
            release_days=process.release_days,
            conditioning_days=process.conditioning_days,
            lead_days=process.lead_days,
        )

    def find(self, center: str, earliest: int, now: int, *, is_remake: bool) -> Dated | None:
        """Return the best way of the first feasible date, from ``earliest`` (ticks) to the last day that is booked.

        Dates that were refused are not asked again until a place is given back: capacity else only shrinks.
        """
        key = center, is_remake
        clock = self.rolling.clocks[center]
        since, today = clock.date(earliest), clock.date(now)
        known = self._none_before.get(key, 0)
        first, last = max(since, known, today), today + self.policy.ahead
        if first > last:
            return None
        planner = self._planner(center, now, first, is_remake=is_remake)
        found = None
        for day in range(first, last + 1):
            self.searches += 1
            date = dt.date.fromordinal(day)
            self._open(planner, date, is_remake)
            ways = planner.ways(date)
            if ways:
                found = Dated(ways[0], planner.by(ways[0].plant_id, date).terms)
                break
        if since <= max(known, today + self._lead_days):
            self._none_before[key] = day if found else last + 1
        return found

    def _planner(self, center: str, now: int, first: int, *, is_remake: bool) -> Planner:
        rolling = self.rolling
        last = rolling.today + self.policy.ahead + self._age_days
        rolling.calendar.quotas = self.shares.left(
            center, first - 1, last, last + rolling.home_days + WAIT, is_remake=is_remake
        )
        return Planner(self._requests[center], rolling.calendar, instant(now))

    def _open(self, planner: Planner, date: dt.date, is_remake: bool) -> None:
        """Let lines have the places that are left of a batch of the length that holds for a date."""
        if self._is_plain:
            self.rolling.open_to(is_remake)
            return
        self.rolling.open_to(
            is_remake, {plant: days_of(planner.by(site_id(plant), date).terms) for plant in self.rolling.lines}
        )

    def next_start(self, order: Order, oldest: int, now: int) -> Dated | None:
        """Return the way from the first start at an order's plant that has an end, for material that has arrived."""
        ways = self._ways(order, now)
        way = next(ways.started((), now, now, oldest, ways.ending(None, order.transit)), None)
        return Dated(way, ways.terms) if way else None

    def way_home(self, order: Order, now: int) -> Tail | None:
        """Return courier and bed of a product that is released now, or None when there are none."""
        ways = self._ways(order, now)
        tail = ways.ending(None, order.transit).tail(now - ways.terms.manufacture - ways.terms.release)
        return tail if isinstance(tail, Tail) else None

    def _ways(self, order: Order, now: int) -> PlantWays:
        """The durations of the day of collection hold."""
        clock = self.rolling.clocks[order.center]
        date = dt.date.fromordinal(clock.date(order.collected))
        planner = self._planner(order.center, now, clock.date(now), is_remake=order.is_remake)
        self._open(planner, date, True)
        return planner.by(site_id(order.plant), date)

    def why_none(self, center: str, now: int, *, is_remake: bool) -> str:
        """Return the code of what the dates of the last bookable week miss: that of the way that came furthest."""
        last = self.rolling.clocks[center].date(now) + self.policy.ahead
        known = self._reasons.get((center, is_remake))
        if known is None or known[0] != last:
            planner = self._planner(center, now, last - 6, is_remake=is_remake)
            faults: list[Fault] = []
            for date in (dt.date.fromordinal(day) for day in range(last - 6, last + 1)):
                self._open(planner, date, is_remake)
                fault = planner.plan(date)[1]
                faults += [fault] if fault else []
            code = max(faults, key=lambda fault: fault.stage).code if faults else "found_too_late"
            known = self._reasons[center, is_remake] = last, code
        return known[1]

    def forget(self, day: int, plants: bool = True, center: str = "") -> None:
        """A place was given back on a local date: dates from which it can be used are asked again."""
        for key, none_before in self._none_before.items():
            if (plants or key[0] == center) and none_before > day - self._age_days:
                self._none_before[key] = day - self._age_days

    def forget_rows(self, rows: Iterable[Allotted], center: str) -> None:
        """Places of quotas were given back: their periods are asked again, of a center's own share by itself."""
        for row in rows:
            self.forget(row.first, plants=row.share != "center", center=center)

    def ranked(self, now: int) -> list[Order]:
        """Return who waits in the order in which dates are given."""
        if not self.policy.is_ranked:
            return list(self.waiting)
        ageing = self.policy.ageing_days
        return sorted(
            self.waiting, key=lambda o: (not o.is_remake, o.urgency * ageing - (now - o.asked) / DAY, o.number)
        )


def days_of(terms: Terms) -> int:
    """Return for how many local days a batch keeps its line, the first included."""
    return math.ceil(terms.manufacture / DAY)
