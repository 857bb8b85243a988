"""A network made up for so many orders a year: everything that a file can say is in it, and all of it is invented."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence

from scheduling.simulation.network import (
    WORKDAYS,
    Center,
    LaneRun,
    Network,
    Override,
    Plant,
    Process,
    QuotaRule,
    ShareOf,
)

PLANT_ZONES = ("Europe/Amsterdam", "America/New_York", "America/Los_Angeles", "Europe/Dublin", "Asia/Tokyo")
CENTER_ZONES = {
    "Europe/Amsterdam": ("Europe/Berlin", "Europe/Paris", "Europe/Madrid"),
    "Europe/Dublin": ("Europe/London", "Europe/Lisbon", "Europe/Paris"),
    "America/New_York": ("America/New_York", "America/Chicago", "America/Toronto"),
    "America/Los_Angeles": ("America/Los_Angeles", "America/Denver", "America/Vancouver"),
    "Asia/Tokyo": ("Asia/Tokyo", "Asia/Seoul", "Australia/Sydney"),
}
COUNTRIES = {
    "Europe/Berlin": "DE", "Europe/Paris": "FR", "Europe/Madrid": "ES", "Europe/London": "GB", "Europe/Lisbon": "PT",
    "America/Toronto": "CA", "America/Vancouver": "CA", "Asia/Tokyo": "JP", "Asia/Seoul": "KR",
    "Australia/Sydney": "AU",
}  # fmt: skip
ELSEWHERE = "US"
LINES_USED = 0.85  # of the fictional network, by planned batches alone
BEDS_USED = 0.7
PLANTS_NEAR = 3  # plants to which a center has a lane
RUNS_NEEDED = 3  # places of a lane back, as a multiple of the center's mean demand
POOLED = 0.4  # of the starts of a week; the rest is shared out to countries
PRECEDENCE = 5  # percent of each share, for what is made again


def fictional(orders: int, *, seed: int, centers: int = 0, plants: int = 0) -> Network:
    """Return an invented network for so many orders a year: uneven centers, a few plants, lines 85 % used."""
    chance, process = random.Random(seed), Process()  # noqa: S311  (a network that repeats for a seed)
    plants = plants or max(1, min(12, round(orders / 6000) + 1))
    centers = centers or max(2, min(400, round(orders / 250)))
    lines = math.ceil(orders * process.manufacture_days / 365 / LINES_USED)
    sizes = [chance.uniform(0.6, 1.6) for _ in range(plants)]
    made = tuple(
        Plant(f"plant-{n + 1}", PLANT_ZONES[n % len(PLANT_ZONES)], max(1, round(lines * size / sum(sizes))))
        for n, size in enumerate(sizes)
    )
    weights = [chance.lognormvariate(0, 0.6) for _ in range(centers)]
    places, lanes, returns = [], [], []
    for n, weight in enumerate(weights):
        demand = orders * weight / sum(weights)
        home = n % plants
        zone = chance.choice(CENTER_ZONES[made[home].zone])
        center = _center(f"center-{n + 1:03}", zone, demand)
        places.append(center)
        others = [p for p in range(plants) if p != home]
        near = [home, *chance.sample(others, min(PLANTS_NEAR - 1, len(others)))]
        for rank, plant in enumerate(near):
            base = chance.uniform(6, 14) if rank == 0 else chance.uniform(14, 34)
            lanes.append(LaneRun(center.id, made[plant].id, round(base, 1)))
            back = max(2, math.ceil(demand / 365 * RUNS_NEEDED))
            returns.append(LaneRun(center.id, made[plant].id, round(base, 1), places=back))
    title = f"Fictional network: {orders} orders a year, {centers} centers, {plants} plants"
    overrides = (
        Override("release_days", at_least=9, market="JP", reason="a second test for release"),
        Override("lead_days", at_least=5, market="CA", reason="approval by the payer"),
    )
    quotas = (_quota(made, places, process),)
    return Network(
        made, tuple(places), tuple(lanes), process, title=title, returns=tuple(returns), lead_times=overrides,
        quotas=quotas,
    )  # fmt: skip


def _center(name: str, zone: str, demand: float) -> Center:
    return Center(
        name, zone, max(1, math.ceil(demand / 260 * 1.3)), round(demand, 1), country=COUNTRIES.get(zone, ELSEWHERE),
        beds=max(1, math.ceil(demand / 260 / BEDS_USED)), infuses=WORKDAYS,
    )  # fmt: skip


def _quota(plants: Sequence[Plant], centers: Sequence[Center], process: Process) -> QuotaRule:
    """The starts of a week that the lines allow, shared out by the demand of countries."""
    starts = sum(plant.lines for plant in plants) * 7 / process.manufacture_days
    demand: dict[str, float] = defaultdict(float)
    for center in centers:
        demand[center.country] += center.orders_per_year
    total = sum(demand.values())
    shares = [
        ShareOf(math.ceil(starts * (1 - POOLED) * wanted / total), countries=(country,))
        for country, wanted in sorted(demand.items())
    ]
    shares.append(ShareOf(math.ceil(starts * POOLED)))
    return QuotaRule(
        "manufacturing_line", tuple(shares), "week", plants[0].zone, release_days=14, reserve_percent=PRECEDENCE
    )
