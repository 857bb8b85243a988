"""A simulation keeps what cannot be broken, and moves the right way: every order ends once, no line is used twice."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from scheduling.clocks import DAY
from scheduling.simulation import rates
from scheduling.simulation.booking import POLICIES, Policy
from scheduling.simulation.figures import Figures, quantile
from scheduling.simulation.journey import Final, Order
from scheduling.simulation.network import Network, fictional
from scheduling.simulation.world import World, simulate

RATES = rates.load()
CALM = replace(RATES, **{name: 0.0 for name in vars(RATES) if name.endswith(("slip", "show", "delay", "failure"))})
CALM = replace(CALM, out_of_specification=0, made_not_received=0, withdrawn_high=0, withdrawn_medium=0)
CALM = replace(CALM, withdrawn_low=0, outages_per_year=0)
NETWORK = fictional(500, seed=3, centers=4, plants=2)


class Watched(World):
    """Notes every order, every batch by plant and day, and most places taken, apart from the world's own counts."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.orders: list[Order] = []
        self.ended: Counter[int] = Counter()
        self.running: Counter[tuple[str, int]] = Counter()
        self.most: dict[str, int] = {}
        self.sizes: list[int] = []
        super().__init__(*args, **named)

    def _date(self, order: Order) -> bool:
        is_dated = super()._date(order)
        self.most |= {key: max(n, self.most.get(key, 0)) for key, n in self.rolling.taken.items()}
        return is_dated

    def _round(self) -> None:
        super()._round()
        days = [*self.rolling.busy.values(), *self.figures.busy.values()]
        self.sizes.append(len(self.rolling.taken) + sum(map(len, days)))

    def _order(self, number: int, center: str, moment: int) -> Order:
        self.orders.append(super()._order(number, center, moment))
        return self.orders[-1]

    def begin(self, order: Order, start: Any) -> None:
        clock = self.rolling.clocks[start.plant]
        assert clock.date(self.env.now) == start.day, "a batch begins on the day that was taken for it"
        for day in range(start.day, start.day + self.process.manufacture_days):
            self.running[start.plant, day] += 1
        super().begin(order, start)

    def finish(self, order: Order) -> None:
        self.ended[order.number] += 1
        super().finish(order)


def lived(network: Network = NETWORK, policy: str = "first_date", **named: Any) -> Watched:
    chosen = {"days": 90, "warmup": 20, "seed": 5, **named}
    world = Watched(network, POLICIES[policy], chosen.pop("rates", RATES), **chosen)
    world.run()
    return world


def figures(network: Network, policy: Policy = POLICIES["first_date"], found: rates.Rates = RATES) -> Figures:
    return simulate(network, policy, found, days=90, warmup=20, seed=5)


@pytest.mark.parametrize("policy", list(POLICIES))
def test_every_order_ends_once_and_no_place_is_taken_twice(policy: str) -> None:
    network = NETWORK.with_lines(0.8)
    world = lived(network, policy)
    assert len(world.orders) > 100
    assert set(world.ended.values()) == {1}
    assert {order.number for order in world.orders} == set(world.ended)
    assert all(order.final is not None for order in world.orders)
    counted = [order for order in world.orders if order.counts]
    assert world.figures.asked == len(counted) == sum(world.figures.ends.values())
    assert Counter(order.final for order in counted) == +world.figures.ends
    limits = {plant.id: plant.lines for plant in network.plants}
    assert world.running
    assert all(number <= limits[plant] for (plant, _), number in world.running.items())
    assert world.figures.summary()["busiest_day"] == {
        plant: max((n for (p, _), n in world.running.items() if p == plant), default=0) for plant in limits
    }
    chairs = {center.id: center.chairs for center in network.centers}
    assert {key.split("|")[0] for key in world.most} == {"apheresis_chair", "courier_lane"}
    for key, number in world.most.items():
        kind, name, _, _ = key.split("|")
        assert number <= (chairs[name] if kind == "apheresis_chair" else 50)


@pytest.mark.parametrize("policy", ["reserve", "ageing"])
def test_the_same_seed_gives_the_same_figures(policy: str) -> None:
    first, again = (figures(NETWORK, POLICIES[policy]).summary() for _ in range(2))
    other = simulate(NETWORK, POLICIES[policy], RATES, days=90, warmup=20, seed=6).summary()
    assert first == again
    assert first != other


def test_without_misfortune_everybody_is_infused_after_the_planned_days() -> None:
    found = figures(NETWORK.with_lines(3), found=CALM).summary()
    assert found["ends"][Final.INFUSED.value] == found["orders"] > 80
    # Collection, carriage, manufacture 9, release 7, the way back and conditioning 5: no more than a day of waiting.
    assert 21 < found["vein_to_vein_days"]["p50"] <= found["vein_to_vein_days"]["p90"] < 25


