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
from scheduling.drafts import Way
from scheduling.simulation.rolling import Start

if TYPE_CHECKING:
    from scheduling.simulation.world import World

Steps = Generator[simpy.Event, Any, Any]
HIGH, MEDIUM, LOW = range(3)
MOST_ATTEMPTS = 3  # collections that end in manufacture
WAIT_OF_RATE = 42 * DAY  # the published shares are of so much waiting


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
    remake_asked: int = 0
    slot_after: int | None = None  # ticks from asking to the first collection
    dated: simpy.Event | None = None
    final: Final | None = None
    draws: dict[str, float] = field(default_factory=dict)

    def happens(self, share: float, what: str) -> bool:
        """Whether something of a share happens in this attempt; each kind is drawn once per attempt."""
        return self.draws[what] < share

    def draw(self) -> None:
        self.draws = {name: self.chance.random() for name in DRAWN}


DRAWN = (
    "slip", "no_show", "delay", "delay_length", "failure", "remade", "oos", "oos_infused", "recollected", "received",
)  # fmt: skip


def live(world: World, order: Order) -> Steps:
    """Take an order to its end."""
    while order.final is None:
        dated = yield from _wait_for_date(world, order)
        if isinstance(dated, Final):
            order.final = dated
            break
        way, ids, start = dated
        collected = yield from _until_collected(world, order, way, ids, start)
        if collected is None:
            world.ask_again(order)
            continue
        if collected is not True:
            order.final = collected
            break
        order.final = yield from _carry_and_make(world, order, way, start)
    world.finish(order)


def _wait_for_date(world: World, order: Order) -> Steps:
    order.draw()
    order.dated = world.env.event()
    world.ask(order)
    result = yield order.dated
    order.dated = None
    return result


def _until_collected(world: World, order: Order, way: Way, ids: list[str], start: Start) -> Steps:
    """Return True once collected, None when another date is needed, or the end."""
    rates, env = world.rates, world.env
    if order.dies <= way.collection_start:
        yield env.timeout(max(0, order.dies - world.now))
        world.give_back(order, ids, start)
        return Final.WITHDRAWN
    if order.happens(rates.slip, "slip"):
        yield env.timeout(max(0, way.collection_start - DAY - world.now))
        world.give_back(order, ids, start)
        order.earliest = way.collection_start + round(rates.slip_days * DAY)
        return None
    yield env.timeout(way.collection_start - world.now)
    if order.happens(rates.no_show, "no_show"):
        world.give_back(order, [], start)  # chair and run are lost, the line is not
        order.earliest = world.now + DAY
        return None
    if order.slot_after is None:
        order.slot_after = world.now - order.asked
    elif order.is_remake:
        world.figures.collected_again(order, world.now - order.remake_asked)
    return True


def _carry_and_make(world: World, order: Order, way: Way, start: Start) -> Steps:
    """Return the end, or None when the order needs a new collection."""
    rates, env = world.rates, world.env
    order.attempts += 1
    plant, oldest = start.plant, way.collection_end + round(world.process.max_age_hours * HOUR)
    arrival = way.arrival
    if order.happens(rates.courier_delay, "delay"):
        arrival += round(-math.log(1 - order.draws["delay_length"]) * rates.courier_delay_hours * HOUR)
    yield env.timeout(arrival - world.now)
    begun: int | None = way.start
    if arrival > way.start or not world.may_start(start):
        begun, start = world.restart(order, start, arrival, oldest)
    while begun is not None:
        yield env.timeout(begun - world.now)
        if world.may_start(start):
            break
        begun, start = world.restart(order, start, world.now, oldest)
    if begun is None:
        return _lost(world, order)
    end = yield from _make(world, order, start)
    while end is RESERVE:  # from reserve material: another start, no collection
        order.attempts += 1
        order.draw()
        begun, start = world.restart(order, None, world.now, world.now + 60 * DAY, plant)
        while begun is not None:
            yield env.timeout(begun - world.now)
            if world.may_start(start):
                break
            begun, start = world.restart(order, start, world.now, world.now + 60 * DAY)
        if begun is None:
            return _lost(world, order)
        end = yield from _make(world, order, start)
    if end in (Final.INFUSED, Final.INFUSED_OOS):
        back = round(world.process.conditioning_days * DAY) + (way.arrival - way.pickup)
        yield env.timeout(back)
        world.figures.infused(order, world.now - way.collection_start)
    return end


RESERVE = object()


def _make(world: World, order: Order, start: Start) -> Steps:
    """Manufacture and release: return the end, RESERVE, or None for a new collection."""
    rates, env, process = world.rates, world.env, world.process
    world.begin(order, start)
    yield env.timeout(process.manufacture_days * DAY)
    if order.happens(rates.manufacturing_failure, "failure"):
        return _again(world, order, rates.remade_after_failure)
    yield env.timeout(round(process.release_days * DAY))
    is_oos = order.happens(rates.out_of_specification, "oos")
    if is_oos:
        yield env.timeout(round(rates.decision_days * DAY))
        if not order.happens(rates.infused_out_of_specification, "oos_infused"):
            return _again(world, order, rates.remade_after_failure)
    if order.happens(rates.made_not_received, "received"):
        return Final.NOT_RECEIVED
    return Final.INFUSED_OOS if is_oos else Final.INFUSED


def _again(world: World, order: Order, share: float) -> Any:
    if order.attempts >= MOST_ATTEMPTS or not order.happens(share, "remade"):
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
