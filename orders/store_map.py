"""The store of the acting organization: what lies where, what is free, and what expires first (CL3)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from custody import queries as custody
from custody.states import LYING, ContainerKind, ContainerState
from ledger.context import Actor
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order
from orders.places import placed

WATCHED = (*LYING, ContainerState.ISSUED, ContainerState.THAWED)


@dataclass(frozen=True)
class Clock:
    """Until when something may be used, and why then."""

    words: str
    at: dt.datetime


@dataclass(frozen=True)
class Lying:
    """A container in hand with its order, its clocks (the first one first) and where it lies."""

    bag: Any
    order: Order
    clocks: tuple[Clock, ...]

    @property
    def first(self) -> Clock | None:
        return self.clocks[0] if self.clocks else None

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """By its first clock; without one by when it was collected, behind those that have one."""
        at = self.first.at if self.first else self.bag.ended_at
        return "01"[self.first is None], at.astimezone(dt.UTC).isoformat() if at else "", self.bag.code


@dataclass(frozen=True)
class Rack:
    """A rack with its places, in order: what lies there, or None."""

    number: int
    places: tuple[Lying | None, ...]


def lying(actor: Actor) -> list[Lying]:
    """Return what the actor's organization holds, what expires first first; what has no clock comes last.

    Nothing for a courier, who holds boxes (T39).
    """
    if actor.organization_role == Role.COURIER:
        return []
    bags = list(custody.in_hand(actor, *WATCHED).select_related("custodian_site"))
    found = visible(Order, actor).filter(stream_id__in={bag.stream_id for bag in bags})
    orders = {order.stream_id: order for order in placed(found)}
    known = ((bag, orders[bag.stream_id]) for bag in bags if bag.stream_id in orders)
    rows = [Lying(bag, order, clocks(bag, order)) for bag, order in known]
    return sorted(rows, key=lambda row: row.sort_key)


def clocks(bag: Any, order: Order) -> tuple[Clock, ...]:
    """Return until when a container may be used: after its thaw, in storage, and by the age of starting material."""
    found = []
    if bag.expires_at is not None:
        found.append(Clock("Thaw clock" if bag.thawed_at else "Storage", bag.expires_at))
    hours = order.specification.limits.get("max_age_hours")
    if bag.kind == ContainerKind.STARTING_MATERIAL and bag.ended_at is not None and hours:
        found.append(Clock("Age limit", bag.ended_at + dt.timedelta(hours=float(hours))))
    return tuple(sorted(found, key=lambda clock: clock.at))


def racks(unit: Any, rows: Sequence[Lying]) -> list[Rack]:
    """Return a unit rack by rack with what lies in each place."""
    at = {(row.bag.rack, row.bag.place): row for row in rows if row.bag.store_unit_id == unit.pk}
    return [
        Rack(number, tuple(at.get((number, place)) for place in range(1, unit.places + 1)))
        for number in range(1, unit.racks + 1)
    ]


def taken(rows: Sequence[Lying]) -> dict[UUID, int]:
    """Return how many places of each unit are taken."""
    found: dict[UUID, int] = defaultdict(int)
    for row in rows:
        if row.bag.store_unit_id:
            found[row.bag.store_unit_id] += 1
    return found