def test_more_lines_leave_no_more_unplaced_and_use_less_of_each() -> None:
    network = replace(NETWORK, process=replace(NETWORK.process, patience_days=20))
    found = [figures(network.with_lines(lines)).summary() for lines in (0.2, 0.4, 0.8, 1.2)]
    unplaced = [one["ends"][Final.UNPLACED.value] for one in found]
    assert unplaced == sorted(unplaced, reverse=True)
    assert unplaced[0] > unplaced[-1] == 0
    waits = [one["time_to_slot_days"]["p90"] for one in found]
    assert waits[0] > waits[-1]
    used = [max(one["utilization"].values()) for one in found]
    assert used[0] > used[-1]


def test_each_rate_leads_where_it_should() -> None:
    calm = figures(NETWORK, found=CALM).summary()
    failing = figures(NETWORK, found=replace(CALM, manufacturing_failure=0.5, remade_after_failure=0.0)).summary()
    slipping = figures(NETWORK, found=replace(CALM, slip=0.5)).summary()
    dying = figures(NETWORK, found=replace(CALM, withdrawn_high=0.9, withdrawn_medium=0.9, withdrawn_low=0.9)).summary()
    stopped = figures(NETWORK, found=replace(CALM, outages_per_year=20, outage_days=5)).summary()
    late = figures(NETWORK, found=replace(CALM, courier_delay=1.0, courier_delay_hours=40)).summary()
    assert failing["ends"][Final.FAILED.value] > 0.4 * failing["orders"]
    assert slipping["time_to_slot_days"]["p90"] > calm["time_to_slot_days"]["p90"]
    assert slipping["moves"]["dates given again"] > 0 == calm["moves"].get("dates given again", 0)
    assert dying["ends"][Final.WITHDRAWN.value] > 0 == calm["ends"][Final.WITHDRAWN.value]
    assert stopped["moves"]["starts moved"] > 0
    assert late["moves"]["starts moved"] > 0
    assert late["vein_to_vein_days"]["p90"] > calm["vein_to_vein_days"]["p90"]


def test_the_reserve_shortens_what_is_made_again_when_lines_are_scarce() -> None:
    scarce, often = NETWORK.with_lines(0.75), replace(CALM, manufacturing_failure=0.3, remade_after_failure=1.0)
    plain = figures(scarce, POLICIES["first_date"], often).summary()
    kept = figures(scarce, replace(POLICIES["reserve"], reserve=0.3), often).summary()
    assert kept["remake_slot_days"]["p50"] < plain["remake_slot_days"]["p50"]


def test_the_urgent_come_first_and_nobody_is_forgotten_under_ageing() -> None:
    scarce = NETWORK.with_lines(0.6)
    plain = figures(scarce, POLICIES["first_date"], CALM).summary()
    aged = figures(scarce, POLICIES["ageing"], CALM).summary()
    assert aged["urgent_slot_days"]["p90"] < plain["urgent_slot_days"]["p90"]
    assert aged["urgent_slot_days"]["p50"] < aged["time_to_slot_days"]["p50"]
    assert aged["ends"][Final.INFUSED.value] > 0.5 * aged["orders"]


def test_memory_does_not_grow_with_the_days() -> None:
    world = lived(days=400)
    early, late = world.sizes[80:200], world.sizes[280:400]
    assert 0 < max(late) < 1.3 * max(early)


def test_a_network_without_lanes_places_nobody() -> None:
    found = figures(replace(NETWORK, lanes=())).summary()
    ends = found["ends"]
    assert ends[Final.UNPLACED.value] + ends[Final.WITHDRAWN.value] == found["orders"] > 0
    assert found["vein_to_vein_days"] == {"p50": 0.0, "p90": 0.0}
    assert set(found["utilization"].values()) == {0.0}


def test_nobody_asks_where_there_is_no_demand() -> None:
    silent = replace(NETWORK, centers=tuple(replace(center, orders_per_year=0) for center in NETWORK.centers))
    assert figures(silent).summary()["orders"] == 0


def test_clocks_that_change_do_not_move_the_days() -> None:
    """Through the changes of clock of both continents, a batch begins on the local day taken for it (asserted)."""
    network = replace(fictional(400, seed=9, centers=6, plants=3), first_day=dt.date(2026, 2, 20))
    world = lived(network, days=60)
    assert world.ended


def test_fairness_is_even_when_all_wait_alike() -> None:
    even, uneven = Figures({}, 0, 1), Figures({}, 0, 1)
    for name in ("a", "b", "c"):
        even.slots[name].extend([5.0, 7.0])
        uneven.slots[name].extend([1.0, 1.0] if name != "c" else [10.0, 10.0])
    assert even.summary()["fairness"] == {"centers": 3, "gini": 0.0, "p90_ratio": 1.0}
    assert uneven.summary()["fairness"] == {"centers": 3, "gini": 0.5, "p90_ratio": 10.0}


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 3), (0.9, 5), (1.0, 5)])
def test_quantiles_are_of_the_nearest_rank(part: float, value: float) -> None:
    assert quantile([1, 2, 3, 4, 5], part) == value
    assert quantile([], part) == 0


def test_a_time_is_a_whole_number_of_ticks() -> None:
    world = lived(days=30)
    assert all(isinstance(order.asked, int) for order in world.orders)
    assert world.ends - world.measured == 30 * DAY
