"""One order's life, as a process of SimPy: asked, dated, collected, carried, made, decided, infused, or ended before.

Times are ticks, as in the search. What happens to an order is drawn from its own seed and attempt, so that policies are
compared on the same misfortunes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import simpy

from scheduling.clocks import DAY, HOUR
from scheduling.drafts import Tail
from scheduling.simulation.booking import Dated
from scheduling.simulation.rolling import Held, Start
from scheduling.simulation.shares import Use
from scheduling.states import LinkKind

if TYPE_CHECKING:
    from scheduling.simulation.world import World

Steps = Generator[simpy.Event, Any, Any]
HIGH, MEDIUM, LOW = range(3)
MOST_ATTEMPTS = 3  # collections that end in manufacture
WAIT_OF_RATE = 42 * DAY  # the published shares are of so much waiting
STORED = 60 * DAY  # within which reserve material must be begun


class Final(Enum):
    """How an order ends: every order in exactly one way."""

    INFUSED = "infused"
    INFUSED_OOS = "infused out of specification"
    FAILED = "made in vain"
    NOT_RECEIVED = "made but not received"
    WITHDRAWN = "withdrawn or died before collection"
    UNPLACED = "unplaced"


@dataclass
class Order:
    number: int
    center: str
    asked: int  # ticks
    urgency: int
    dies: int  # ticks: without a collection by then the order ends
    chance: random.Random
    counts: bool  # asked within the days that are measured
    earliest: int = 0
    patience_from: int = 0
    attempts: int = 0
    is_remake: bool = False
    is_made_again: bool = False  # after a failure: its own rates
    remake_asked: int = 0
    slot_after: int | None = None  # ticks from asking to the first collection
    collected: int = 0  # ticks: start of the last collection
    plant: str = ""  # where its material is made
    transit: int = 0
    held: Held = field(default_factory=Held)
    uses: dict[str, Use] = field(default_factory=dict)  # places of quotas, by stage
    dated: simpy.Event | None = None
    final: Final | None = None
    draws: dict[str, float] = field(default_factory=dict)

    def happens(self, share: float, what: str) -> bool:
        """Whether something of a share happens in this attempt; each kind is drawn once per attempt."""
        return self.draws[what] < share

    def draw(self) -> None:
        self.draws = {name: self.chance.random() for name in DRAWN}

    @property
    def start(self) -> Start:
        """The start of manufacture that it has."""
        if self.held.start is None:
            raise RuntimeError(f"order {self.number} has no start of manufacture")
        return self.held.start


DRAWN = (
    "slip", "no_show", "delay", "delay_length", "failure", "remade", "oos", "oos_infused", "recollected", "received",
    "failed_infused",
)  # fmt: skip


def live(world: World, order: Order) -> Steps:
    """Take an order to its end."""
    while order.final is None:
        dated = yield from _wait_for_date(world, order)
        if isinstance(dated, Final):
            order.final = dated
            break
        collected = yield from _until_collected(world, order, dated)
        if collected is None:
            world.ask_again(order)
            continue
        if collected is not True:
            order.final = collected
            break
        order.final = yield from _carry_and_make(world, order, dated)
    world.finish(order)


def _wait_for_date(world: World, order: Order) -> Steps:
    order.draw()
    order.dated = world.env.event()
    world.ask(order)
    result = yield order.dated
    order.dated = None
    return result


def _until_collected(world: World, order: Order, dated: Dated) -> Steps:
    """Return True once collected, None when another date is needed, or the end."""
    rates, env, way = world.rates, world.env, dated.way
    if order.dies <= way.collection_start:
        yield env.timeout(max(0, order.dies - world.now))
        world.give_back(order)
        return Final.WITHDRAWN
    if order.happens(rates.slip, "slip"):
        yield env.timeout(max(0, way.collection_start - DAY - world.now))
        world.give_back(order)
        order.earliest = way.collection_start + round(rates.slip_days * DAY)
        return None
    yield env.timeout(way.collection_start - world.now)
    if order.happens(rates.no_show, "no_show"):
        world.give_back(order, inbound=False)  # chair and run are lost, the rest is not
        order.earliest = world.now + DAY
        return None
    if order.slot_after is None:
        order.slot_after = world.now - order.asked
    elif order.is_remake:
        world.figures.collected_again(order, world.now - order.remake_asked)
    order.collected, order.transit = way.collection_start, way.arrival - way.pickup
    order.plant = order.start.plant
    world.collected(order)
    return True


def _carry_and_make(world: World, order: Order, dated: Dated) -> Steps:
    """Return the end, or None when the order needs a new collection."""
    rates, env, way = world.rates, world.env, dated.way
    order.attempts += 1
    oldest, arrival = way.collection_end + round(world.process.max_age_hours * HOUR), way.arrival
    if order.happens(rates.courier_delay, "delay"):
        arrival += round(-math.log(1 - order.draws["delay_length"]) * rates.courier_delay_hours * HOUR)
    yield env.timeout(arrival - world.now)
    found: tuple[int, Tail] | None = way.start, way.tail
    if arrival > way.start or not world.may_start(order.start):
        found = world.restart(order, oldest)
    while True:
        while found is not None:
            yield env.timeout(found[0] - world.now)
            if world.may_start(order.start):
                break
            found = world.restart(order, oldest)
        if found is None:
            return _lost(world, order)
        end = yield from _make(world, order, dated, found[1])
        if end is not RESERVE:
            return end
        order.attempts += 1  # from reserve material: another start, no collection
        order.draw()
        oldest = world.now + STORED
        found = world.restart(order, oldest)


RESERVE = object()


def _make(world: World, order: Order, dated: Dated, tail: Tail) -> Steps:
    """Manufacture, release and the way to the infusion: return the end, RESERVE, or None for a new collection."""
    rates, env, terms = world.rates, world.env, dated.terms
    world.begin(order)
    failure = rates.remake_not_infused if order.is_made_again else rates.manufacturing_failure
    yield env.timeout(terms.manufacture)
    has_failed, is_oos = order.happens(failure, "failure"), False
    if has_failed:
        if order.happens(rates.remade_after_failure, "remade"):
            return _again(world, order)
        if not order.happens(rates.failed_but_infused, "failed_infused"):
            return world.end(order, Final.FAILED)
    yield env.timeout(terms.release)
    if has_failed or order.happens(rates.out_of_specification, "oos"):
        is_oos = True
        yield env.timeout(round(rates.decision_days * DAY))
        if not has_failed and not order.happens(rates.infused_out_of_specification, "oos_infused"):
            if order.happens(rates.remade_after_failure, "remade"):
                return _again(world, order)
            return world.end(order, Final.FAILED)
    if not order.is_made_again and order.happens(rates.made_not_received, "received"):
        return world.end(order, Final.NOT_RECEIVED)
    if world.now > _leaves(order, tail):
        found = yield from _way_home(world, order)
        if found is None:
            return world.end(order, Final.NOT_RECEIVED)
        tail = found
    yield env.timeout(tail.infusion - world.now)
    world.figures.infused(order, world.now - order.collected)
    return Final.INFUSED_OOS if is_oos else Final.INFUSED


def _leaves(order: Order, tail: Tail) -> int:
    """Return by when a product must be released: the pickup of its courier, or when it was to set out without one."""
    pickup = (one.start for one in tail.taken if one.kind == LinkKind.RETURN_LANE)
    return next(pickup, tail.back - order.transit)


def _way_home(world: World, order: Order) -> Steps:
    """Return another courier and bed for a product that is late, asked every day; None when none comes up in time."""
    begun = world.now
    world.give_back(order, inbound=False, line=False)
    while world.now - begun <= world.process.patience_days * DAY:
        found = world.way_home(order)
        if found is not None:
            return found
        yield world.env.timeout(DAY)
    return None


def _again(world: World, order: Order) -> Any:
    """Make a batch again, once more from reserve material or from a new collection."""
    world.give_back(order, inbound=False, line=False)
    order.is_made_again = True
    if order.attempts >= MOST_ATTEMPTS:
        return Final.FAILED
    if not order.happens(world.rates.recollected_for_remake, "recollected"):
        return RESERVE
    return _lost(world, order)


def _lost(world: World, order: Order) -> Final | None:
    """The material is of no use: a new collection, with the precedence of what is made again."""
    if order.attempts >= MOST_ATTEMPTS:
        return Final.FAILED
    order.is_remake, order.remake_asked = True, world.now
    order.dies = world.now + order.dies - order.asked
    world.ask_again(order)
    return None
