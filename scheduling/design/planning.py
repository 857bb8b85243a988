"""Which plants to open: sets of plants, most promising first, each priced, until no set can be cheaper than the plan.

The least cost of a set is bounded before anything is solved (its plants, and everybody's cheapest way) and again by the
prices of every set that was solved before. A set whose bound is not below the best plan is never looked at. A linear
program mostly gives whole numbers at once; where it does not, ways that would cost more than is left between bound and
best plan are dropped and CP-SAT decides over the rest. Both proofs are in whole numbers (`pricing`).
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scheduling.design import exact, waiting
from scheduling.design.network import Assignment, Network, Plan
from scheduling.design.options import Arrival, Group, groups_of
from scheduling.design.pricing import FINE, Prices, fewest_lines, relax

MOST_SETS = 40_000  # of more sets of plants CP-SAT chooses by itself
MOST_PRICES = 8  # of so many solved sets the prices are kept
FIRST_WAYS = 4  # per group, on average, that CP-SAT looks at first

Counts = list[dict[Arrival, int]]


@dataclass
class Search:
    """The state of a search: the best plan so far and what is known about every other. Costs in whole units."""

    network: Network
    groups: list[Group]
    deadline: float
    seed: int
    best: int | None = None
    chosen: tuple[str, ...] = ()
    counts: Counts = field(default_factory=list)
    prices: list[tuple[Prices, list[dict[str, int]]]] = field(default_factory=list)
    open_bounds: list[int] = field(default_factory=list)  # of sets that time did not suffice for, in thousandths

    def __post_init__(self) -> None:
        scale = self.network.scale
        days = self.network.horizon_days
        self.fixed = {plant.id: int(plant.cost_per_day * scale) * days for plant in self.network.plants}
        self.therapies = int(self.network.cost_per_therapy * scale) * len(self.network.patients)
        self.remember(Prices({}, {}))

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.deadline - time.monotonic()

    def remember(self, prices: Prices) -> None:
        self.prices.append((prices, [prices.cheapest(group) for group in self.groups]))
        if len(self.prices) > MOST_PRICES:
            del self.prices[1]

    def bound(self, opened: Sequence[str], since: int = 0) -> int | None:
        """Return what a plan with these plants costs at least, in thousandths; None when somebody has no way there."""
        most = 0
        for prices, cheapest in self.prices[since:]:
            total = (self.therapies + sum(self.fixed[plant] for plant in opened)) * FINE
            total -= sum(prices.plant_rents.get(plant, 0) for plant in opened)
            for group, of_plant in zip(self.groups, cheapest, strict=True):
                values = [of_plant[plant] for plant in opened if plant in of_plant]
                if not values:
                    return None
                total += group.size * min(values)
            most = max(most, total)
        return most

    def take(self, opened: Sequence[str], counts: Counts) -> None:
        """Keep a plan when it is the best so far. A plant without a batch is not opened."""
        used = {arrival[0] for of_group in counts for arrival in of_group}
        plants = tuple(plant for plant in opened if plant in used)
        cost = self.therapies + sum(self.fixed[plant] for plant in plants)
        for group, of_group in zip(self.groups, counts, strict=True):
            cost += sum(group.ways[arrival].cost * number for arrival, number in of_group.items())
        if self.best is None or cost < self.best:
            self.best, self.chosen, self.counts = cost, plants, counts


def plan(network: Network, *, seconds: float = 60, seed: int = 1) -> Plan:
    """Return the cheapest plan with its proof, the best one found in time with its gap, or that there is none.

    Why there is none says `explanation.explain`. Repeats for a seed as long as time suffices.
    """
    groups = groups_of(network)
    search = Search(network, groups, time.monotonic() + seconds, seed)
    if not network.patients:
        return Plan("optimal", Decimal(0), Decimal(0))
    if any(not group.ways for group in groups):
        return Plan("infeasible")
    needed = fewest_lines(network, groups)
    bound = (_by_sets if _count_sets(network) <= MOST_SETS else _at_once)(search, needed)
    return _answer(search, bound)


def _sets(network: Network) -> Iterator[tuple[str, ...]]:
    names = [plant.id for plant in network.plants if plant.lines]
    most = len(names) if network.max_plants is None else min(len(names), network.max_plants)
    return itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(1, most + 1))


def _count_sets(network: Network) -> int:
    return sum(1 for _ in itertools.islice(_sets(network), MOST_SETS + 1))


def _by_sets(search: Search, needed: int) -> int | None:
    """Look at sets of plants, least bound first; return the bound of all, in thousandths (None: there is no plan)."""
    lines = {plant.id: plant.lines for plant in search.network.plants}
    queue: list[tuple[int, int, tuple[str, ...]]] = []
    for opened in _sets(search.network):
        if sum(lines[plant] for plant in opened) >= needed:
            bound = search.bound(opened)
            if bound is not None:
                queue.append((bound, 0, opened))
    heapq.heapify(queue)
    seen = {opened: len(search.prices) for _, _, opened in queue}
    solved = len(search.prices)
    while queue:
        bound, _, opened = heapq.heappop(queue)
        if search.best is not None and bound > search.best * FINE - FINE:
            break
        if search.left <= 0:
            search.open_bounds.append(bound)
            break
        if seen[opened] < solved:
            seen[opened] = solved
            heapq.heappush(queue, (max(bound, search.bound(opened) or bound), 0, opened))
            continue
        solved += _look_at(search, opened, bound)
    return min(search.open_bounds, default=None)


def _look_at(search: Search, opened: tuple[str, ...], known: int) -> int:
    """Solve one set of plants; return how many prices were learned."""
    relaxed = relax(search.network, search.groups, opened, search.left)
    if not relaxed.is_done:
        search.open_bounds.append(known)
        return 0
    if not relaxed.is_feasible:
        if not _is_impossible(search, opened):
            _decide(search, opened, None, known)
        return 0
    search.remember(relaxed.prices)
    bound = max(known, search.bound(opened, since=-1) or known)
    if relaxed.counts is not None:
        search.take(opened, relaxed.counts)
    if search.best is None or bound <= search.best * FINE - FINE:
        _decide(search, opened, relaxed.prices, bound)
    return 1


def _is_impossible(search: Search, opened: tuple[str, ...]) -> bool:
    """Whether prices prove, in whole numbers, that these plants cannot serve everybody."""
    relaxed = relax(search.network, search.groups, opened, search.left, elastic=True)
    if not relaxed.is_feasible:
        return False
    unserved = -sum(relaxed.prices.plant_rents.values())
    for group in search.groups:
        cheapest = relaxed.prices.cheapest(group, costs_count=False)
        unserved += group.size * min([FINE, *(cheapest[plant] for plant in opened if plant in cheapest)])
    return unserved > 0


def _decide(search: Search, opened: tuple[str, ...], prices: Prices | None, bound: int) -> None:
    """Find the best whole plan of a set by CP-SAT, over the ways that are cheap enough to be in a better one."""
    surplus = _surpluses(search, opened, prices or Prices({}, {}))
    paid = search.therapies + sum(search.fixed[plant] for plant in opened)
    limit = sorted(value for of_group in surplus for value in of_group.values())[
        min(sum(map(len, surplus)) - 1, FIRST_WAYS * len(search.groups))
    ]
    while True:
        room = None if search.best is None else search.best * FINE - bound
        if room is not None:
            limit = min(limit, room)
        ways = [
            {arrival: group.ways[arrival].cost for arrival, value in of_group.items() if value <= limit}
            for group, of_group in zip(search.groups, surplus, strict=True)
        ]
        below = None if search.best is None else search.best - paid
        found = exact.solve(
            search.network, search.groups, ways, seconds=search.left, seed=search.seed, fixed=opened, below=below
        )
        if found.counts is not None:
            search.take(opened, found.counts)
        everything = all(len(kept) == len(of_group) for kept, of_group in zip(ways, surplus, strict=True))
        enough = everything or (search.best is not None and search.best * FINE - bound <= limit)
        if found.is_proven and enough:
            return
        if search.left <= 0 or not found.is_proven:
            search.open_bounds.append(bound)
            return
        limit = limit * 4 + FINE if search.best is None else search.best * FINE - bound


def _surpluses(search: Search, opened: tuple[str, ...], prices: Prices) -> list[dict[Arrival, int]]:
    """What each way costs above the group's cheapest, with prices: a plan with it costs at least the bound and that."""
    found = []
    for group in search.groups:
        values = {
            arrival: way.cost * FINE + prices.way_prices.get(arrival, 0)
            for arrival, way in group.ways.items()
            if arrival[0] in opened
        }
        least = min(values.values())
        found.append({arrival: value - least for arrival, value in values.items()})
    return found


