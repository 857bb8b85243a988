"""A world that is watched: every order, batch, place and quota, counted apart from the world's own counts."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any

from scheduling.simulation.journey import Final, Order
from scheduling.simulation.world import World


class Watched(World):
    """Notes what happens; ``check`` holds it against what can be."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.orders: list[Order] = []
        self.ended: Counter[int] = Counter()
        self.running: Counter[tuple[str, int]] = Counter()
        self.most: dict[str, int] = {}
        self.sizes: list[int] = []
        self.infused: Counter[int] = Counter()
        self.in_bed: Counter[tuple[str, int]] = Counter()
        self.lengths: dict[str, list[int]] = defaultdict(list)
        super().__init__(*args, **named)
        self.figures.infused = self._infused  # type: ignore[method-assign]

    def _infused(self, order: Order, length: int) -> None:
        type(self.figures).infused(self.figures, order, length)
        self.infused[order.number] += 1
        self.lengths[order.center].append(length)
        date = self.rolling.clocks[order.center].date(self.now)
        self.in_bed[order.center, date] += 1
        beds = [key for key in order.held.home if key.startswith("infusion_bed")]
        assert all(int(key.rsplit("|", 1)[1]) == date for key in beds), "an infusion is on the day of its bed"

    def _take_quotas(self, order: Order, links: Any) -> None:
        super()._take_quotas(order, links)
        self.most |= {key: max(n, self.most.get(key, 0)) for key, n in self.rolling.taken.items()}
        for use in order.uses.values():
            row = use.row
            assert row.used + row.remade <= row.places, "a quota is never oversold"
            assert row.used + row.reserve <= max(row.places, row.reserve), "ordinary places leave the reserve alone"

    def _round(self) -> None:
        super()._round()
        days = [*self.rolling.busy.values(), *self.figures.busy.values()]
        self.sizes.append(len(self.rolling.taken) + sum(map(len, days)))

    def _order(self, number: int, center: str, moment: int) -> Order:
        self.orders.append(super()._order(number, center, moment))
        return self.orders[-1]

    def begin(self, order: Order) -> None:
        start = order.start
        assert self.rolling.clocks[start.plant].date(self.now) == start.day, "a batch begins on the day taken for it"
        for day in range(start.day, start.day + start.length):
            self.running[start.plant, day] += 1
        super().begin(order)

    def finish(self, order: Order) -> None:
        self.ended[order.number] += 1
        super().finish(order)


def check(world: Watched) -> None:
    """Every order ended once and was served at most once; no place was taken twice; the figures say so."""
    network, orders = world.network, world.orders
    assert set(world.ended.values()) <= {1}
    assert {order.number for order in orders} == set(world.ended)
    counted = [order for order in orders if order.counts]
    assert world.figures.asked == len(counted) == sum(world.figures.ends.values())
    assert Counter(order.final for order in counted) == +world.figures.ends
    served = {order.number for order in orders if order.final in (Final.INFUSED, Final.INFUSED_OOS)}
    assert set(world.infused) == served
    assert set(world.infused.values()) <= {1}
    lines = {plant.id: plant.lines for plant in network.plants}
    assert all(number <= lines[plant] for (plant, _), number in world.running.items())
    beds = {center.id: center.beds for center in network.centers if center.beds is not None}
    assert all(number <= beds[center] for (center, _), number in world.in_bed.items() if center in beds)
    places = {f"apheresis_chair|{center.id}|": center.chairs for center in network.centers}
    places |= {f"infusion_bed|{center}|": number for center, number in beds.items()}
    places |= {f"courier_lane|{lane.center}|{lane.plant}": lane.places for lane in network.lanes}
    places |= {f"courier_lane|{lane.plant}|{lane.center}": lane.places for lane in network.returns}
    assert all(0 <= number <= places[key.rsplit("|", 1)[0]] for key, number in world.most.items())
    used = world.figures.summary()["used"]
    assert all(0 <= share <= 1 for kind in used.values() for share in kind.values())
    unplaced = sum(world.figures.summary()["unplaced_by_reason"].values())
    assert unplaced == world.figures.ends[Final.UNPLACED]
    for rule in network.quotas:
        starts = (dt.date.fromordinal(day) for day in world.measured_days)
        periods = sum(day.day == 1 if rule.period == "month" else day.isoweekday() == 1 for day in starts)
        told = world.figures.quotas[rule.stage]
        assert {name: one["places"] for name, one in told.items()} == {
            share.label: share.places * periods for share in rule.shares
        }
