"""The world of a simulation: orders arrive, days begin, plants stop, and the desk gives dates."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterable, Iterator
from typing import Any

import simpy

from scheduling.clocks import DAY, EPOCH_DAY, FAR
from scheduling.drafts import Tail, Taken
from scheduling.simulation.booking import Desk, Policy
from scheduling.simulation.figures import Figures
from scheduling.simulation.journey import HIGH, LOW, MEDIUM, WAIT_OF_RATE, Final, Order, Steps, live
from scheduling.simulation.network import Center, Network
from scheduling.simulation.rates import Rates
from scheduling.simulation.rolling import Start, day_of_id
from scheduling.states import LinkKind, ResourceKind

MORNING = DAY // 4  # the desk's daily round begins at 06:00 UTC


class World:
    """``days`` are measured after ``warmup`` days; orders asked until then are lived to their end, without new ones."""

    def __init__(self, network: Network, policy: Policy, rates: Rates, *, days: int, warmup: int, seed: int) -> None:
        self.network, self.policy, self.rates, self.process, self.seed = network, policy, rates, network.process, seed
        self.begins = (network.first_day.toordinal() - EPOCH_DAY) * DAY
        self.measured = self.begins + warmup * DAY
        self.ends = self.measured + days * DAY
        self.env = simpy.Environment(initial_time=self.begins)
        first = network.first_day.toordinal() + warmup
        self.measured_days = range(first, first + days)
        self.desk = Desk(network, policy, self.measured_days)
        self.rolling = self.desk.rolling
        self.figures = Figures({plant.id: plant.lines for plant in network.plants}, first, first + days)
        self.open = 0
        self.is_over = False

    @property
    def now(self) -> int:
        """The time in ticks: whole, as every delay is."""
        return int(self.env.now)

    def run(self) -> Figures:
        """Live through it all and return what was counted."""
        self.env.process(self._days())
        self.env.process(self._arrivals())
        for plant in self.network.plants:
            self.env.process(self._outages(plant.id))
        while not self.is_over:
            self.env.step()
        self._close()
        return self.figures

    def _close(self) -> None:
        """Count what the calendar and the quotas have seen."""
        shares, figures = self.desk.shares, self.figures
        shares.forget(FAR)
        figures.quotas = shares.use()
        figures.shares_used = {
            "chairs": self.rolling.used_shares(ResourceKind.APHERESIS_CHAIR, is_home=False),
            "beds": self.rolling.used_shares(ResourceKind.INFUSION_BED, is_home=True),
            "lanes": self.rolling.used_shares(ResourceKind.COURIER_LANE, is_home=False),
            "return_lanes": self.rolling.used_shares(ResourceKind.COURIER_LANE, is_home=True),
        }

    def _arrivals(self) -> Steps:
        asked = heapq.merge(*(self._times(center) for center in self.network.centers))
        for number, (moment, center) in enumerate(asked):
            if moment >= self.ends:
                break
            yield self.env.timeout(moment - self.now)
            self.open += 1
            order = self._order(number, center, moment)
            self.figures.asked += order.counts
            self.env.process(live(self, order))

    def _times(self, center: Center) -> Iterator[tuple[int, str]]:
        """When a center asks: a Poisson stream of its own seed, the same under every policy."""
        chance, moment = random.Random(f"{self.seed}:{center.id}"), float(self.begins)  # noqa: S311  (repeats)
        while center.orders_per_year and moment < self.ends:
            moment += chance.expovariate(center.orders_per_year / (365 * DAY))
            yield round(moment), center.id

    def _order(self, number: int, center: str, moment: int) -> Order:
        chance, rates = random.Random(f"{self.seed}:{number}"), self.rates  # noqa: S311
        drawn = chance.random()
        urgency = HIGH if drawn < rates.urgent_high else LOW if drawn > 1 - rates.urgent_low else MEDIUM
        share = (rates.withdrawn_high, rates.withdrawn_medium, rates.withdrawn_low)[urgency]
        wait = 1e18 if share <= 0 else WAIT_OF_RATE * math.log(1 - chance.random()) / math.log(1 - min(share, 0.999))
        return Order(
            number, center, moment, urgency, moment + round(min(wait, 1e17)), chance, moment >= self.measured,
            earliest=moment, patience_from=moment,
        )  # fmt: skip

    def _days(self) -> Steps:
        """Each morning: the calendar rolls, and who waits is given dates in the policy's order."""
        yield self.env.timeout(MORNING)
        while True:
            today = EPOCH_DAY + self.now // DAY
            if self.policy.reserve:
                self.desk.forget(today + self.policy.reserve_days)
            self.rolling.pass_to(today)
            for day in self.desk.shares.release(today):
                self.desk.forget(day)
            self.desk.shares.forget(today - self.rolling.longest)
            self.figures.forget(today - self.rolling.longest - 2)
            self._round()
            if self.now >= self.ends and not self.open:
                self.is_over = True
                return
            yield self.env.timeout(DAY)

    def _round(self) -> None:
        now, patience = self.now, self.process.patience_days * DAY
        still = []
        for order in self.desk.ranked(now):
            if order.dies <= now:
                self._answer(order, Final.WITHDRAWN)
            elif now - order.patience_from > patience:
                self._give_up(order, now)
            elif not self._date(order):
                still.append(order)
        self.desk.waiting = still

    def _give_up(self, order: Order, now: int) -> None:
        if order.counts:
            why = self.desk.why_none(order.center, now, is_remake=order.is_remake)
            self.figures.unplaced["made again" if order.attempts else "first"][why] += 1
        self._answer(order, Final.FAILED if order.attempts else Final.UNPLACED)

    def ask(self, order: Order) -> None:
        """An order wants a date: at once, or with the next round."""
        if self.policy.is_ranked or not self._date(order):
            self.desk.waiting.append(order)

    def _date(self, order: Order) -> bool:
        found = self.desk.find(order.center, order.earliest, self.now, is_remake=order.is_remake)
        if found is not None:
            # Taken before the process resumes: who asks within the same moment must not find the same places.
            order.held = self.rolling.take(found.way.links, found.days)
            self._take_quotas(order, found.way.links)
            self._answer(order, found)
        return found is not None

    def _take_quotas(self, order: Order, links: Iterable[Taken]) -> None:
        starts = {link.kind: link.start for link in links}
        order.uses |= self.desk.shares.take(order.center, starts, is_remake=order.is_remake)

    def _answer(self, order: Order, answer: Any) -> None:
        if order.dated is not None:
            order.dated.succeed(answer)

    def ask_again(self, order: Order) -> None:
        """The next date is for a new attempt, with new patience."""
        self.figures.told["dates given again"] += order.counts
        order.earliest = max(order.earliest, self.now)
        order.patience_from = self.now

    def give_back(self, order: Order, *, inbound: bool = True, line: bool = True, home: bool = True) -> None:
        """Give places and what they cost of quotas back: chair and run, start of manufacture, courier and bed home."""
        held, desk = order.held, self.desk
        kinds: list[str] = []
        if inbound:
            self._give_ids_back(order, held.inbound, desk.rolling.longest)
            held.inbound = []
            kinds.append(LinkKind.APHERESIS_CHAIR)
        if line and held.start is not None:
            self.rolling.give_line_back(held.start)
            desk.forget(held.start.day)
            held.start = None
            kinds += (LinkKind.RECEIVING, LinkKind.MANUFACTURING_LINE)
        if home:
            self._give_ids_back(order, held.home, self.rolling.home_days)
            held.home = []
            kinds.append(LinkKind.INFUSION_BED)
        uses = [order.uses.pop(kind) for kind in kinds if kind in order.uses]
        desk.forget_rows(desk.shares.give_back(uses), order.center)

    def _give_ids_back(self, order: Order, ids: list[str], days: int) -> None:
        """``days``: so long before them a collection could have used these places."""
        self.rolling.give_back(ids)
        if ids:
            self.desk.forget(min(map(day_of_id, ids)) - days, plants=False, center=order.center)

    def may_start(self, start: Start) -> bool:
        return start.day >= self.rolling.closed_until.get(start.plant, 0)

    def restart(self, order: Order, oldest: int) -> tuple[int, Tail] | None:
        """Give another start, with its way home, to material that misses its own or has none; None when it grows too
        old before there is one."""
        self.give_back(order, inbound=False)
        self.figures.told["starts moved"] += order.counts
        found = self.desk.next_start(order, oldest, self.now)
        if found is None:
            return None
        held = self.rolling.take(found.way.links, found.days)
        order.held.start, order.held.home = held.start, held.home
        self._take_quotas(order, found.way.links)
        return found.way.start, found.way.tail

    def way_home(self, order: Order) -> Tail | None:
        """Take courier and bed for a product that is released now; None when there are none."""
        tail = self.desk.way_home(order, self.now)
        if tail is not None:
            order.held.home = self.rolling.take(tail.taken, 0).home
            self._take_quotas(order, tail.taken)
        return tail

    def collected(self, order: Order) -> None:
        """Chair and run are used, and the place in receiving will be."""
        order.held.inbound = []
        for kind in (LinkKind.APHERESIS_CHAIR, LinkKind.RECEIVING):
            order.uses.pop(kind, None)

    def begin(self, order: Order) -> None:
        """A batch begins: its line is busy from now on, whatever becomes of it."""
        self.figures.begun(*order.start)
        order.held.start = None
        order.uses.pop(LinkKind.MANUFACTURING_LINE, None)

    def end(self, order: Order, final: Final) -> Final:
        """What was kept for the way home is not needed."""
        self.give_back(order, inbound=False, line=False)
        return final

    def finish(self, order: Order) -> None:
        self.open -= 1
        self.figures.ended(order)

    def _outages(self, plant: str) -> Steps:
        rates, chance = self.rates, random.Random(f"{self.seed}:{plant}")  # noqa: S311
        if not rates.outages_per_year or not rates.outage_days:
            return
        while True:
            yield self.env.timeout(round(chance.expovariate(rates.outages_per_year / (365 * DAY))))
            length = math.ceil(chance.expovariate(1 / rates.outage_days))
            self.figures.told["outages"] += self.measured <= self.now < self.ends
            self.rolling.close(plant, EPOCH_DAY + self.now // DAY + length)


def simulate(
    network: Network, policy: Policy, rates: Rates, *, days: int = 365, warmup: int = 60, seed: int = 1
) -> Figures:
    """Live a network through and return the figures; repeats for a seed."""
    return World(network, policy, rates, days=days, warmup=warmup, seed=seed).run()