def _at_once(search: Search, needed: int) -> int | None:
    """Let CP-SAT choose among more plants than can be listed in sets."""
    ways = [{arrival: way.cost for arrival, way in group.ways.items()} for group in search.groups]
    found = exact.solve(search.network, search.groups, ways, seconds=search.left, seed=search.seed, lines_needed=needed)
    if found.counts is not None:
        search.take(found.plants, found.counts)
    return None if found.is_proven else (found.bound + search.therapies) * FINE


def _answer(search: Search, bound: int | None) -> Plan:
    """Word the result. Without anything left open, the best plan is the cheapest, or there is none."""
    scale = Decimal(search.network.scale)
    if search.best is None:
        return Plan("infeasible") if bound is None else Plan("unknown", None, Decimal(bound) / FINE / scale)
    objective = Decimal(search.best) / scale
    counts = waiting.shorten(search.network, search.groups, search.counts)
    proven = objective if bound is None else min(objective, Decimal(bound) / FINE / scale)
    status = "optimal" if bound is None or objective - proven < 1 / scale else "feasible"
    return Plan(
        status=status,
        objective=objective,
        bound=objective if status == "optimal" else proven,
        plants=search.chosen,
        assignments=tuple(_assignments(search.network, search.groups, counts)),
    )


def _assignments(network: Network, groups: Sequence[Group], counts: Counts) -> list[Assignment]:
    """Each patient's own days, in the order of the file: who is first in the file arrives first."""
    found: dict[str, Assignment] = {}
    for group, of_group in zip(groups, counts, strict=True):
        arrivals = itertools.chain.from_iterable(
            itertools.repeat(arrival, number)
            for arrival, number in sorted(of_group.items(), key=lambda entry: (entry[0][1], entry[0][0]))
        )
        for patient, arrival in zip(group.patients, arrivals, strict=True):
            found[patient.id] = group.assignment(patient, arrival)
    return [found[patient.id] for patient in network.patients]
