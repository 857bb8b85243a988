"""A planner's board: each booked start of manufacture in the cell of its line and its day (MP1, MP2).

Whose starts these are is said as far as the reader is a party of their orders: a contract manufacturer sees all of its
lines, a sponsor on a partner's line its own only (CM2). The number of queries is constant.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from ledger.context import Actor
from orders import gathering, rescheduling, sponsors
from orders.models import Order
from personas.states import Capability
from scheduling import line_load
from scheduling import queries as scheduling
from scheduling.line_load import Line, LineDay
from scheduling.slot_chains import SlotChain
from scheduling.states import ChainState, ChangeWindow

FROZEN, COLLECTED = "frozen", "collected"


@dataclass(frozen=True)
class Start:
    """A start on the board. ``state``: of the chain, or ``frozen``, or ``collected`` once the collection has begun.

    ``movable``: whether the reader may propose other dates; ``answerable``: whether the reader answers its request.
    """

    order: Order
    chain: SlotChain
    starts_at: dt.datetime
    state: str
    movable: bool
    answerable: bool


@dataclass
class Cell:
    """A line on a day: what it offers, what is taken of it, and the starts that the reader may know."""

    day: LineDay
    starts: list[Start] = field(default_factory=list)
    is_past: bool = False

    @property
    def percent(self) -> int | None:
        """How full, rounded down; None of a partner's line, and where nothing is offered."""
        return 100 * (self.day.taken or 0) // self.day.capacity if self.day.capacity else None


@dataclass
class BoardLine:
    """A line with its cells."""

    line: Line
    cells: list[Cell]


def week(actor: Actor, monday: dt.date) -> list[BoardLine]:
    """Return the lines that the actor knows, with seven days from a date. Run inside ``reading``."""
    now = timezone.now()
    lines = line_load.week(actor, monday)
    starts = _starts(actor, lines, monday, now)
    found = []
    for line in lines:
        today = now.astimezone(ZoneInfo(line.zone)).date()
        cells = [Cell(day, starts[line.resource_id, day.date], day.date < today) for day in line.days]
        found.append(BoardLine(line, cells))
    return found


def _starts(
    actor: Actor, lines: Iterable[Line], monday: dt.date, now: dt.datetime
) -> dict[tuple[UUID, dt.date], list[Start]]:
    zones = {line.resource_id: ZoneInfo(line.zone) for line in lines}
    links: list[Any] = list(scheduling.line_links(actor, zones, monday, line_load.WEEK))
    orders = gathering.orders_by(actor, "stream_id", (link.stream_id for link in links))
    begun = rescheduling.begun_among(actor, orders.values())
    changing = {link.stream_id for link in links if link.chain.state == ChainState.PROPOSED}
    found: dict[tuple[UUID, dt.date], list[Start]] = defaultdict(list)
    for link in links:
        order = orders.get(link.stream_id)
        if order is None:
            continue
        date = link.slot_starts_at.astimezone(zones[link.resource_id]).date()
        state = _state(order, link.chain, now, begun=order.pk in begun)
        mine = actor.organization_id == order.manufacturer_id and actor.can(Capability.CONFIRM_SLOTS)
        proposes = mine or (sponsors.is_made_by(actor, order) and actor.can(Capability.CONFIRM_SLOTS))
        movable = proposes and state == ChainState.CONFIRMED and not order.on_hold and link.stream_id not in changing
        answerable = mine and state == ChainState.REQUESTED
        found[link.resource_id, date].append(Start(order, link.chain, link.starts_at, state, movable, answerable))
    return found


def _state(order: Order, chain: SlotChain, now: dt.datetime, *, begun: bool) -> str:
    if begun:
        return COLLECTED
    if chain.state == ChainState.CONFIRMED and rescheduling.window(order, chain, now) == ChangeWindow.FROZEN:
        return FROZEN
    return str(chain.state)
